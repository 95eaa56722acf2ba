%% Room `local`, as Erlang/OTP runs it: `erl +S 1 -run bench_local main WORKLOAD COUNT REPEATS`.
%% Prints one JSON object: what was completed, and the time it took (ns), each latency (ns), or one value.
%% One run before the measured ones warms up. The measuring process is a fresh one, so no workload inherits its heap.
-module(bench_local).
-export([main/1]).

main([Workload, Count, Repeats]) ->
    Name = list_to_atom(Workload),
    N = list_to_integer(Count),
    R = list_to_integer(Repeats),
    {Pid, Ref} = spawn_monitor(fun() -> exit({result, run(Name, N, R)}) end),
    receive
        {'DOWN', Ref, process, Pid, {result, Result}} ->
            print([json(Result), $\n]),
            halt(0);
        {'DOWN', Ref, process, Pid, Reason} ->
            io:format(standard_error, "~p~n", [Reason]),
            halt(1)
    end.

run(call, N, R) -> rates(fun calls/1, N, R);
run('call-concurrent', N, R) -> rates(fun concurrent_calls/1, N, R);
run(cast, N, R) -> rates(fun casts/1, N, R);
run('server-volley', N, R) -> rates(fun server_volley/1, N, R);
run('receive-volley', N, R) -> rates(fun receive_volley/1, N, R);
run(start, N, R) -> rates(fun starts/1, N, R);
run('start-stop', N, R) -> rates(fun start_stops/1, N, R);
run('call-latency', N, R) -> latencies(fun call_latencies/1, N, R);
run(restart, N, R) -> latencies(fun restart_latencies/1, N, R);
run(idle, N, _R) -> idle(N).

%% A run is given N and returns {operations completed, nanoseconds}.
rates(Run, N, R) ->
    _ = fresh(Run, N),
    Runs = [fresh(Run, N) || _ <- lists:seq(1, R)],
    {elapsed, lists:sum([Done || {Done, _} <- Runs]), lists:sum([Ns || {_, Ns} <- Runs])}.

latencies(Run, N, R) ->
    _ = fresh(Run, N),
    {latencies, lists:append([fresh(Run, N) || _ <- lists:seq(1, R)])}.

fresh(Run, N) ->
    {Pid, Ref} = spawn_monitor(fun() -> exit({done, Run(N)}) end),
    receive {'DOWN', Ref, process, Pid, {done, Result}} -> Result end.

now_ns() -> erlang:monotonic_time(nanosecond).

server() ->
    {ok, Pid} = gen_server:start(counter, 0, []),
    Pid.

%% --- call and cast

calls(N) ->
    Pid = server(),
    T0 = now_ns(),
    N = call_loop(Pid, N),
    Ns = now_ns() - T0,
    N = gen_server:call(Pid, get),
    gen_server:stop(Pid),
    {N, Ns}.

call_loop(Pid, 1) -> gen_server:call(Pid, add);
call_loop(Pid, N) -> gen_server:call(Pid, add), call_loop(Pid, N - 1).

call_latencies(N) ->
    Pid = server(),
    Taken = [begin T0 = now_ns(), _ = gen_server:call(Pid, add), now_ns() - T0 end || _ <- lists:seq(1, N)],
    N = gen_server:call(Pid, get),
    gen_server:stop(Pid),
    Taken.

%% 100 requests under way: all sent, then all replies awaited. One process per caller is slower, for it switches twice
%% a call.
concurrent_calls(N) ->
    Pid = server(),
    T0 = now_ns(),
    _ = [begin
             Requests = [gen_server:send_request(Pid, add) || _ <- lists:seq(1, 100)],
             [{reply, _} = gen_server:receive_response(Request, infinity) || Request <- Requests]
         end || _ <- lists:seq(1, N div 100)],
    Ns = now_ns() - T0,
    Done = gen_server:call(Pid, get),
    gen_server:stop(Pid),
    {Done, Ns}.

%% N casts and the call that shows they were all handled. N is the backlog offered: the scheduler of a single thread
%% lets the receiver run between slices of the sender, so the mailbox need never hold all N.
casts(N) ->
    Pid = server(),
    T0 = now_ns(),
    cast_loop(Pid, N),
    N = gen_server:call(Pid, get, infinity),
    Ns = now_ns() - T0,
    gen_server:stop(Pid),
    {N, Ns}.

cast_loop(_Pid, 0) -> ok;
cast_loop(Pid, N) -> gen_server:cast(Pid, add), cast_loop(Pid, N - 1).

%% --- volleys: one operation is a round trip

server_volley(N) ->
    A = server(),
    B = server(),
    T0 = now_ns(),
    gen_server:cast(A, {volley, B, self(), 2 * N - 1}),
    receive volley_done -> ok end,
    Ns = now_ns() - T0,
    Done = (gen_server:call(A, get) + gen_server:call(B, get)) div 2,
    gen_server:stop(A),
    gen_server:stop(B),
    {Done, Ns}.

receive_volley(N) ->
    Self = self(),
    Pong = spawn_link(fun() -> pong_loop(Self) end),
    T0 = now_ns(),
    Done = ping_loop(Pong, N, 0),
    Ns = now_ns() - T0,
    unlink(Pong),
    exit(Pong, kill),
    {Done, Ns}.

ping_loop(_Pong, 0, Done) -> Done;
ping_loop(Pong, N, Done) ->
    Pong ! {ping, self()},
    receive {pong, Pong} -> ping_loop(Pong, N - 1, Done + 1) end.

pong_loop(Owner) ->
    receive {ping, From} -> From ! {pong, self()}, pong_loop(Owner) end.

%% --- lives

starts(N) ->
    T0 = now_ns(),
    Pids = start_loop(N, []),
    Ns = now_ns() - T0,
    Done = length([P || P <- Pids, is_process_alive(P)]),
    stop_all(Pids),
    {Done, Ns}.

start_loop(0, Pids) -> Pids;
start_loop(N, Pids) ->
    {ok, Pid} = gen_server:start(counter, 0, []),
    start_loop(N - 1, [Pid | Pids]).

stop_all(Pids) ->
    Refs = [monitor(process, P) || P <- Pids],
    [exit(P, kill) || P <- Pids],
    [receive {'DOWN', Ref, process, _, _} -> ok end || Ref <- Refs],
    ok.

start_stops(N) ->
    T0 = now_ns(),
    Done = start_stop_loop(N, 0),
    {Done, now_ns() - T0}.

start_stop_loop(0, Done) -> Done;
start_stop_loop(N, Done) ->
    {ok, Pid} = gen_server:start(counter, 0, []),
    ok = gen_server:stop(Pid),
    start_stop_loop(N - 1, Done + 1).

%% Kill, restart, first answer. A fresh supervisor each 100 crashes: a supervisor rescans its list of recent restarts
%% at every restart, so a long crash loop would measure that list.
restart_latencies(N) ->
    lists:append([restart_batch(100) || _ <- lists:seq(1, N div 100)]).

restart_batch(N) ->
    {ok, Sup} = supervisor:start_link(one_child, self()),
    First = receive {up, Pid} -> Pid end,
    Taken = restart_loop(First, N, []),
    unlink(Sup),
    exit(Sup, shutdown),
    Taken.

restart_loop(_Pid, 0, Taken) -> Taken;
restart_loop(Pid, N, Taken) ->
    T0 = now_ns(),
    exit(Pid, kill),
    Next = receive {up, P} -> P end,
    1 = gen_server:call(Next, add),
    T1 = now_ns(),
    restart_loop(Next, N - 1, [T1 - T0 | Taken]).

%% Bytes per idle server, from the memory of all processes.
idle(N) ->
    erlang:garbage_collect(),
    Before = erlang:memory(processes),
    Pids = start_loop(N, []),
    erlang:garbage_collect(),
    After = erlang:memory(processes),
    Done = length([P || P <- Pids, is_process_alive(P)]),
    {value, Done, (After - Before) / N}.

%% --- output

%% halt/1 cuts short what standard output has not taken yet, and init:stop/0 costs a second: hence a port of our own.
print(Line) ->
    Port = open_port({fd, 0, 1}, [out, binary]),
    port_command(Port, Line),
    drain(Port).

drain(Port) ->
    case erlang:port_info(Port, queue_size) of
        {queue_size, 0} -> ok;
        _ -> timer:sleep(1), drain(Port)
    end.

json({elapsed, Done, Ns}) -> ["{\"completed\":", number(Done), ",\"elapsedNs\":", number(Ns), "}"];
json({latencies, Taken}) ->
    ["{\"completed\":", number(length(Taken)), ",\"latenciesNs\":", numbers(Taken), "}"];
json({value, Done, Value}) -> ["{\"completed\":", integer_to_list(Done), ",\"value\":", number(Value), "}"].

numbers(List) -> ["[", lists:join(",", [number(X) || X <- List]), "]"].

number(X) when is_integer(X) -> integer_to_list(X);
number(X) -> float_to_list(X, [{decimals, 1}]).
