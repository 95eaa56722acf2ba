// The watchdog, as the main thread sees it: it is told whom to watch, and tells who is frozen.

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { OptionError } from '../kernel/errors.ts'

export interface WatchdogOptions {
  /** A thread that has not turned for so many milliseconds is frozen: an event tells. Default 2000, at least 20. */
  readonly frozenAfterMs?: number
  /**
   * How long a frozen thread may stay so, in milliseconds, before it is terminated. Default: for ever. A process that
   * hangs there is thereby killed, with all others of its thread.
   */
  readonly graceMs?: number
  /** The same for the main thread, which cannot be terminated: the process is ended. Default: for ever. */
  readonly mainGraceMs?: number
  /**
   * How long a storage thread may hang in one write before the process is ended, in milliseconds. It is never
   * terminated: its memory map would be torn. Default 60 000.
   */
  readonly storageGraceMs?: number
}

/** What the watchdog thread starts with. */
export interface WatchdogData {
  readonly port: MessagePort
  /** One word; not 0: end. */
  readonly control: SharedArrayBuffer
  readonly lookMs: number
}

export type ToWatchdog =
  | {
      readonly kind: 'watch'
      readonly thread: number
      readonly name: string
      readonly shared: SharedArrayBuffer
      readonly frozenAfterMs: number
      readonly graceMs: number
      /** It cannot be terminated: ends the process. */
      readonly fatal: boolean
    }
  | { readonly kind: 'unwatch'; readonly thread: number }

export type WatchdogEvent =
  | { readonly kind: 'frozen'; readonly thread: number; readonly forMs: number }
  | { readonly kind: 'overdue'; readonly thread: number; readonly forMs: number; readonly beat: number }
  | { readonly kind: 'thawed'; readonly thread: number }

export interface WatchdogSettings {
  readonly frozenAfterMs: number
  readonly graceMs: number
  readonly mainGraceMs: number
  readonly storageGraceMs: number
}

/** Throws OptionError. */
export function checkWatchdog(options: WatchdogOptions): WatchdogSettings {
  const never = Number.POSITIVE_INFINITY
  const { frozenAfterMs = 2000, graceMs = never, mainGraceMs = never, storageGraceMs = 60_000 } = options
  if (!(frozenAfterMs >= 20 && frozenAfterMs < 2 ** 31)) {
    throw new OptionError('watchdog.frozenAfterMs', frozenAfterMs, 'milliseconds from 20 to 2^31 - 1')
  }
  for (const [field, value] of Object.entries({ graceMs, mainGraceMs, storageGraceMs })) {
    if (!(value >= 0)) throw new OptionError(`watchdog.${field}`, value, 'milliseconds of at least 0')
  }
  return { frozenAfterMs, graceMs, mainGraceMs, storageGraceMs }
}

/** A thread beats four times before it could be found frozen, at most every 250 ms. */
export function beatEveryMs({ frozenAfterMs }: WatchdogSettings): number {
  return Math.min(250, Math.floor(frozenAfterMs / 4))
}

export class Watchdog {
  readonly #port: MessagePort
  readonly #control = new Int32Array(new SharedArrayBuffer(4))
  readonly #worker: Worker
  readonly #ended: Promise<void>

  constructor(settings: WatchdogSettings, heard: (event: WatchdogEvent) => void) {
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    const workerData: WatchdogData = {
      port: port2,
      control: this.#control.buffer as SharedArrayBuffer,
      lookMs: beatEveryMs(settings),
    }
    this.#worker = new Worker(new URL('./watchdog-thread.js', import.meta.url), {
      name: 'espalier-watchdog',
      workerData,
      transferList: [port2],
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    })
    this.#worker.unref()
    this.#ended = new Promise((resolve) => void this.#worker.on('exit', () => resolve()))
    port1.on('message', heard)
    port1.unref()
  }

  tell(order: ToWatchdog): void {
    this.#port.postMessage(order)
  }

  /** Ends the watchdog thread. */
  async stop(): Promise<void> {
    this.#worker.ref()
    Atomics.store(this.#control, 0, 1)
    Atomics.notify(this.#control, 0)
    await this.#ended
    this.#port.close()
  }
}
