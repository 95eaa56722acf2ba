%% The worker of kind "supervisor": a gen_server whose starts, reactions and end the scenario dictates.
-module(oracle_worker).
-behaviour(gen_server).
-export([start_link/4, init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2, hang/0]).

%% N: the how-manieth start attempt of its path this is.
start_link(Ctx, Name, N, Child) -> gen_server:start_link(?MODULE, {Ctx, Name, N, Child}, []).

init({Ctx, Name, N, Child}) ->
    process_flag(trap_exit, maps:get(<<"trap_exit">>, Child, false)),
    oracle_tree:born(Ctx, Name),
    Starts = maps:get(<<"start">>, Child, [<<"ok">>]),
    start(lists:nth(min(N, length(Starts)), Starts), {Ctx, Name, Child}).

start(#{<<"delay">> := Ms} = Outcome, {Ctx, _, _} = State) ->
    timer:sleep(oracle_recorder:ms(Ctx, Ms)),
    start(maps:remove(<<"delay">>, Outcome), State);
start(<<"ok">>, {Ctx, Name, _} = State) ->
    oracle_recorder:start_event(Ctx, {self(), [start, Name, ok]}),
    {ok, State};
start(<<"ignore">>, {Ctx, Name, _}) ->
    oracle_recorder:event(Ctx, [start, Name, ignore]),
    ignore;
start(#{} = Outcome, {Ctx, Name, _}) ->
    [{Kind, R}] = maps:to_list(Outcome),
    Reason = oracle_term:decode(R),
    oracle_recorder:event(Ctx, [start, Name, {binary_to_existing_atom(Kind), Reason}]),
    case Kind of
        <<"error">> -> {stop, Reason};
        <<"crash">> -> error(Reason);
        <<"exit">> -> exit(Reason)
    end.

handle_call(_, _, State) -> {reply, ok, State}.

handle_cast({stop, Reason}, State) -> {stop, Reason, State};
handle_cast({error, Reason}, _) -> error(Reason).

handle_info({'EXIT', _, Reason}, {Ctx, Name, _} = State) ->
    oracle_recorder:event(Ctx, [exit_msg, Name, Reason]),
    {noreply, State};
handle_info(_, State) ->
    {noreply, State}.

terminate(Reason, {Ctx, Name, Child}) ->
    oracle_recorder:event(Ctx, [terminate, Name, Reason]),
    case maps:get(<<"on_terminate">>, Child, <<"ok">>) of
        <<"ok">> -> ok;
        <<"hang">> -> hang();
        #{<<"delay">> := Ms} -> timer:sleep(oracle_recorder:ms(Ctx, Ms));
        #{<<"exit">> := R} -> exit(oracle_term:decode(R))
    end.

hang() ->
    receive
    after infinity -> ok
    end.
