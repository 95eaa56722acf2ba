// The floor of this room, bare replication: the same bytes written durably to three LMDB environments, each on a thread
// of its own, in step, and nothing else. No protocol that keeps three durable copies on this disk can be expected to do
// much better; one that answers once two of them are durable can do a little.

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Run, Task } from '../harness/contender.ts'
import { dataFolder } from '../harness/folder.ts'
import { sequential, VALUE_BYTES, valueFor } from './load.ts'

class Replicas {
  readonly #workers: readonly Worker[]
  #left = 0
  #entries: number[] = []
  #resolve: (entries: number) => void = () => {}

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers
    for (const worker of workers) worker.on('message', (entries: number) => this.#answered(entries))
  }

  static async start(): Promise<Replicas> {
    const entry = new URL('./bare-replica.js', import.meta.url)
    const workers = ['1', '2', '3'].map((name) => new Worker(entry, { workerData: dataFolder(`bare-${name}`) }))
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    return new Replicas(workers)
  }

  /** Answers once all three are durable: how many entries the emptiest of them holds. */
  write(values: Uint8Array): Promise<number> {
    this.#left = this.#workers.length
    this.#entries = []
    for (const worker of this.#workers) worker.postMessage(values)
    return new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  #answered(entries: number): void {
    this.#entries.push(entries)
    this.#left -= 1
    if (this.#left === 0) this.#resolve(Math.min(...this.#entries))
  }
}

let replicas: Promise<Replicas> | undefined
let held = 0

async function write(values: Uint8Array): Promise<number> {
  replicas ??= Replicas.start()
  return (await replicas).write(values)
}

/** What is completed is what the environments themselves count. */
async function counted<T extends Run>(load: () => Promise<T>): Promise<T> {
  const before = held
  const run = await load()
  return { ...run, completed: held - before }
}

function puts(count: number): Promise<Run> {
  return counted(() =>
    sequential(count, async (number) => {
      held = await write(valueFor(number))
    }),
  )
}

/** `batch` puts in each step. */
function batches(count: number, batch: number): Promise<Run> {
  return counted(async () => {
    const begun = performance.now()
    for (let done = 0; done < count; done += batch) {
      const values = new Uint8Array(Math.min(batch, count - done) * VALUE_BYTES)
      for (let at = 0; at < values.length; at += VALUE_BYTES) values.set(valueFor(done + at / VALUE_BYTES), at)
      held = await write(values)
    }
    return { completed: 0, elapsedMs: performance.now() - begun }
  })
}

export const tasks: Readonly<Record<string, Task>> = {
  put: puts,
  'put-64': (count) => batches(count, 64),
  'put-256': (count) => batches(count, 256),
  'put-1024': (count) => batches(count, 1024),
}
