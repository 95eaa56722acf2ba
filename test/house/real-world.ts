// Who may touch the real world, beyond src/system, which exists for it. Each entry is one file, the names it may use, and
// why a port would not do. An entry that is no longer needed is a complaint, so the list only holds what is true.

export interface RealWorldEntry {
  readonly path: string
  /** Names as the check of ambient.ts prints them: `setTimeout`, `Date`, `node:fs`, `lmdb`, `import()` … */
  readonly names: readonly string[]
  readonly reason: string
}

export const realWorld: readonly RealWorldEntry[] = [
  {
    path: 'src/storage/lmdb/environment.ts',
    names: ['node:fs', 'lmdb', 'process'],
    reason: 'the one place that drives LMDB, on the storage thread; the port above it is TransactionalStore',
  },
  {
    path: 'src/storage/lmdb/owner.ts',
    names: ['node:fs', 'lmdb', 'process'],
    reason: 'asks the system whether the process that holds an environment is alive',
  },
  {
    path: 'src/storage/lmdb/lmdb-store.ts',
    names: ['node:fs'],
    reason: 'two spellings of a folder are one environment: resolves symbolic links',
  },
  {
    path: 'src/storage/lmdb/storage-thread.ts',
    names: ['node:fs', 'node:worker_threads', 'process'],
    reason: 'starts the storage threads of the process, and lets them finish when the process exits',
  },
  {
    path: 'src/storage/lmdb/exit-gate.ts',
    names: ['Atomics.wait'],
    reason: 'the exit of the process waits, by blocking, until the storage thread has left LMDB',
  },
  {
    path: 'src/storage/lmdb/data-file.ts',
    names: ['node:fs', 'lmdb'],
    reason: 'makes the files of LMDB and looks at them before LMDB does',
  },
  {
    path: 'src/storage/lmdb/thread.ts',
    names: ['node:worker_threads', 'performance', 'setImmediate', 'setInterval', 'setTimeout'],
    reason: 'the entry of the storage thread: has an event loop of its own and runs under no node',
  },
  {
    path: 'src/run-service.ts',
    names: ['node:os', 'process', 'setInterval', 'clearInterval', 'setTimeout'],
    reason: 'the signals and the end of this process; its deadline must not keep the process alive, as an alarm would',
  },
  {
    path: 'src/threads/heartbeat.ts',
    names: ['setInterval', 'clearInterval'],
    reason: 'beats while the event loop turns, and never keeps it alive',
  },
  {
    path: 'src/threads/watchdog-thread.ts',
    names: ['node:worker_threads', 'Atomics.wait', 'performance', 'process', 'node:fs'],
    reason: 'the entry of the watchdog: sleeps without an event loop, so that nothing else can hang it',
  },
  {
    path: 'src/threads/watchdog.ts',
    names: ['node:worker_threads'],
    reason: 'starts the watchdog thread',
  },
  {
    path: 'src/threads/offload.ts',
    names: ['node:os', 'piscina'],
    reason: 'the pool behind the port Offload, as large as the machine',
  },
  {
    path: 'src/threads/spares.ts',
    names: ['node:worker_threads'],
    reason: 'starts worker threads before they are wanted',
  },
  {
    path: 'src/threads/hub.ts',
    names: ['node:worker_threads'],
    reason: 'makes the ports by which two threads talk',
  },
  {
    path: 'src/threads/thread.ts',
    names: ['node:worker_threads', 'node:fs'],
    reason: 'starts and ends worker threads, if there is a compiled entry',
  },
  {
    path: 'src/threads/threads.ts',
    names: ['node:worker_threads'],
    reason: 'asks whether it runs on the main thread',
  },
  {
    path: 'src/threads/worker.ts',
    names: ['node:worker_threads', 'process'],
    reason: 'the entry of a worker thread: reads what it was started with, and ends the thread',
  },
  {
    path: 'src/simulation/world-engine.ts',
    names: ['setImmediate', 'process'],
    reason:
      'handlers that await must have gone as far as they can before the next step, which only a tick or a macrotask tells',
  },
  {
    path: 'src/simulation/ambient-calls.ts',
    // biome-ignore format: a list of words
    names: [
      'node:child_process', 'node:crypto', 'node:dgram', 'node:dns', 'node:dns/promises', 'node:fs', 'node:fs/promises',
      'node:http', 'node:http2', 'node:https', 'node:net', 'node:perf_hooks', 'node:timers', 'node:timers/promises',
      'node:tls', 'node:worker_threads', 'globalThis', 'Date', 'process', 'AbortSignal', 'Atomics', 'Math', 'WeakRef',
      'FinalizationRegistry',
    ],
    reason: 'lists the ambient calls, calling none, so that the guard can refuse them in a simulated world',
  },
  {
    path: 'src/simulation/ambient-guard.ts',
    names: ['node:async_hooks', 'node:module', 'process', 'globalThis'],
    reason: 'replaces the ambient calls by ones that ask whether a simulated world is calling',
  },
]
