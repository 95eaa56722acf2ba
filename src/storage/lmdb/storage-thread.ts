// The process's storage threads, seen from the main thread: started at need, a few at most, never terminated. Worker
// threads get a connection from the main thread; a storage thread of their own would die with them.
//
// A commit waits for the disk inside one call, so environments on one storage thread wait for each other's flushes: three
// replicas of one process took 1.9 times as long for a put as on three threads. Each environment stays on the thread
// where it was opened.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isMainThread, MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { StorageError } from '../errors.ts'
import { ExitGate } from './exit-gate.ts'

/** More would only wait for the same disk. */
export const maxStorageThreads = 4
/** Names that are remembered. */
const maxHomes = 1000

/** A count for each thread that grows while the thread turns; 0 until it has started. */
const heartbeats = Array.from({ length: maxStorageThreads }, () => new SharedArrayBuffer(4))
const threads: Worker[] = []
/** The storage thread of each name that asked. */
const homes = new Map<string, number>()
let next = 0
let death: unknown

/**
 * A new connection to a storage thread, to be transferred to a worker thread, which hands it to `openLmdb` as
 * `connection`. Call it on the main thread only. What the worker left open is closed when the worker ends. Connections
 * of one `name` lead to the same storage thread, so that a successor meets what its predecessor left where it was left;
 * without one, each connection takes the next thread.
 * @throws StorageError ERR_STORAGE_THREAD on any other thread, or if a storage thread has died.
 */
export function connectStorage(name?: string): MessagePort {
  const { port1, port2 } = new MessageChannel()
  runningThread(name).postMessage(port2, [port2])
  return port1
}

/**
 * The heartbeat of each storage thread: a 32-bit count that grows at least every 250 ms while the thread turns, and is 0
 * until it has started. For a watchdog: a storage thread is never terminated.
 */
export function storageHeartbeats(): readonly SharedArrayBuffer[] {
  return heartbeats
}

function runningThread(name: string | undefined): Worker {
  if (death !== undefined) {
    throw new StorageError('ERR_STORAGE_THREAD', 'a storage thread has died; restart the process', { cause: death })
  }
  if (!isMainThread) {
    throw new StorageError(
      'ERR_STORAGE_THREAD',
      'a worker thread needs a connection: call connectStorage() on the main thread and transfer the port',
    )
  }
  const home = homeOf(name)
  const running = threads[home]
  if (running !== undefined) return running
  const started = startThread(heartbeats[home])
  threads[home] = started
  return started
}

function homeOf(name: string | undefined): number {
  const known = name === undefined ? undefined : homes.get(name)
  if (known !== undefined) return known
  const home = next % maxStorageThreads
  next += 1
  if (name === undefined) return home
  homes.set(name, home)
  for (const oldest of homes.keys()) {
    if (homes.size <= maxHomes) break
    homes.delete(oldest)
  }
  return home
}

function startThread(heartbeat: SharedArrayBuffer | undefined): Worker {
  const entry = new URL('./thread.js', import.meta.url)
  if (!existsSync(fileURLToPath(entry))) {
    throw new StorageError('ERR_STORAGE_THREAD', `${fileURLToPath(entry)} is missing: run the compiled package`)
  }
  const gate = new ExitGate()
  const started = new Worker(entry, {
    name: 'espalier-storage',
    execArgv: [],
    workerData: { gate: gate.shared, heartbeat },
  })
  process.on('exit', () => gate.shut())
  started.on('error', (error) => {
    death = error
  })
  started.on('exit', (code) => {
    death ??= new Error(`exit code ${code}`)
  })
  started.unref()
  return started
}
