%% The server of kind "server": a gen_server that follows the scenario's rules. Its state is the counter.
-module(oracle_server).
-behaviour(gen_server).
-export([start_link/2, init/1, handle_call/3, handle_cast/2, handle_info/2, handle_continue/2, terminate/2]).

start_link(Ctx, Scenario) -> gen_server:start_link(?MODULE, {Ctx, Scenario}, []).

init({Ctx, #{<<"init">> := Init} = Scenario}) ->
    process_flag(trap_exit, maps:get(<<"trap_exit">>, Scenario, false)),
    put(context, Ctx),
    oracle_machine:born(Ctx, Init),
    put(rules, maps:get(<<"rules">>, Scenario, [])),
    Reason = reason(Init),
    case maps:get(<<"result">>, Init, <<"ok">>) of
        <<"ok">> -> with_next({ok, maps:get(<<"counter">>, Init, 0)}, Init);
        <<"ignore">> -> ignore;
        <<"stop">> -> {stop, Reason};
        <<"crash">> -> error(Reason);
        <<"exit">> -> exit(Reason);
        <<"bad">> -> garbage
    end.

handle_call(Content, From, Counter) -> handle(call, Content, From, Counter).
handle_cast(Content, Counter) -> handle(cast, Content, none, Counter).
handle_info(Content, Counter) -> handle(info, Content, none, Counter).
handle_continue(Content, Counter) -> handle(continue, Content, none, Counter).

terminate(Reason, Counter) -> oracle_recorder:event(get(context), [terminate, Reason, Counter]).

handle(Type, Content, From, Counter) ->
    oracle_recorder:event(get(context), [cb, Type, Content, Counter]),
    case {Type, Content} of
        {info, '$probe'} -> {noreply, Counter};
        _ -> follow(Type, Content, From, Counter)
    end.

follow(Type, Content, From, Counter) ->
    Match = fun(#{<<"event">> := [T, C]}) -> matches(T, Type) andalso matches(C, Content) end,
    case oracle_machine:rule(get(rules), 1, Match) of
        none ->
            {noreply, Counter};
        Do ->
            oracle_machine:save(Do, From),
            [reply(Key, V) || [Key, V] <- maps:get(<<"replies">>, Do, [])],
            result(maps:get(<<"result">>, Do), Do, From, Counter + maps:get(<<"inc">>, Do, 0))
    end.

matches(<<"_">>, _) -> true;
matches(Json, Term) -> oracle_term:decode(Json) =:= Term.

reply(Key, V) ->
    case oracle_machine:saved(Key) of
        undefined -> ok;
        From -> gen_server:reply(From, oracle_term:decode(V))
    end.

result(<<"reply">>, Do, none, Counter) -> result(<<"noreply">>, Do, none, Counter);
result(<<"reply">>, Do, _, Counter) -> with_next({reply, value(Do), Counter}, Do);
result(<<"noreply">>, Do, _, Counter) -> with_next({noreply, Counter}, Do);
result(<<"stop">>, Do, _, Counter) -> {stop, reason(Do), Counter};
result(<<"stop_reply">>, Do, none, Counter) -> {stop, reason(Do), Counter};
result(<<"stop_reply">>, Do, _, Counter) -> {stop, reason(Do), value(Do), Counter};
result(<<"crash">>, Do, _, _) -> error(reason(Do));
result(<<"exit">>, Do, _, _) -> exit(reason(Do));
result(<<"bad">>, _, _, _) -> garbage.

value(Do) -> oracle_term:decode(maps:get(<<"value">>, Do)).
reason(Do) -> oracle_term:decode(maps:get(<<"reason">>, Do, <<"normal">>)).

with_next(Return, #{<<"next">> := #{<<"continue">> := C}}) ->
    erlang:append_element(Return, {continue, oracle_term:decode(C)});
with_next(Return, #{<<"next">> := Ms}) when is_integer(Ms) ->
    erlang:append_element(Return, oracle_recorder:ms(get(context), Ms));
with_next(Return, #{<<"next">> := Next}) ->
    erlang:append_element(Return, oracle_term:decode(Next));
with_next(Return, _) ->
    Return.
