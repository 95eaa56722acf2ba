%% Kinds "statem" and "server" (FORMAT.md sections 4 and 5): the steps, which both share, and the rules.
%% The machine itself is an oracle_statem or an oracle_server.
-module(oracle_machine).
-export([run/2, born/2, rule/3, save/2, saved/1]).

run(Ctx, #{<<"steps">> := Steps} = Scenario) ->
    process_flag(trap_exit, true),
    Module = module(Scenario),
    case Module:start_link(Ctx, Scenario) of
        {ok, Machine} ->
            oracle_recorder:event(Ctx, [result, ok]),
            start_steps(Ctx, #{module => api(Scenario), machine => Machine, calls => 0}, Steps);
        ignore ->
            not_started(Ctx, ignore);
        {error, Reason} ->
            not_started(Ctx, {error, Reason})
    end.

%% Called first in the machine's init: its death counts if init is going to succeed.
born(Ctx, Init) -> oracle_recorder:track(Ctx, self(), <<"machine">>, maps:get(<<"result">>, Init, <<"ok">>) =:= <<"ok">>).

module(#{<<"kind">> := <<"statem">>}) -> oracle_statem;
module(#{<<"kind">> := <<"server">>}) -> oracle_server.

api(#{<<"kind">> := <<"statem">>}) -> gen_statem;
api(#{<<"kind">> := <<"server">>}) -> gen_server.

not_started(Ctx, Result) ->
    oracle_recorder:event(Ctx, [result, Result]),
    [segment(Ctx, oracle_recorder:take(Ctx)), segment(Ctx, [[final, not_started]])].

start_steps(Ctx, State, Steps) ->
    First = settled(Ctx, #{}),
    Run = fun(S, Acc) ->
        Ms = maps:get(<<"ms">>, S, 0),
        oracle_recorder:on_time(Ctx, oracle_recorder:longest(Ctx, Ms), fun() -> step(Ctx, S, Acc) end)
    end,
    {Segments, #{machine := Machine}} = lists:mapfoldl(Run, State, Steps),
    Final = final(Ctx, Machine),
    [First | Segments] ++ [Final].

step(Ctx, Step, State) ->
    process_flag(priority, max),
    erlang:yield(),
    State1 = do(Ctx, maps:get(<<"op">>, Step), Step, State),
    process_flag(priority, normal),
    case Step of
        #{<<"settle">> := false} -> {oracle_json:array([]), State1};
        _ -> {settled(Ctx, Step), State1}
    end.

final(Ctx, Machine) ->
    case is_process_alive(Machine) of
        true ->
            Machine ! '$probe',
            oracle_recorder:settle(Ctx),
            oracle_recorder:event(Ctx, [final, alive]);
        false ->
            oracle_recorder:event(Ctx, [final, dead])
    end,
    segment(Ctx, oracle_recorder:take(Ctx)).

settled(#{table := Table} = Ctx, Step) ->
    oracle_recorder:settle(Ctx),
    Events = oracle_recorder:take(Ctx),
    case Step of
        #{<<"sort">> := true} -> oracle_json:array(lists:sort([oracle_term:encode(plain(E), Table) || E <- Events]));
        _ -> segment(Ctx, Events)
    end.

%% Start result, then callbacks and deaths as they happened, then stop result or final, then the calls.
segment(#{table := Table}, Events) ->
    Ranked = [{rank(E), I, E} || {I, E} <- lists:zip(lists:seq(1, length(Events)), Events)],
    oracle_json:array([oracle_term:encode(plain(E), Table) || {_, _, E} <- lists:sort(Ranked)]).

rank([result | _]) -> 0;
rank([final | _]) -> 2;
rank([stop_result | _]) -> 2;
rank([Kind, K, _]) when Kind =:= reply; Kind =:= call_exit; Kind =:= stray -> {calls, K};
rank(_) -> 1.

plain([down, _, Reason]) -> [down, Reason];
plain([stop_result, {raised, Reason}]) -> [raised, Reason];
plain([stop_result, Result]) -> [result, Result];
plain(Event) -> Event.

%%% The operations. While they run this process has priority: the machine does not get to run.

do(Ctx, <<"burst">>, #{<<"ops">> := Ops}, State) ->
    lists:foldl(fun(Op, Acc) -> do(Ctx, maps:get(<<"op">>, Op), Op, Acc) end, State, Ops);
do(_, <<"cast">>, #{<<"content">> := C}, #{module := Module, machine := Machine} = State) ->
    Module:cast(Machine, oracle_term:decode(C)),
    State;
do(_, <<"info">>, #{<<"content">> := C}, #{machine := Machine} = State) ->
    Machine ! oracle_term:decode(C),
    State;
do(Ctx, <<"call">>, #{<<"content">> := C} = Step, #{module := Module, machine := Machine, calls := N} = State) ->
    Timeout = oracle_recorder:ms(Ctx, maps:get(<<"timeout">>, Step, infinity)),
    Content = oracle_term:decode(C),
    Caller = spawn_opt(fun() -> caller(Ctx, N + 1, fun() -> Module:call(Machine, Content, Timeout) end) end, [
        {priority, max}
    ]),
    await_sent(Caller),
    oracle_recorder:track(Ctx, Caller, <<"caller">>),
    State#{calls := N + 1};
do(Ctx, <<"wait">>, #{<<"ms">> := Ms}, State) ->
    oracle_recorder:sleep(Ctx, Ms),
    State;
do(Ctx, <<"stop">>, #{<<"reason">> := R}, #{module := Module, machine := Machine} = State) ->
    Result =
        try
            Module:stop(Machine, oracle_term:decode(R), infinity)
        catch
            exit:Reason -> {raised, oracle_term:without_location(Reason)}
        end,
    oracle_recorder:event(Ctx, [stop_result, Result]),
    State;
do(Ctx, <<"exit">>, #{<<"reason">> := R} = Step, #{machine := Machine} = State) ->
    Reason = oracle_term:decode(R),
    case maps:get(<<"from">>, Step, <<"parent">>) of
        <<"parent">> -> exit(Machine, Reason);
        <<"other">> -> exit_from_other(Ctx, Machine, Reason)
    end,
    State.

exit_from_other(#{table := Table}, Machine, Reason) ->
    {Pid, Ref} = spawn_opt(fun() -> exit(Machine, Reason) end, [monitor, {priority, max}]),
    ets:insert(Table, {{name, Pid}, <<"other">>}),
    receive
        {'DOWN', Ref, _, _, _} -> ok
    end.

%% A caller stays alive after its call: whatever else it gets is a stray.
caller(Ctx, K, Call) ->
    Event =
        try
            [reply, K, Call()]
        catch
            exit:Reason -> [call_exit, K, oracle_term:without_location(Reason)]
        end,
    oracle_recorder:event(Ctx, Event),
    caller_rest(Ctx, K).

caller_rest(Ctx, K) ->
    receive
        Message ->
            oracle_recorder:event(Ctx, [stray, K, Message]),
            caller_rest(Ctx, K)
    end.

await_sent(Caller) ->
    erlang:yield(),
    case process_info(Caller, status) of
        {status, waiting} -> ok;
        _ -> await_sent(Caller)
    end.

%%% Rules, in the machine's own process: use counts and saved callers live in its dictionary.

%% The `do` of the first rule that matches, or none. Match: fun(Rule) -> boolean().
rule([Rule | Rules], Index, Match) ->
    Used =
        case get({used, Index}) of
            undefined -> 0;
            U -> U
        end,
    case Match(Rule) andalso Used < maps:get(<<"times">>, Rule, infinity) of
        true ->
            put({used, Index}, Used + 1),
            maps:get(<<"do">>, Rule);
        false ->
            rule(Rules, Index + 1, Match)
    end;
rule([], _, _) ->
    none.

save(_, none) -> ok;
save(#{<<"save">> := Key}, From) -> put({saved, Key}, From);
save(_, _) -> ok.

%% The saved caller, used up, or undefined.
saved(Key) -> erase({saved, Key}).
