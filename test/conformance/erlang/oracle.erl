%% The oracle's door: `erl +S 1 -noinput -s oracle`. Reads length-prefixed (4 bytes, big endian) JSON
%% requests {"id", "slot", "scale", "jitter", "scenario"} on fd 0, runs them all at once, and answers on fd 1 with
%% {"id", "trace", "flags"} or {"id", "error"}. The end of the input ends the VM.
%%
%% One scheduler: recorded order is then the order of what happened.
-module(oracle).
-export([start/0]).

-define(SCENARIO_LIMIT_MS, 60000).

start() ->
    logger:set_primary_config(level, none),
    oracle_far:start(),
    %% Atoms that binary_to_existing_atom must find.
    _ = [
        crash, handle_event_function, state_functions, explicit_unalias, demonitor, reply_demonitor,
        flush, info, terminate_child, restart_child, delete_child
    ],
    spawn(fun() ->
        Port = open_port({fd, 0, 1}, [{packet, 4}, binary, eof]),
        loop(Port, #{})
    end).

loop(Port, Running) ->
    receive
        {Port, {data, Data}} ->
            #{<<"id">> := Id} = Request = oracle_json:decode(Data),
            {Pid, Ref} = spawn_monitor(fun() -> exit({answer, run(Request)}) end),
            timer:exit_after(?SCENARIO_LIMIT_MS, Pid, too_long),
            loop(Port, Running#{Ref => Id});
        {Port, eof} ->
            halt(0);
        {'DOWN', Ref, process, _, Outcome} when is_map_key(Ref, Running) ->
            {Id, Running1} = maps:take(Ref, Running),
            port_command(Port, answer(Id, Outcome)),
            loop(Port, Running1);
        _ ->
            loop(Port, Running)
    end.

answer(Id, {answer, {Segments, Flags}}) ->
    [
        <<"{\"id\":">>, integer_to_binary(Id), <<",\"trace\":">>, oracle_json:array(Segments), <<",\"flags\":">>,
        oracle_json:array([oracle_json:string(atom_to_binary(F)) || F <- Flags]), <<"}">>
    ];
answer(Id, Reason) ->
    Text = iolist_to_binary(io_lib:format("~0p", [Reason])),
    [<<"{\"id\":">>, integer_to_binary(Id), <<",\"error\":">>, oracle_json:string(Text), <<"}">>].

run(#{<<"slot">> := Slot, <<"scale">> := Scale, <<"jitter">> := Jitter, <<"scenario">> := Scenario}) ->
    #{<<"kind">> := Kind} = Scenario,
    %% Only machines scale: supervisors count restarts in whole seconds.
    {Module, Scales} =
        case Kind of
            <<"supervisor">> -> {oracle_tree, false};
            <<"statem">> -> {oracle_machine, true};
            <<"server">> -> {oracle_machine, true};
            <<"signals">> -> {oracle_signals, false}
        end,
    Ctx = oracle_recorder:start(#{slot => Slot, jitter => Jitter, scale => if Scales -> Scale; true -> 1 end}),
    Segments = Module:run(Ctx, Scenario),
    Flags = [F || [F] <- ets:match(maps:get(table, Ctx), {{flag, '$1'}})],
    oracle_recorder:stop(Ctx),
    {Segments, Flags}.
