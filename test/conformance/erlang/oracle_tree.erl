%% Kind "supervisor" (FORMAT.md section 3): runs the steps and starts what the specs name.
-module(oracle_tree).
-export([run/2, born/2, present/2, spec/2, child_spec/3, start_child/3, start_pooled/5]).

run(Ctx, #{<<"tree">> := Tree, <<"steps">> := Steps}) ->
    process_flag(trap_exit, true),
    %% exit_many promises an order of deaths.
    lists:any(fun(#{<<"op">> := Op}) -> Op =:= <<"exit_many">> end, Steps) andalso
        ets:insert(maps:get(table, Ctx), {{in_order}}),
    case start_child(Ctx, <<"root">>, #{<<"tree">> => Tree}) of
        {ok, Root} ->
            oracle_recorder:event(Ctx, [result, {ok, Root}]),
            First = segment(Ctx, #{}),
            Segments = [step(Ctx, Step) || Step <- Steps],
            Final = final(Ctx, Root),
            [First | Segments] ++ [Final];
        {error, Reason} ->
            oracle_recorder:event(Ctx, [result, {error, Reason}]),
            First = segment(Ctx, #{}),
            [First, encode(Ctx, [[final, not_started]], #{})]
    end.

final(Ctx, Root) ->
    oracle_recorder:settle(Ctx),
    Rest = oracle_recorder:take(Ctx),
    State =
        case is_process_alive(Root) of
            true -> alive;
            false ->
                receive
                    {'EXIT', Root, Reason} -> {exit, Reason}
                end
        end,
    encode(Ctx, Rest ++ [[final, State]], #{}).

step(Ctx, Step) ->
    process_flag(priority, max),
    do(Ctx, maps:get(<<"op">>, Step), Step),
    process_flag(priority, normal),
    segment(Ctx, Step).

segment(_, #{<<"settle">> := false}) ->
    oracle_json:array([]);
segment(Ctx, Step) ->
    oracle_recorder:settle(Ctx),
    encode(Ctx, oracle_recorder:take(Ctx), Step).

%%% The operations

do(Ctx, <<"sleep">>, #{<<"ms">> := Ms}) ->
    oracle_recorder:sleep(Ctx, Ms);
do(Ctx, <<"stop">>, #{<<"reason">> := R}) ->
    Root = latest(Ctx, <<"root">>),
    exit(Root, oracle_term:decode(R));
do(Ctx, <<"exit">>, #{<<"child">> := Path, <<"reason">> := R} = Step) ->
    Pid = latest(Ctx, Path),
    Reason = oracle_term:decode(R),
    case is_pid(Pid) andalso is_process_alive(Pid) of
        false ->
            oracle_recorder:event(Ctx, [result, not_alive]);
        true ->
            How = maps:get(<<"how">>, Step, <<"signal">>),
            How =:= <<"signal">> orelse ets:member(maps:get(table, Ctx), {supervisor, Pid}) =:= false orelse
                oracle_recorder:flag(Ctx, misdirected),
            case How of
                <<"signal">> -> signal([Pid], Reason);
                <<"stop">> -> gen_server:cast(Pid, {stop, Reason});
                <<"error">> -> gen_server:cast(Pid, {error, Reason})
            end
    end;
do(Ctx, <<"exit_many">>, #{<<"children">> := Paths, <<"reason">> := R}) ->
    signal([Pid || Path <- Paths, Pid <- [latest(Ctx, Path)], is_pid(Pid)], oracle_term:decode(R));
do(Ctx, <<"start_child">>, #{<<"args">> := Args} = Step) ->
    expect_pool(Ctx, Step, true),
    call(Ctx, Step, {start_child, [Args]}, fun without_record/1);
do(Ctx, <<"start_child">>, #{<<"child">> := Child} = Step) ->
    Spec = child_spec(Ctx, maps:get(<<"sup">>, Step, <<"root">>), Child),
    expect_pool(Ctx, Step, false),
    call(Ctx, Step, {start_child, Spec}, fun without_record/1);
do(Ctx, <<"check_childspecs">>, #{<<"specs">> := Specs} = Step) ->
    Built = [child_spec(Ctx, <<"root">>, S) || S <- Specs],
    Result =
        case Step of
            #{<<"auto_shutdown">> := Auto} -> supervisor:check_childspecs(Built, oracle_term:decode(Auto));
            _ -> supervisor:check_childspecs(Built)
        end,
    oracle_recorder:event(Ctx, [result, Result]);
do(#{table := Table} = Ctx, <<"which_children">>, Step) ->
    Pool = ets:member(Table, {pool, supervisor(Ctx, Step)}),
    call(Ctx, Step, which_children, fun(Children) -> children(Table, Pool, Children) end);
do(Ctx, <<"count_children">>, Step) ->
    call(Ctx, Step, count_children, fun(Counts) ->
        [proplists:get_value(K, Counts) || K <- [specs, active, supervisors, workers]]
    end);
do(Ctx, <<"get_childspec">>, Step) ->
    call(Ctx, Step, {get_childspec, which(Ctx, Step)}, fun
        ({ok, Spec}) -> {ok, [maps:get(K, Spec) || K <- [id, restart, shutdown, type, significant]]};
        (Error) -> Error
    end);
do(Ctx, Op, Step) when Op =:= <<"terminate_child">>; Op =:= <<"restart_child">>; Op =:= <<"delete_child">> ->
    call(Ctx, Step, {binary_to_existing_atom(Op), which(Ctx, Step)}, fun without_record/1).

which(Ctx, #{<<"pid">> := Path}) -> latest(Ctx, Path);
which(_, #{<<"id">> := Id}) -> oracle_term:decode(Id).

supervisor(#{table := Table} = Ctx, Step) ->
    Sup = latest(Ctx, maps:get(<<"sup">>, Step, <<"root">>)),
    Sup =:= none orelse ets:member(Table, {supervisor, Sup}) orelse oracle_recorder:flag(Ctx, misdirected),
    Sup.

%% FORMAT.md knows `args` for pools and `child` for the others; a scenario that mixes them up is flagged.
expect_pool(#{table := Table} = Ctx, Step, Expected) ->
    Sup = supervisor(Ctx, Step),
    Sup =:= none orelse ets:member(Table, {pool, Sup}) =:= Expected orelse oracle_recorder:flag(Ctx, misdirected).

%% What supervisor:Function(Sup, ...) does (a gen_server:call without time-out), except that the reply goes
%% to the recorder: a result counts as happening when the supervisor sends it, before anything it does next,
%% and an Erlang process is not interrupted by sending.
call(#{recorder := Recorder} = Ctx, Step, Request, Show) ->
    case supervisor(Ctx, Step) of
        Sup when is_pid(Sup) ->
            Monitor = monitor(process, Sup),
            Sup ! {'$gen_call', {Recorder, {result, self(), Monitor, Show}}, Request},
            receive
                {replied, Monitor} ->
                    demonitor(Monitor, [flush]);
                {'DOWN', Monitor, process, Sup, Reason} ->
                    oracle_recorder:ping(Ctx),
                    receive
                        {replied, Monitor} -> ok
                    after 0 -> oracle_recorder:event(Ctx, [raised, Reason])
                    end
            end;
        none ->
            oracle_recorder:event(Ctx, [raised, noproc])
    end.

%% start_child's and restart_child's {error, {Reason, ChildRecord}}.
without_record({error, {Reason, Record}}) when element(1, Record) =:= child, tuple_size(Record) > 5 -> {error, Reason};
without_record(Result) -> Result.

children(Table, Pool, Children) ->
    Items = [[Id, Child, Type] || {Id, Child, Type, _} <- Children],
    case Pool of
        true -> lists:sort(fun(A, B) -> oracle_term:encode(A, Table) =< oracle_term:encode(B, Table) end, Items);
        false -> Items
    end.

%% Exit signals from a process that is not the parent, all sent before a target runs.
signal(Pids, Reason) ->
    {_, Ref} = spawn_opt(fun() -> [exit(Pid, Reason) || Pid <- Pids] end, [monitor, {priority, max}]),
    receive
        {'DOWN', Ref, _, _, _} -> ok
    end.

%%% Child specs and starts

present(Keys, Map) ->
    maps:from_list([
        {K, oracle_term:decode(maps:get(atom_to_binary(K), Map))}
     || K <- Keys, is_map_key(atom_to_binary(K), Map)
    ]).

spec(Child, {Function, Args}) ->
    Spec = present([id, restart, shutdown, type, significant, modules], Child),
    case Child of
        #{<<"no_start">> := true} -> Spec;
        #{<<"bad_start">> := X} -> Spec#{start => oracle_term:decode(X)};
        _ -> Spec#{start => {?MODULE, Function, Args}}
    end.

child_spec(Ctx, Sup, Child) -> spec(Child, {start_child, [Ctx, path(Sup, Child), Child]}).

path(<<"root">>, #{<<"id">> := Id}) when is_binary(Id) -> Id;
path(Sup, #{<<"id">> := Id}) when is_binary(Id) -> <<Sup/binary, $/, Id/binary>>;
path(_, _) -> <<"nameless">>.

start_pooled(Ctx, Sup, SupName, Template, Args) ->
    Child = maps:merge(Template, Args),
    {Path, N} = attempt(Ctx, path(Sup, Child)),
    ets:insert(maps:get(table, Ctx), {{pooled, name(Path, N)}, SupName}),
    start(Ctx, Path, N, Child).

start_child(Ctx, Path, Child) ->
    {Path, N} = attempt(Ctx, Path),
    start(Ctx, Path, N, Child).

attempt(#{table := Table}, Path) ->
    N = ets:update_counter(Table, {attempts, Path}, 1, {{attempts, Path}, 0}),
    ets:insert(Table, {{latest, Path}, none}),
    ets:insert(Table, {{path, name(Path, N)}, Path}),
    {Path, N}.

start(Ctx, Path, N, #{<<"tree">> := Tree}) ->
    Name = name(Path, N),
    case oracle_supervisor:start_link(Ctx, Path, Name, Tree) of
        {ok, Pid} ->
            oracle_recorder:start_event(Ctx, {Pid, [sup_up, Name]}),
            {ok, Pid};
        {error, Reason} ->
            oracle_recorder:event(Ctx, [sup_failed, Name, Reason]),
            {error, Reason}
    end;
start(Ctx, Path, N, Child) ->
    oracle_worker:start_link(Ctx, name(Path, N), N, Child).

name(Path, N) -> <<Path/binary, $#, (integer_to_binary(N))/binary>>.

%% Called in init of workers and supervisors.
born(#{table := Table} = Ctx, Name) ->
    oracle_recorder:track(Ctx, self(), Name),
    ets:member(Table, {in_order}) orelse oracle_recorder:shuffle(Ctx),
    [{_, Path}] = ets:lookup(Table, {path, Name}),
    ets:insert(Table, {{latest, Path}, self()}).

latest(#{table := Table}, Path) ->
    case ets:lookup(Table, {latest, Path}) of
        [{_, Pid}] -> Pid;
        [] -> none
    end.

%%% Segments

encode(#{table := Table}, Events, #{<<"sort">> := true}) ->
    oracle_json:array(lists:sort([oracle_term:encode(E, Table) || E <- Events]));
encode(#{table := Table}, Events, _) ->
    oracle_json:array(runs([{pool(Table, E), oracle_term:encode(E, Table)} || E <- Events])).

%% A pool stops its children concurrently: each run of deaths of its children is sorted.
runs([{none, Json} | Rest]) ->
    [Json | runs(Rest)];
runs([{Pool, _} | _] = Events) ->
    {Run, Rest} = lists:splitwith(fun({P, _}) -> P =:= Pool end, Events),
    lists:sort([Json || {_, Json} <- Run]) ++ runs(Rest);
runs([]) ->
    [].

pool(Table, [Kind, Name, _]) when Kind =:= terminate; Kind =:= down ->
    case ets:lookup(Table, {pooled, Name}) of
        [{_, Sup}] -> Sup;
        [] -> none
    end;
pool(_, _) ->
    none.
