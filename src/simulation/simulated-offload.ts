// Work offloaded to other threads of a simulated machine: the function is called, but not before a time has passed that
// the seed draws, as if it had computed so long elsewhere. It stands behind the same port as the pool of a real machine.
//
// Invariants: so many at a time, the others wait in order; each run settles once, in an event of its node; a power cut
// ends all of them, and settles nothing.

import { CapacityError, OffloadTimeout, OptionError } from '../kernel/errors.ts'
import type { Alarm, ModuleLoader, Offload, OffloadOptions } from '../kernel/ports/index.ts'
import { copyMessage } from './message-copy.ts'
import type { SeededRandom } from './random.ts'
import type { SimulatedJobs, Span } from './simulated-jobs.ts'

/** What a script of offloaded work is told. */
export interface Work {
  readonly url: string
  /** The export that is called. */
  readonly name: string
  readonly args: readonly unknown[]
  /** Decides what the seed shall decide: a stream of the node's own. */
  readonly random: SeededRandom
}

/** How one run goes. */
export interface WorkRun {
  /** How long it computes. Default 1 to 20 ms. */
  readonly forMs?: Span
  /** What it fails with at the end of that time; the function is not called. Default: nothing. */
  readonly fails?: Error
}

export interface SimulatedOffloadOptions {
  /** Runs at a time. Default 1. */
  readonly maxThreads?: number
  /** Runs that may wait for a thread; one more is refused with `ERR_CAPACITY`. Default 1000. */
  readonly maxQueue?: number
  /** Called when a run begins; must not wait. Default: each run takes the usual time. */
  readonly script?: (work: Work) => WorkRun
}

const usualSpan: Span = [1, 20]

interface Run {
  readonly url: string
  readonly name: string
  readonly args: readonly unknown[]
  readonly resolve: (result: Promise<unknown>) => void
  readonly reject: (error: unknown) => void
  /** Takes back what would give it up. */
  release: () => void
  /** While it computes: its end. */
  end: Alarm | undefined
}

export class SimulatedOffload implements Offload {
  readonly #jobs: SimulatedJobs
  readonly #there: ModuleLoader
  readonly #maxThreads: number
  readonly #maxQueue: number
  readonly #script: (work: Work) => WorkRun
  /** In order of their coming: the first ones compute, the others wait. */
  #runs: Run[] = []

  /** @internal */
  constructor(jobs: SimulatedJobs, there: ModuleLoader, options: SimulatedOffloadOptions = {}) {
    const { maxThreads = 1, maxQueue = 1000, script = () => ({}) } = options
    if (!(maxThreads >= 1)) throw new OptionError('maxThreads', maxThreads, 'a number from 1 on')
    if (!(maxQueue >= 0)) throw new OptionError('maxQueue', maxQueue, 'a number from 0 on')
    this.#jobs = jobs
    this.#there = there
    this.#maxThreads = maxThreads
    this.#maxQueue = maxQueue
    this.#script = script
  }

  async run(url: string, name: string, args: readonly unknown[], options: OffloadOptions = {}): Promise<unknown> {
    const { signal, timeoutMs } = options
    signal?.throwIfAborted()
    if (timeoutMs !== undefined && !(timeoutMs > 0)) {
      throw new OptionError('timeoutMs', timeoutMs, 'milliseconds above 0')
    }
    if (this.#runs.length >= this.#maxThreads + this.#maxQueue) {
      throw new CapacityError('offload', 'maxQueue', this.#maxQueue)
    }
    const copied = copyMessage(args)
    return new Promise((resolve, reject) => {
      const run: Run = { url, name, args: copied, resolve, reject, release: () => {}, end: undefined }
      this.#giveUpOn(run, signal, timeoutMs)
      this.#runs.push(run)
      this.#startNext()
    })
  }

  /** @internal The power goes; what {@link SimulatedJobs} has under way goes with it. */
  cutPower(): void {
    for (const run of this.#runs) run.release()
    this.#runs = []
  }

  #giveUpOn(run: Run, signal: AbortSignal | undefined, timeoutMs: number | undefined): void {
    const abort = () => {
      if (this.#over(run)) run.reject(signal?.reason)
    }
    const late =
      timeoutMs === undefined
        ? undefined
        : this.#jobs.after(timeoutMs, () => {
            this.#finish(run, 'timeout', () => run.reject(new OffloadTimeout(`${run.name} of ${run.url}`, timeoutMs)))
          })
    signal?.addEventListener('abort', abort, { once: true })
    run.release = () => {
      late?.cancel()
      signal?.removeEventListener('abort', abort)
    }
  }

  #startNext(): void {
    const run = this.#runs.slice(0, this.#maxThreads).find(({ end }) => end === undefined)
    if (run === undefined) return
    const { url, name, args } = run
    const { host } = this.#jobs
    host.noted('offload', name, 'start', args)
    const { forMs = usualSpan, fails } = this.#scripted({ url, name, args, random: host.random })
    run.end = this.#jobs.after(forMs, () => {
      this.#finish(run, 'end', () => {
        if (fails === undefined) run.resolve(this.#call(run))
        else run.reject(copyMessage(fails))
      })
    })
  }

  #scripted(work: Work): WorkRun {
    try {
      return this.#script(work)
    } catch (error) {
      this.#jobs.host.broken(work.name, error)
      return {}
    }
  }

  /** Settles a run in an event of its node, unless it is over by then. */
  #finish(run: Run, what: string, settle: () => void): void {
    this.#jobs.host.completed('offload', run.name, what, undefined, () => {
      if (this.#over(run)) settle()
    })
  }

  /** The thread is free for the next one. False if the run was over already. */
  #over(run: Run): boolean {
    const at = this.#runs.indexOf(run)
    if (at === -1) return false
    this.#runs.splice(at, 1)
    run.end?.cancel()
    run.release()
    this.#startNext()
    return true
  }

  async #call({ url, name, args }: Run): Promise<unknown> {
    try {
      const work = await this.#there.load(url, name)
      if (typeof work !== 'function') throw new TypeError(`${url}: ${name} is no function`)
      return copyMessage(await work(...args))
    } catch (error) {
      throw copyMessage(error)
    }
  }
}
