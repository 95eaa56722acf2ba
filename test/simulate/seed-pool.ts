// Seeds on several threads. Results come in order of the seeds, whoever was first.

import { Worker } from 'node:worker_threads'
import { runSeed, type SeedResult, type SeedWork } from './seed-worker.ts'

/** Runs `count` seeds from `first` on; hands over each result in order, until told to stop by `false`. */
export async function runSeeds(
  first: number,
  count: number,
  work: SeedWork,
  jobs: number,
  onResult: (result: SeedResult) => boolean,
): Promise<void> {
  if (jobs <= 1 || count === 1) {
    for (let seed = first; seed < first + count; seed++) if (!onResult(await runSeed(seed, work))) return
    return
  }
  const workers: Worker[] = []
  const done = new Map<number, SeedResult>()
  let [next, due, stopped] = [first, first, false]
  await new Promise<void>((resolve, reject) => {
    const feed = (worker: Worker) => {
      if (!stopped && next < first + count) worker.postMessage(next++)
    }
    for (let job = 0; job < Math.min(jobs, count); job++) {
      const worker = new Worker(new URL('./seed-worker.js', import.meta.url), { workerData: work })
      workers.push(worker)
      worker.on('error', reject)
      worker.on('message', (result: SeedResult) => {
        done.set(result.seed, result)
        for (let ready = done.get(due); ready !== undefined && !stopped; ready = done.get(due)) {
          done.delete(due++)
          stopped = !onResult(ready)
        }
        if (stopped || due === first + count) resolve()
        else feed(worker)
      })
      feed(worker)
    }
  }).finally(() => Promise.all(workers.map((worker) => worker.terminate())))
}
