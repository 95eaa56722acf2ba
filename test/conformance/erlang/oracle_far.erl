%% Two nodes: where the processes of a scenario alternate between this VM and a second one (`-two_nodes`), what reaches
%% the table, asks about a process or acts on a name passes through here. With one node all of it is local.
-module(oracle_far).
-export([start/0, home/2, at/4, place/1, other/0, alive/1, registered/1, pause/0]).
-export([tracers/1, trace_self/1, traced/1, forward/1, delivered/0, atoms/0]).

%% Starts the second node, if there is to be one.
start() ->
    case init:get_argument(two_nodes) of
        error ->
            ok;
        _ ->
            Path = filename:dirname(code:which(?MODULE)),
            Args = ["-pa", Path, "+S", "1", "-setcookie", atom_to_list(erlang:get_cookie())],
            {ok, _, Other} = peer:start(#{name => peer:random_name(), args => Args}),
            [erpc:call(N, persistent_term, put, [?MODULE, [node(), Other]]) || N <- [node(), Other]],
            _ = erpc:call(Other, ?MODULE, atoms, []),
            ok
    end.

%% Atoms that binary_to_existing_atom must find.
atoms() -> [explicit_unalias, demonitor, reply_demonitor, flush, info].

%% The table's first.
all() -> persistent_term:get(?MODULE, [node()]).

%% The node of the process that is started as number N, counted from 0.
place(N) -> lists:nth(N rem length(all()) + 1, all()).

%% Where what this process spawns lives: processes alternate.
other() ->
    case all() -- [node()] of
        [Other] -> Other;
        [] -> node()
    end.

%% ets:F(A...), where the table is.
home(F, A) -> call(hd(all()), ets, F, A).

%% M:F(A...) on the node of a process.
at(Pid, M, F, A) -> call(node(Pid), M, F, A).

call(Node, M, F, A) when Node =:= node() -> apply(M, F, A);
call(Node, M, F, A) ->
    try
        erpc:call(Node, M, F, A)
    catch
        error:{exception, Reason, _} -> error(Reason)
    end.

alive(Pid) -> at(Pid, erlang, is_process_alive, [Pid]).

%% The node and the process that have this name.
registered(Name) ->
    case [{N, P} || N <- all(), P <- [call(N, erlang, whereis, [Name])], is_pid(P)] of
        [Found | _] -> Found;
        [] -> none
    end.

%% Between nodes signals take their time: a round trip stands behind those that have been sent.
pause() ->
    case all() of
        [_] ->
            erlang:yield();
        [_, Other] ->
            receive
            after 3 -> erpc:call(Other, erlang, yield, [])
            end
    end.

%%% Tracing is local to a node: the other one has a process that passes on what its tracer hears.

%% The tracers of a driver, by node.
tracers(Driver) ->
    maps:from_list([{N, tracer(N, Driver)} || N <- all()]).

tracer(Node, Driver) when Node =:= node() -> Driver;
tracer(Node, Driver) -> spawn(Node, ?MODULE, forward, [Driver]).

forward(Driver) ->
    receive
        {sync, From, Ref} -> From ! {Ref, synced};
        Message -> Driver ! Message
    end,
    forward(Driver).

%% Has this process traced, if it is not yet.
trace_self(Tracers) ->
    erlang:trace_info(self(), tracer) =:= {tracer, []} andalso
        erlang:trace(self(), true, [procs, {tracer, maps:get(node(), Tracers)}]).

%% Waits until all that has been traced has arrived at the driver, which calls this.
traced(Tracers) ->
    [arrived(Node, Tracer) || {Node, Tracer} <- maps:to_list(Tracers)],
    ok.

arrived(Node, _) when Node =:= node() ->
    delivered();
arrived(Node, Tracer) ->
    erpc:call(Node, ?MODULE, delivered, []),
    Ref = make_ref(),
    Tracer ! {sync, self(), Ref},
    receive
        {Ref, synced} -> ok
    end.

delivered() ->
    Ref = erlang:trace_delivered(all),
    receive
        {trace_delivered, all, Ref} -> ok
    end.
