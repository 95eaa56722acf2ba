// Our contender in room `storage`: durable logs through the storage thread. What was completed is read back from the
// logs opened anew.

import { Worker } from 'node:worker_threads'
import { connectStorage, type DurableLog, openLmdb, openLog, type TransactionalStore } from 'espalier/storage'
import type { Run, Task } from '../harness/contender.ts'
import { dataFolder } from '../harness/folder.ts'
import { entries, latencies, windows } from './workload.ts'

interface Environment {
  readonly path: string
  readonly store: TransactionalStore
  readonly logs: readonly DurableLog[]
}

async function openEnvironment(logs: number): Promise<Environment> {
  const path = dataFolder('espalier')
  const store = await openLmdb({ path })
  const names = Array.from({ length: logs }, (_, i) => `log-${i}`)
  return { path, store, logs: await Promise.all(names.map((name) => openLog(store, { name }))) }
}

/** The entries that are there when the environment is opened again. */
async function kept({ path, store, logs }: Environment): Promise<number> {
  await store.close()
  const again = await openLmdb({ path })
  const opened = await Promise.all(logs.map(({ name }) => openLog(again, { name })))
  await again.close()
  return opened.reduce((sum, log) => sum + (log.recovery.kind === 'ok' ? log.last.index : 0), 0)
}

async function append(count: number): Promise<Run> {
  const environment = await openEnvironment(1)
  const [entry = new Uint8Array()] = entries(1)
  const latenciesMs = await latencies(count, () => Promise.all(environment.logs.map((log) => log.append([entry]))))
  return { completed: await kept(environment), latenciesMs }
}

/** The same by a log that lives on a worker thread. */
async function appendOnThread(count: number): Promise<Run> {
  const path = dataFolder('espalier')
  const connection = connectStorage()
  const worker = new Worker(new URL('./append-thread.js', import.meta.url), {
    workerData: { path, connection, count },
    transferList: [connection],
  })
  return new Promise((resolve, reject) => {
    worker.on('message', resolve)
    worker.on('error', reject)
  })
}

/** Three environments, each appended to as the three replicas of a group are. */
async function step(count: number): Promise<Run> {
  const three = await Promise.all([1, 2, 3].map(() => openEnvironment(1)))
  const [entry = new Uint8Array()] = entries(1)
  const logs = three.flatMap((environment) => environment.logs)
  const latenciesMs = await latencies(count, () => Promise.all(logs.map((log) => log.append([entry]))))
  const all = await Promise.all(three.map(kept))
  return { completed: all.every((each) => each === count) ? count : 0, latenciesMs }
}

function batched(logs: number): Task {
  return async (count) => {
    const environment = await openEnvironment(logs)
    const share = (window: readonly Uint8Array[], i: number) => {
      return window.slice((i * window.length) / logs, ((i + 1) * window.length) / logs)
    }
    const elapsedMs = await windows(count, (window) => {
      return Promise.all(environment.logs.map((log, i) => log.append(share(window, i))))
    })
    return { completed: await kept(environment), elapsedMs }
  }
}

export const tasks: Readonly<Record<string, Task>> = {
  append,
  'append-thread': appendOnThread,
  step,
  'batched-1': batched(1),
  'batched-8': batched(8),
  'batched-64': batched(64),
}
