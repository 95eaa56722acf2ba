// The process's one storage thread, seen from the main thread: started at the first need, never terminated. Worker
// threads get a connection from the main thread; a storage thread of their own would die with them.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isMainThread, MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { StorageError } from '../errors.ts'
import { ExitGate } from './exit-gate.ts'

/** A count that grows while the storage thread turns; 0 until it has started. */
const heartbeat = new SharedArrayBuffer(4)
let thread: Worker | undefined
let death: unknown

/**
 * A new connection to the storage thread, to be transferred to a worker thread, which hands it to `openLmdb` as
 * `connection`. Call it on the main thread only. What the worker left open is closed when the worker ends.
 * @throws StorageError ERR_STORAGE_THREAD on any other thread, or if the storage thread has died.
 */
export function connectStorage(): MessagePort {
  const { port1, port2 } = new MessageChannel()
  runningThread().postMessage(port2, [port2])
  return port1
}

/**
 * The storage thread's heartbeat: a 32-bit count that grows at least every 250 ms while it turns, and is 0
 * until it has started. For a watchdog: the storage thread is never terminated.
 */
export function storageHeartbeat(): SharedArrayBuffer {
  return heartbeat
}

function runningThread(): Worker {
  if (death !== undefined) {
    throw new StorageError('ERR_STORAGE_THREAD', 'the storage thread has died; restart the process', { cause: death })
  }
  if (thread !== undefined) return thread
  if (!isMainThread) {
    throw new StorageError(
      'ERR_STORAGE_THREAD',
      'a worker thread needs a connection: call connectStorage() on the main thread and transfer the port',
    )
  }
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
  thread = started
  return started
}
