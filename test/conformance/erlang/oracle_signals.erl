%% Kind "signals" (FORMAT.md section 6). Every process of the scenario runs proc/2: it executes the
%% operations it is told and reads its mailbox only when told to, after the exit cascade of a step is over.
%% Deaths are seen by tracing, so that no link or monitor of ours is in the way.
-module(oracle_signals).
-export([run/2, proc/2]).

run(#{table := Table} = Ctx0, #{<<"procs">> := Procs, <<"steps">> := Steps}) ->
    process_flag(trap_exit, true),
    Ctx = Ctx0#{tracers => oracle_far:tracers(self())},
    [
        begin
            Pid = spawn(oracle_far:place(I), ?MODULE, proc, [Ctx, Name]),
            ets:insert(Table, [{{name, Pid}, Name}, {{proc, Name}, Pid}])
        end
     || {I, Name} <- lists:zip(lists:seq(0, length(Procs) - 1), Procs)
    ],
    settle(Ctx),
    Segments = steps(Ctx, Steps),
    Final = final(Ctx),
    [oracle_json:array([])] ++ Segments ++ [Final].

%% A step that names what is not there makes no sense: the trace ends before it.
steps(_, []) ->
    [];
steps(#{table := Table} = Ctx, [Step | Steps]) ->
    Segment = step(Ctx, Step),
    case ets:member(Table, {flag, unknown_name}) of
        true -> [];
        false -> [Segment | steps(Ctx, Steps)]
    end.

final(#{table := Table} = Ctx) ->
    Alive = [Name || [Name, Pid] <- ets:match(Table, {{proc, '$1'}, '$2'}), oracle_far:alive(Pid)],
    Registered = [
        [Name, found(Atom)]
     || [Name, Atom] <- ets:match(Table, {{registered, '$1'}, '$2'}), found(Atom) =/= undefined
    ],
    [exit(Pid, kill) || [_, Pid] <- ets:match(Table, {{proc, '$1'}, '$2'})],
    settle(Ctx),
    oracle_json:array([
        oracle_term:encode(E, Table)
     || E <- [[alive, lists:sort(Alive)], [registered, lists:sort(Registered)]]
    ]).

%%% A step: the result, then what everybody received and who died, sorted as FORMAT.md says.

step(#{table := Table} = Ctx, #{<<"proc">> := Name} = Step) ->
    Pid = find(Table, Name),
    case is_pid(Pid) andalso oracle_far:alive(Pid) of
        false ->
            oracle_json:array([oracle_term:encode([skipped, Name], Table)]);
        true ->
            Ref = make_ref(),
            Pid ! {op, self(), Ref, Step},
            {Result, Early} = await(Ctx, Pid, Ref, []),
            Late = cascade(Ctx, none),
            Sorted = lists:sort([{key(E, Ctx), I, E} || {I, E} <- numbered(Early ++ Late)]),
            Events = [with_name(R, Name) || R <- Result] ++ [event(E) || {_, _, E} <- Sorted],
            oracle_json:array([oracle_term:encode(E, Table) || E <- Events])
    end.

numbered(List) -> lists:zip(lists:seq(1, length(List)), List).

with_name({Kind, Value}, Name) -> [Kind, Name, Value].

%% The step's result, if it comes; a pause of a batch lets the others read their mailboxes.
await(Ctx, Pid, Ref, Events) ->
    receive
        {Ref, result, Result} ->
            {[Result], Events};
        {Ref, pause, Ms} ->
            Before = cascade(Ctx, Pid),
            receive
            after Ms -> ok
            end,
            After = cascade(Ctx, Pid),
            Pid ! {Ref, continue},
            await(Ctx, Pid, Ref, Events ++ Before ++ After)
    after 1 ->
        case oracle_far:alive(Pid) of
            true ->
                await(Ctx, Pid, Ref, Events);
            false ->
                receive
                    {Ref, result, Result} -> {[Result], Events}
                after 0 -> {[], Events}
                end
        end
    end.

%% Lets the exit cascade end, then has everybody but Except read the mailbox: deaths and receipts.
cascade(#{table := Table} = Ctx, Except) ->
    Downs = settle(Ctx),
    Readers = [P || [P] <- ets:match(Table, {{proc, '_'}, '$1'}), P =/= Except, oracle_far:alive(P)],
    Ref = make_ref(),
    [P ! {read, self(), Ref} || P <- Readers],
    lists:append([
        receive
            {Ref, P, Messages} -> [{recv, P, M} || M <- Messages]
        end
     || P <- Readers
    ]) ++ Downs.

%% Waits until no process is on its way to anything; the deaths since the last time.
settle(#{table := Table, tracers := Tracers} = Ctx) ->
    settle(Table, 0),
    oracle_far:traced(Tracers),
    downs(Ctx).

settle(_, 3) ->
    ok;
settle(Table, Clean) ->
    oracle_far:pause(),
    Quiet = lists:all(
        fun([P]) ->
            case oracle_far:at(P, erlang, process_info, [P, status]) of
                {status, waiting} -> true;
                undefined -> dead(Table, P);
                _ -> false
            end
        end,
        ets:match(Table, {{proc, '_'}, '$1'})
    ),
    settle(Table, if Quiet -> Clean + 1; true -> 0 end).

%% Dead means gone, its signals sent: an exiting process cannot be found either, but its links can.
dead(_, P) -> not lists:member(P, oracle_far:at(P, erlang, processes, [])).

downs(#{table := Table} = Ctx) ->
    receive
        {trace, Pid, exit, Reason} ->
            case ets:member(Table, {name, Pid}) of
                true -> [{down, Pid, Reason} | downs(Ctx)];
                false -> downs(Ctx)
            end;
        {trace, _, _, _} ->
            downs(Ctx);
        {trace, _, _, _, _} ->
            downs(Ctx)
    after 0 -> []
    end.

%% (receiver or dying process, own death last, sender, DOWN after others, number of the reference)
key({down, Pid, _}, #{table := Table}) -> {find_name(Table, Pid), 1, none};
key({recv, Pid, M}, #{table := Table}) -> {find_name(Table, Pid), 0, source(M, Table)}.

source({message, From, _}, _) -> {From, 0, 0};
source({'EXIT', From, _}, Table) -> {find_name(Table, From), 0, 0};
source({'DOWN', Ref, process, {Atom, _}, _}, Table) -> {find_name(Table, Atom), 1, number(Table, Ref)};
source({'DOWN', Ref, process, Pid, _}, Table) -> {find_name(Table, Pid), 1, number(Table, Ref)}.

event({down, Pid, Reason}) -> [down, Pid, Reason];
event({recv, Pid, {message, _, Content}}) -> [recv, Pid, Content];
event({recv, Pid, {'DOWN', Ref, process, {Atom, _}, R}}) -> [recv, Pid, {'DOWN', Ref, process, {reg, short(Atom)}, R}];
event({recv, Pid, M}) -> [recv, Pid, M].

find(Table, Name) ->
    case oracle_far:home(lookup, [Table, {proc, Name}]) of
        [{_, Pid}] -> Pid;
        [] -> none
    end.

find_name(_, Atom) when is_atom(Atom) -> short(Atom);
find_name(Table, Pid) ->
    [{_, Name}] = oracle_far:home(lookup, [Table, {name, Pid}]),
    Name.

number(Table, Ref) -> ets:lookup_element(Table, {number, Ref}, 2).

%% Registered names are global to the VM: each scenario slot has its own, "N:name".
long(#{slot := Slot, table := Table}, Name) ->
    Atom = binary_to_atom(<<(integer_to_binary(Slot))/binary, $:, Name/binary>>),
    oracle_far:home(insert, [Table, {{registered, Name}, Atom}]),
    Atom.

short(Atom) -> lists:nth(2, binary:split(atom_to_binary(Atom), <<":">>)).

%%% The processes

proc(#{tracers := Tracers} = Ctx, Name) ->
    oracle_far:trace_self(Tracers),
    oracle_recorder:shuffle(Ctx),
    receive
        {op, Driver, Ref, Op} ->
            case Op of
                #{<<"op">> := <<"return">>} ->
                    ok;
                _ ->
                    Driver ! {Ref, result, attempt(Ctx#{driver => {Driver, Ref}, self_name => Name}, Op)},
                    proc(Ctx, Name)
            end;
        {read, Driver, Ref} ->
            Driver ! {Ref, self(), mailbox()},
            proc(Ctx, Name)
    end.

mailbox() ->
    receive
        Message -> [Message | mailbox()]
    after 0 -> []
    end.

attempt(_, #{<<"op">> := <<"exit">>, <<"reason">> := R}) ->
    exit(oracle_term:decode(R));
attempt(_, #{<<"op">> := <<"error">>, <<"reason">> := R}) ->
    error(oracle_term:decode(R));
attempt(Ctx, #{<<"op">> := <<"batch">>, <<"ops">> := Ops}) ->
    batch(Ctx, Ops, []);
attempt(Ctx, Op) ->
    try
        {result, do(Ctx, maps:get(<<"op">>, Op), Op)}
    catch
        error:Reason -> {raised, Reason}
    end.

batch(_, [], Results) ->
    {result, lists:reverse(Results)};
batch(Ctx, [Op | Ops], Results) ->
    maps:get(jitter, Ctx) > 0 andalso lists:foreach(fun(_) -> erlang:yield() end, lists:seq(1, rand:uniform(6) - 1)),
    case attempt(Ctx, Op) of
        {result, Result} -> batch(Ctx, Ops, [Result | Results]);
        Raised -> Raised
    end.

do(Ctx, <<"spawn">>, #{<<"name">> := Name, <<"how">> := How} = Op) -> spawned(Ctx, Name, How, Op);
do(Ctx, <<"link">>, Op) -> link(to(Ctx, Op));
do(Ctx, <<"unlink">>, Op) -> unlink(to(Ctx, Op));
do(Ctx, <<"monitor">>, #{<<"as">> := As} = Op) -> new_ref(Ctx, erlang:monitor(process, address(long(Ctx, As)), options(Op)));
do(Ctx, <<"monitor">>, Op) -> new_ref(Ctx, erlang:monitor(process, to(Ctx, Op), options(Op)));
do(Ctx, <<"demonitor">>, #{<<"ref">> := Name} = Op) -> demonitored(Ctx, Name, maps:get(<<"opts">>, Op, []));
do(_, <<"trap_exit">>, #{<<"value">> := Value}) -> process_flag(trap_exit, Value);
do(Ctx, <<"exit_to">>, #{<<"reason">> := R} = Op) -> exit(to(Ctx, Op), oracle_term:decode(R));
do(Ctx, <<"register">>, #{<<"as">> := As} = Op) ->
    Atom = long(Ctx, As),
    To = to(Ctx, Op),
    found(Atom) =:= undefined orelse error(badarg),
    oracle_far:at(To, erlang, register, [Atom, To]);
do(Ctx, <<"unregister">>, #{<<"as">> := As}) ->
    Atom = long(Ctx, As),
    Pid = found(Atom),
    is_pid(Pid) orelse error(badarg),
    oracle_far:at(Pid, erlang, unregister, [Atom]);
do(Ctx, <<"whereis">>, #{<<"as">> := As}) -> found(long(Ctx, As));
do(Ctx, <<"send">>, Op) -> send(Ctx, to(Ctx, Op), Op);
do(Ctx, <<"send_name">>, #{<<"as">> := As} = Op) -> send(Ctx, address(long(Ctx, As)), Op);
do(Ctx, <<"send_alias">>, #{<<"alias">> := Name} = Op) -> send(Ctx, reference(Ctx, Name), Op);
do(Ctx, <<"alive">>, Op) -> oracle_far:alive(to(Ctx, Op));
do(#{table := Table}, <<"links">>, _) ->
    {links, Links} = process_info(self(), links),
    lists:sort([find_name(Table, P) || P <- Links]);
do(#{table := Table}, <<"monitors">>, _) ->
    {monitors, Monitors} = process_info(self(), monitors),
    lists:sort([find_name(Table, monitored(M)) || {process, M} <- Monitors]);
do(Ctx, <<"alias">>, _) -> new_name(Ctx, <<"alias">>, erlang:alias());
do(Ctx, <<"unalias">>, #{<<"alias">> := Name}) -> erlang:unalias(reference(Ctx, Name));
do(#{driver := {Driver, Ref}}, <<"pause">>, #{<<"ms">> := Ms}) ->
    Driver ! {Ref, pause, Ms},
    receive
        {Ref, continue} -> ok
    end.

%% Who has a name, on whatever node.
found(Atom) ->
    case oracle_far:registered(Atom) of
        none -> undefined;
        {_, Pid} -> Pid
    end.

address(Atom) ->
    case oracle_far:registered(Atom) of
        {Node, _} when Node =/= node() -> {Atom, Node};
        _ -> Atom
    end.

monitored({Atom, _}) -> Atom;
monitored(Pid) -> Pid.

send(#{self_name := From}, To, #{<<"msg">> := Content}) ->
    To ! {message, From, oracle_term:decode(Content)},
    ok.

to(#{table := Table} = Ctx, #{<<"to">> := Name}) ->
    case find(Table, Name) of
        none ->
            oracle_recorder:flag(Ctx, unknown_name),
            exit(unknown_name);
        Pid ->
            Pid
    end.

options(#{<<"alias">> := Mode}) -> [{alias, binary_to_existing_atom(Mode)}];
options(_) -> [].

new_ref(#{table := Table} = Ctx, Ref) ->
    oracle_far:home(insert, [Table, {{owner, Ref}, self()}]),
    new_name(Ctx, <<"ref">>, Ref).

new_name(#{table := Table}, Kind, Ref) ->
    N = oracle_far:home(update_counter, [Table, {count, Kind}, 1, {{count, Kind}, 0}]),
    Name = <<Kind/binary, (integer_to_binary(N))/binary>>,
    oracle_far:home(insert, [Table, [{{name, Ref}, Name}, {{number, Ref}, N}, {{reference, Name}, Ref}]]),
    Name.

reference(#{table := Table} = Ctx, Name) ->
    case oracle_far:home(lookup, [Table, {reference, Name}]) of
        [{_, Ref}] ->
            Ref;
        [] ->
            oracle_recorder:flag(Ctx, unknown_name),
            exit(unknown_name)
    end.

demonitored(#{table := Table}, Name, Options) ->
    case oracle_far:home(lookup, [Table, {reference, Name}]) of
        [] ->
            no_ref;
        [{_, Ref}] ->
            case oracle_far:home(lookup_element, [Table, {owner, Ref}, 2]) =:= self() of
                true -> erlang:demonitor(Ref, [binary_to_existing_atom(O) || O <- Options]);
                false -> not_owner
            end
    end.

spawned(#{table := Table} = Ctx, Name, How, Op) ->
    Bare = maps:without([driver, self_name], Ctx),
    Body = fun() ->
        oracle_far:home(insert, [Table, [{{name, self()}, Name}, {{proc, Name}, self()}]]),
        oracle_far:trace_self(maps:get(tracers, Ctx)),
        process_flag(trap_exit, maps:get(<<"trap_exit">>, Op, false)),
        case Op of
            #{<<"exit">> := R} -> exit(oracle_term:decode(R));
            _ -> proc(Bare, Name)
        end
    end,
    Node = oracle_far:other(),
    {Pid, Result} =
        case How of
            <<"spawn">> ->
                {spawn(Node, Body), ok};
            <<"spawn_link">> ->
                {spawn_link(Node, Body), ok};
            <<"spawn_monitor">> ->
                {P, Ref} = spawn_monitor(Node, Body),
                {P, new_ref(Ctx, Ref)}
        end,
    oracle_far:home(insert, [Table, [{{name, Pid}, Name}, {{proc, Name}, Pid}]]),
    is_map_key(<<"exit">>, Op) andalso await_gone(Pid),
    Result.

await_gone(Pid) ->
    receive
    after 1 -> ok
    end,
    lists:member(Pid, oracle_far:at(Pid, erlang, processes, [])) andalso await_gone(Pid).
