%% The supervisor of kind "supervisor": flags and child specs are those of the scenario, passed through.
-module(oracle_supervisor).
-behaviour(supervisor).
-export([start_link/4, init/1]).

start_link(Ctx, Path, Name, Tree) -> supervisor:start_link(?MODULE, {Ctx, Path, Name, Tree}).

init({Ctx, Path, Name, Tree}) ->
    oracle_tree:born(Ctx, Name),
    oracle_recorder:event(Ctx, [sup_init, Name]),
    ets:insert(maps:get(table, Ctx), {{supervisor, self()}}),
    Keys = [strategy, intensity, period, auto_shutdown],
    Flags = oracle_tree:present(Keys, Tree),
    Children = maps:get(<<"children">>, Tree, []),
    case Flags of
        #{strategy := simple_one_for_one} ->
            ets:insert(maps:get(table, Ctx), {{pool, self()}}),
            {ok, {Flags, [oracle_tree:spec(C, {start_pooled, [Ctx, Path, Name, C]}) || C <- Children]}};
        _ ->
            {ok, {Flags, [oracle_tree:child_spec(Ctx, Path, C) || C <- Children]}}
    end.
