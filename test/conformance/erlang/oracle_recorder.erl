%% One recorder per scenario: the single place where events and deaths arrive, so that their order is
%% the order in which they happened (the VM runs with one scheduler), and the test of quiescence.
%%
%% The scenario's table (ETS, owned by its driver) holds {{name, PidOrRef}, Name}, {{live, Pid}} and
%% whatever the kinds add under keys of their own. A context is
%% #{recorder, table, slot, scale, jitter, parent}.
-module(oracle_recorder).
-export([start/1, stop/1, track/3, track/4, event/2, start_event/2, take/1, ping/1, settle/1, ms/2, longest/2, sleep/2, on_time/3, shuffle/1, flag/2]).

-define(SETTLE_LIMIT_MS, 20000).
-define(LATE_MS, 12).

%% Options: slot, scale, jitter. The caller becomes the scenario's parent.
start(Options) ->
    Table = ets:new(scenario, [public, ordered_set]),
    Recorder = spawn_opt(fun() -> loop(Table, [], #{}) end, [link, {priority, max}]),
    ets:insert(Table, {{name, self()}, <<"parent">>}),
    Options#{recorder => Recorder, table => Table, parent => self()}.

%% Kills whatever is left of the scenario.
stop(#{recorder := Recorder, table := Table}) ->
    unlink(Recorder),
    exit(Recorder, kill),
    [
        begin
            unlink(Pid),
            exit(Pid, kill)
        end
     || [Pid] <- ets:match(Table, {{live, '$1'}})
    ],
    ets:delete(Table),
    ok.

%% Called by (or for) a process at its birth: names and monitors it. Its death is an event if
%% its start succeeded (start_event), or from now on with Up = true.
track(Ctx, Pid, Name) -> track(Ctx, Pid, Name, false).

track(#{recorder := Recorder}, Pid, Name, Up) ->
    Ref = make_ref(),
    Recorder ! {track, self(), Ref, Pid, Name, Up},
    receive
        {Ref, ok} -> ok
    end.

event(#{recorder := Recorder}, Event) ->
    Recorder ! {event, Event},
    ok.

%% An event that also says that the start of this process succeeded.
start_event(#{recorder := Recorder} = Ctx, {Pid, Event}) ->
    Recorder ! {up, Pid},
    event(Ctx, Event).

%% The events since the last take, oldest first.
take(#{recorder := Recorder}) ->
    Ref = make_ref(),
    Recorder ! {take, self(), Ref},
    receive
        {Ref, Events} -> Events
    end.

%% A remark on the scenario that is not part of its trace.
flag(#{table := Table}, Flag) -> ets:insert(Table, {{flag, Flag}}).

%% Durations pass through here. The scale makes room on a busy machine; the jitter (ms, 0 = none) shows
%% which timers compete.
ms(#{jitter := Jitter, scale := Scale}, Ms) when is_integer(Ms), Ms >= 15 ->
    Scale * (Ms + rand:uniform(Jitter + 1) - 1);
ms(_, Ms) ->
    Ms.

%% What ms/2 makes of it at most.
longest(#{jitter := Jitter, scale := Scale}, Ms) -> Scale * (Ms + Jitter).

%% A step's pause.
sleep(Ctx, Ms) ->
    Time = ms(Ctx, Ms),
    on_time(Ctx, Time, fun() -> timer:sleep(Time) end).

%% Runs what ought to take so many ms. On a busy machine it may take so much longer that timers
%% that ought to fire later fire in between: such a run is flagged, and worth nothing.
on_time(#{scale := Scale} = Ctx, Ms, Fun) ->
    Start = erlang:monotonic_time(millisecond),
    Result = Fun(),
    Late = erlang:monotonic_time(millisecond) - Start - Ms > ?LATE_MS * Scale,
    Late andalso flag(Ctx, late),
    Result.

%% With jitter, gives the calling process a random priority: independent processes then run in another
%% order than they became ready in, and a trace that depends on that order shows. (The driver has more.)
shuffle(#{jitter := Jitter}) when Jitter > 0 -> process_flag(priority, lists:nth(rand:uniform(2), [normal, high]));
shuffle(_) -> ok.

loop(Table, Events, Up) ->
    receive
        {event, Event} ->
            loop(Table, [Event | Events], Up);
        {{result, Driver, Ref, Show}, Reply} ->
            Driver ! {replied, Ref},
            loop(Table, [[result, Show(Reply)] | Events], Up);
        {up, Pid} ->
            loop(Table, Events, Up#{Pid => true});
        {track, From, Ref, Pid, Name, IsUp} ->
            monitor(process, Pid),
            ets:insert(Table, [{{name, Pid}, Name}, {{live, Pid}}]),
            From ! {Ref, ok},
            loop(Table, Events, Up#{Pid => IsUp});
        {'DOWN', _, process, Pid, Reason} ->
            ets:delete(Table, {live, Pid}),
            case Up of
                #{Pid := true} ->
                    [{_, Name}] = ets:lookup(Table, {name, Pid}),
                    loop(Table, [[down, Name, Reason] | Events], maps:remove(Pid, Up));
                _ ->
                    loop(Table, Events, maps:remove(Pid, Up))
            end;
        {take, From, Ref} ->
            From ! {Ref, lists:reverse(Events)},
            loop(Table, [], Up);
        {ping, From, Ref} ->
            From ! {Ref, pong},
            loop(Table, Events, Up)
    end.

%% Waits until nothing can happen any more except by timers: every live process waits in its main
%% loop with an empty mailbox, in three passes in a row. With one scheduler a pass that finds this
%% has not been interrupted.
settle(Ctx) ->
    Priority = process_flag(priority, normal),
    settle(Ctx, 0, 0, erlang:monotonic_time(millisecond) + ?SETTLE_LIMIT_MS),
    process_flag(priority, Priority),
    ok.

settle(_, 3, _, _) ->
    ok;
settle(Ctx, Clean, Dirty, Limit) ->
    erlang:yield(),
    case quiet(Ctx) of
        true ->
            settle(Ctx, Clean + 1, Dirty, Limit);
        false ->
            erlang:monotonic_time(millisecond) < Limit orelse exit(not_settled),
            rest(Dirty),
            settle(Ctx, 0, Dirty + 1, Limit)
    end.

rest(Dirty) when Dirty < 8 -> ok;
rest(_) ->
    receive
    after 1 -> ok
    end.

%% Waits until the recorder has seen what has been sent to it.
ping(#{recorder := Recorder}) ->
    Ref = make_ref(),
    Recorder ! {ping, self(), Ref},
    receive
        {Ref, pong} -> ok
    end.

quiet(#{table := Table} = Ctx) ->
    ping(Ctx),
    lists:all(fun([Pid]) -> idle(Pid) end, ets:match(Table, {{live, '$1'}})).

idle(Pid) ->
    case process_info(Pid, [status, message_queue_len, current_function]) of
        [{status, waiting}, {message_queue_len, Length}, {current_function, Where}] -> resting(Where, Length);
        _ -> false
    end.

resting({oracle_worker, hang, 0}, _) -> true;
resting({gen_server, loop, _}, 0) -> true;
resting({gen_statem, loop_receive, _}, 0) -> true;
resting({erlang, hibernate, 3}, 0) -> true;
resting({gen, do_call, _}, 0) -> true;
resting({oracle_machine, caller_rest, _}, 0) -> true;
resting(_, _) -> false.
