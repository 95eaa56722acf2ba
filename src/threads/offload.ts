// The Offload port on this machine: a Piscina pool. Work that is given up is ended by ending its thread, which a pool
// replaces: nothing else stops a loop.

import { availableParallelism } from 'node:os'
import type { ResourceLimits } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { decode } from '../distribution/codec.ts'
import { CapacityError, EspalierError, OffloadTimeout, OptionError } from '../kernel/errors.ts'
import type { Offload, OffloadOptions } from '../kernel/ports/index.ts'
import { systemClock } from '../system/index.ts'
import type { Thrown } from './offload-thread.ts'

export interface OffloadPoolOptions {
  /** Threads at most. Default: as many as the machine runs at once, less one for the event loop, and at least one. */
  readonly maxThreads?: number
  /** Runs that may wait for a thread; one more is refused with `ERR_CAPACITY`. Default 1000. */
  readonly maxQueue?: number
  /** A thread without work, but for the last, ends after so many milliseconds. Default 10 000. */
  readonly idleTimeoutMs?: number
  /** Bounds of each thread's heap. Default: Node's. */
  readonly resourceLimits?: ResourceLimits
}

export class OffloadPool implements Offload {
  readonly #make: () => Piscina
  #pool: Piscina | null = null
  #closed = false
  readonly #maxQueue: number

  /** Starts no thread until there is work. Throws OptionError. */
  constructor(options: OffloadPoolOptions = {}) {
    const { maxThreads = Math.max(1, availableParallelism() - 1), maxQueue = 1000, idleTimeoutMs = 10_000 } = options
    check('maxThreads', maxThreads, 1, 1024)
    check('maxQueue', maxQueue, 0, 2 ** 31 - 1)
    check('idleTimeoutMs', idleTimeoutMs, 0, 2 ** 31 - 1)
    this.#maxQueue = maxQueue
    const pool = {
      filename: new URL('./offload-thread.js', import.meta.url).href,
      name: 'offloadThread',
      // At least one, or nobody would serve what waits behind work that has ended its thread.
      minThreads: 1,
      maxThreads,
      maxQueue,
      idleTimeout: idleTimeoutMs,
      execArgv: [],
      ...(options.resourceLimits === undefined ? {} : { resourceLimits: options.resourceLimits }),
    }
    this.#make = () => new Piscina(pool)
  }

  async run(url: string, name: string, args: readonly unknown[], options: OffloadOptions = {}): Promise<unknown> {
    const { signal, timeoutMs } = options
    signal?.throwIfAborted()
    if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= 2 ** 31 - 1)) {
      throw new OptionError('timeoutMs', timeoutMs, 'milliseconds above 0')
    }
    const work = { url, name, args }
    if (signal === undefined && timeoutMs === undefined) return this.#send(work, {})
    // Piscina ends a thread on abort; which of the two it was is ours to say.
    const end = new AbortController()
    const abort = () => end.abort()
    signal?.addEventListener('abort', abort, { once: true })
    let late: OffloadTimeout | undefined
    const limit =
      timeoutMs === undefined
        ? undefined
        : systemClock.setAlarm(timeoutMs, () => {
            late = new OffloadTimeout(`${name} of ${url}`, timeoutMs)
            end.abort()
          })
    try {
      return await this.#send(work, { signal: end.signal })
    } catch (error) {
      if (late !== undefined) throw late
      signal?.throwIfAborted()
      throw error
    } finally {
      limit?.cancel()
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Runs that wait for a thread. */
  get waiting(): number {
    return this.#pool?.queueSize ?? 0
  }

  /** Ends the pool: what runs is ended, what waits rejects. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#pool?.destroy()
  }

  async #send(work: object, options: { readonly signal?: AbortSignal }): Promise<unknown> {
    if (this.#closed) throw new EspalierError('ERR_OFFLOAD_CLOSED', 'the offload pool is closed')
    this.#pool ??= this.#make()
    const outcome = await this.#outcome(this.#pool, work, options)
    if ('thrown' in outcome) throw decode(outcome.thrown, null)
    return outcome[0]
  }

  async #outcome(
    pool: Piscina,
    work: object,
    options: { readonly signal?: AbortSignal },
  ): Promise<readonly [unknown] | Thrown> {
    try {
      return await pool.run(work, options)
    } catch (error) {
      // Piscina's own words for a full queue.
      if (error instanceof Error && /^(Task queue is at limit|No task queue available)/.test(error.message)) {
        throw new CapacityError('offload', 'maxQueue', this.#maxQueue)
      }
      throw error
    }
  }
}

function check(field: string, value: number, low: number, high: number): void {
  if (!Number.isSafeInteger(value) || value < low || value > high) {
    throw new OptionError(field, value, `an integer from ${low} to ${high}`)
  }
}
