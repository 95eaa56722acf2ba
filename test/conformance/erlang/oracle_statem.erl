%% The state machine of kind "statem": a gen_statem that follows the scenario's rules.
%% Its data is the integer counter alone, because error reasons show the data.
-module(oracle_statem).
-behaviour(gen_statem).
-export([start_link/2, init/1, callback_mode/0, handle_event/4, terminate/3, '$handle_undefined_function'/2]).

start_link(Ctx, Scenario) -> gen_statem:start_link(?MODULE, {Ctx, Scenario}, []).

init({Ctx, #{<<"init">> := Init} = Scenario}) ->
    process_flag(trap_exit, maps:get(<<"trap_exit">>, Scenario, false)),
    put(context, Ctx),
    oracle_machine:born(Ctx, Init),
    put(rules, maps:get(<<"rules">>, Scenario, [])),
    put(mode, mode(Scenario)),
    Reason = oracle_term:decode(maps:get(<<"reason">>, Init, <<"normal">>)),
    case maps:get(<<"result">>, Init, <<"ok">>) of
        <<"ok">> ->
            Actions = [A1 || A <- maps:get(<<"actions">>, Init, []), {ok, A1} <- [action(A, none)]],
            watch_zero(Actions),
            {ok, oracle_term:decode(maps:get(<<"state">>, Init)), maps:get(<<"counter">>, Init, 0), Actions};
        <<"ignore">> -> ignore;
        <<"stop">> -> {stop, Reason};
        <<"crash">> -> error(Reason);
        <<"exit">> -> exit(Reason);
        <<"bad">> -> garbage
    end.

mode(Scenario) ->
    Mode = binary_to_existing_atom(maps:get(<<"callback_mode">>, Scenario, <<"handle_event_function">>)),
    [Mode | [state_enter || maps:get(<<"state_enter">>, Scenario, false)]].

callback_mode() -> get(mode).

%% callback_mode state_functions: the function of every state is undefined, and so ends up here.
'$handle_undefined_function'(State, [Type, Content, Counter]) -> handle_event(Type, Content, State, Counter);
'$handle_undefined_function'(Function, Args) -> error_handler:raise_undef_exception(?MODULE, Function, Args).

handle_event(Type, Content, State, Counter) ->
    oracle_recorder:event(get(context), [cb, State, type(Type), Content, Counter]),
    fired(Type),
    case Content of
        '$probe' when Type =:= info -> keep_state_and_data;
        _ -> follow(Type, Content, State, Counter)
    end.

type({call, _}) -> call;
type(Type) -> Type.

follow(Type, Content, State, Counter) ->
    Match = fun(#{<<"event">> := [T, C], <<"state">> := S}) ->
        matches(S, State) andalso matches_type(T, type(Type)) andalso matches(C, Content)
    end,
    case oracle_machine:rule(get(rules), 1, Match) of
        none ->
            keep_state_and_data;
        Do ->
            From = from(Type),
            oracle_machine:save(Do, From),
            result(maps:get(<<"result">>, Do), Do, From, State, Counter + maps:get(<<"inc">>, Do, 0))
    end.

matches(<<"_">>, _) -> true;
matches(Json, Term) -> oracle_term:decode(Json) =:= Term.

matches_type(<<"_">>, Type) -> Type =/= enter;
matches_type(Json, Type) -> matches(Json, Type).

from({call, From}) -> From;
from(_) -> none.

result(Result, Do, From, State, Counter) ->
    Actions = [A1 || A <- maps:get(<<"actions">>, Do, []), {ok, A1} <- [action(A, From)]],
    Reason = oracle_term:decode(maps:get(<<"reason">>, Do, <<"normal">>)),
    case Result of
        <<"next_state">> ->
            Next = oracle_term:decode(maps:get(<<"state">>, Do)),
            Next =:= State orelse zero_gone(state_timeout),
            watch_zero(Actions),
            {next_state, Next, Counter, Actions};
        <<"keep_state">> ->
            watch_zero(Actions),
            {keep_state, Counter, Actions};
        <<"keep_state_and_data">> ->
            watch_zero(Actions),
            {keep_state_and_data, Actions};
        <<"repeat_state">> ->
            watch_zero(Actions),
            {repeat_state, Counter, Actions};
        <<"repeat_state_and_data">> ->
            watch_zero(Actions),
            {repeat_state_and_data, Actions};
        <<"stop">> ->
            {stop, Reason, Counter};
        <<"stop_and_reply">> ->
            {stop_and_reply, Reason, Actions, Counter};
        <<"crash">> ->
            error(Reason);
        <<"exit">> ->
            exit(Reason);
        <<"bad">> ->
            garbage
    end.

action(<<"postpone">>, _) -> {ok, postpone};
action(<<"hibernate">>, _) -> {ok, hibernate};
action(#{<<"next_event">> := [T, C]}, _) -> {ok, {next_event, oracle_term:decode(T), oracle_term:decode(C)}};
action(#{<<"reply">> := _}, none) -> none;
action(#{<<"reply">> := V}, From) -> {ok, {reply, From, oracle_term:decode(V)}};
action(#{<<"reply_to">> := [Key, V]}, _) ->
    case oracle_machine:saved(Key) of
        undefined -> none;
        From -> {ok, {reply, From, oracle_term:decode(V)}}
    end;
action(#{<<"state_timeout">> := X}, _) -> {ok, timeout(state_timeout, X)};
action(#{<<"timeout">> := X}, _) -> {ok, timeout(timeout, X)};
action(#{<<"generic_timeout">> := [Name, <<"cancel">>]}, _) -> {ok, timeout(generic(Name), <<"cancel">>)};
action(#{<<"generic_timeout">> := [Name | X]}, _) -> {ok, timeout(generic(Name), X)}.

generic(Name) -> {timeout, oracle_term:decode(Name)}.

timeout(Type, <<"cancel">>) -> {Type, cancel};
timeout(Type, [<<"update">>, Content]) -> {Type, update, oracle_term:decode(Content)};
timeout(Type, [<<"infinity">>, Content]) -> {Type, infinity, oracle_term:decode(Content)};
timeout(Type, [Ms, Content]) -> {Type, oracle_recorder:ms(get(context), Ms), oracle_term:decode(Content)}.

terminate(Reason, State, Counter) ->
    oracle_recorder:event(get(context), [terminate, Reason, State, Counter]).

%%% OTP 25 loses a time-out that was started with 0, has not been delivered yet and is started again with
%%% a time > 0. A scenario that comes near this is flagged (rather too often than not).

watch_zero(Actions) ->
    Last = maps:from_list([{element(1, A), A} || A <- Actions, is_timeout(A)]),
    maps:foreach(fun(Type, A) -> watch_zero(Type, element(2, A)) end, Last).

is_timeout(A) when is_tuple(A) ->
    case element(1, A) of
        state_timeout -> true;
        timeout -> true;
        {timeout, _} -> true;
        _ -> false
    end;
is_timeout(_) ->
    false.

watch_zero(Type, 0) -> put({timer, Type}, zero);
watch_zero(Type, Gone) when Gone =:= cancel; Gone =:= infinity -> zero_gone(Type);
watch_zero(Type, update) -> get({timer, Type}) =:= undefined andalso put({timer, Type}, zero);
watch_zero(Type, _) -> put({timer, Type}, running) =:= zero andalso oracle_recorder:flag(get(context), zero_restarted).

zero_gone(Type) -> erase({timer, Type}).

fired(enter) -> ok;
fired(Type) ->
    zero_gone(timeout),
    zero_gone(Type).
