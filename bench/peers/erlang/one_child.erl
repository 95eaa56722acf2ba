%% A supervisor of one counter that tells its owner each time the child is up. The owner thus learns of a restart by a
%% message: polling for the new pid would measure the polling.
-module(one_child).
-behaviour(supervisor).
-export([init/1]).

init(Owner) ->
    {ok, {#{strategy => one_for_one, intensity => 1000000, period => 1},
          [#{id => counter, start => {gen_server, start_link, [counter, {report, Owner}, []]}}]}}.
