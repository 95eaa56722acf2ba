%% The server every Erlang workload runs: a counter, and one half of a volley.
-module(counter).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2]).

init({report, To}) ->
    To ! {up, self()},
    {ok, 0};
init(N) ->
    {ok, N}.

handle_call(add, _From, N) -> {reply, N + 1, N + 1};
handle_call(get, _From, N) -> {reply, N, N}.

handle_cast(add, N) ->
    {noreply, N + 1};
handle_cast({volley, _Peer, Owner, 0}, N) ->
    Owner ! volley_done,
    {noreply, N + 1};
handle_cast({volley, Peer, Owner, Left}, N) ->
    gen_server:cast(Peer, {volley, self(), Owner, Left - 1}),
    {noreply, N + 1}.
