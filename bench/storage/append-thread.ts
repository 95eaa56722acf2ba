// A log on a worker thread: what a replica on a thread of its own pays for an append.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { openLmdb, openLog } from 'espalier/storage'
import { entries, latencies } from './workload.ts'

const { path, connection, count } = workerData as {
  readonly path: string
  readonly connection: MessagePort
  readonly count: number
}
const store = await openLmdb({ path, connection })
const log = await openLog(store, { name: 'log' })
const [entry = new Uint8Array()] = entries(1)
const latenciesMs = await latencies(count, () => log.append([entry]))
const completed = (await openLog(store, { name: 'log' })).last.index
await store.close()
parentPort?.postMessage({ completed, latenciesMs })
