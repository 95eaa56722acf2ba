// The worker threads of a process, each with a node of its own, in one mesh with the node of the main thread.

import { isMainThread } from 'node:worker_threads'
import { provideHost } from '../behaviours/placement.ts'
import { Distribution, type DistributionOptions } from '../distribution/distribution.ts'
import { OptionError } from '../kernel/errors.ts'
import type { Node } from '../kernel/node.ts'
import type { Report } from '../kernel/reports.ts'
import { systemModules } from '../system/index.ts'
import { ThreadError } from './errors.ts'
import { Guard } from './guard.ts'
import { Hub } from './hub.ts'
import type { CarrierLimits } from './messages.ts'
import { Spares } from './spares.ts'
import { type Running, Thread, type ThreadEnd, type ThreadOptions, type ThreadSettings } from './thread.ts'
import { CARRIER_LIMITS, ThreadCarrier } from './thread-carrier.ts'
import { threadHost } from './thread-host.ts'
import type { WatchdogOptions } from './watchdog.ts'

export interface ThreadsOptions extends Partial<CarrierLimits> {
  /** How the main thread's node joins the mesh. */
  readonly distribution?: Omit<DistributionOptions, 'carrier'>
  /** Hears of threads that start, end, freeze and thaw. Must not throw. */
  readonly onEvent?: (event: ThreadEvent) => void
  /** Watches all threads, this one and the storage threads too. Default: its defaults. `false`: nobody watches. */
  readonly watchdog?: WatchdogOptions | false
}

/** What happens to a thread. */
export type ThreadEvent =
  | { readonly kind: 'started'; readonly name: string }
  | ({ readonly kind: 'ended' } & ThreadEnd)
  /** It has not turned for so long; `running` hangs it, as far as that is known. */
  | {
      readonly kind: 'frozen'
      readonly name: string
      readonly forMs: number
      readonly running: Running | undefined
    }
  /** A frozen thread turns again. */
  | { readonly kind: 'thawed'; readonly name: string }

/** The worker threads of this process: started, watched and stopped from the main thread, all in one mesh with its node. */
export class Threads {
  /** The main thread's carrier: a further node of this thread may join the mesh by it. */
  readonly carrier: ThreadCarrier
  /** The main node's place in the mesh. */
  readonly distribution: Distribution
  readonly #node: Node
  readonly #hub = new Hub()
  readonly #limits: CarrierLimits
  readonly #threads = new Map<string, Thread>()
  readonly #starting = new Set<string>()
  readonly #onEvent: (event: ThreadEvent) => void
  readonly #guard: Guard | undefined
  readonly #spares = new Spares()

  /**
   * Makes `node`, on the main thread, one of the mesh: from now on it also reports what crashes on the worker threads, and
   * what their supervisors do about it. Throws OptionError.
   */
  constructor(node: Node, options: ThreadsOptions = {}) {
    if (!isMainThread) throw new ThreadError(node.name, 'threads are started by the main thread')
    const { windowBytes = CARRIER_LIMITS.windowBytes, maxQueuedBytes = CARRIER_LIMITS.maxQueuedBytes } = options
    checkBytes('windowBytes', windowBytes, 2 ** 30)
    checkBytes('maxQueuedBytes', maxQueuedBytes, 2 ** 40)
    this.#node = node
    this.#limits = { windowBytes, maxQueuedBytes }
    this.#onEvent = options.onEvent ?? (() => {})
    this.#guard = options.watchdog === false ? undefined : new Guard(node, options.watchdog ?? {}, this.#onEvent)
    const hub = this.#hub
    const number: number = hub.attach((message) => this.carrier.heard(message))
    this.carrier = new ThreadCarrier(node.ports, (message) => hub.heard(number, message), this.#limits)
    this.distribution = new Distribution(node, {
      modules: systemModules,
      ...options.distribution,
      carrier: this.carrier,
    })
    provideHost(node, threadHost(node, this))
  }

  /**
   * Starts a worker thread whose node is called `name`; resolves once that node is connected to the main thread's and
   * to those of the other threads, and its boot function has returned. A running thread keeps the process alive.
   * Rejects with ThreadError if the name is taken or the thread cannot start.
   */
  async start(name: string, options: ThreadOptions = {}): Promise<Thread> {
    if (this.#hub.names().includes(name) || this.#starting.has(name)) throw new ThreadError(name, 'the name is taken')
    this.#starting.add(name)
    try {
      const connect = this.#hub.names()
      const spare = options.spare === true ? this.#spares.take(options) : undefined
      const settings: ThreadSettings = {
        hub: this.#hub,
        connect,
        limits: this.#limits,
        beatEveryMs: this.#guard?.beatEveryMs,
        onReport: (report) => this.#node.report(this.distribution.decode(report) as Report),
        spare,
      }
      const thread = await Thread.start(name, options, settings)
      this.#threads.set(name, thread)
      this.#guard?.watch(thread)
      void thread.ended.then((end) => {
        if (this.#threads.get(name) === thread) this.#threads.delete(name)
        this.#guard?.unwatch(thread)
        this.#onEvent({ kind: 'ended', ...end })
      })
      this.#onEvent({ kind: 'started', name })
      if (options.spare === true) this.#spares.keep(options)
      return thread
    } finally {
      this.#starting.delete(name)
    }
  }

  /** The thread whose node is called `name`. */
  get(name: string): Thread | undefined {
    return this.#threads.get(name)
  }

  /** The threads that run, oldest first. */
  list(): Thread[] {
    return [...this.#threads.values()]
  }

  /** Stops all threads in order, the youngest first, and leaves the mesh. Nothing of it is left to keep the process alive. */
  async stop(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    for (const thread of this.list().reverse()) await thread.stop(options)
    this.distribution.close()
    await this.#spares.stop()
    await this.#guard?.stop()
  }
}

function checkBytes(field: string, value: number, limit: number): void {
  if (!Number.isSafeInteger(value) || value < 1024 || value > limit) {
    throw new OptionError(field, value, `an integer of bytes from 1024 to ${limit}`)
  }
}
