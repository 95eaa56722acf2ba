// A worker thread with a node, as the main thread sees it: started, ready, and ended for a reason.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { MessageChannel, type ResourceLimits, type TransferListItem, Worker } from 'node:worker_threads'
import { decode } from '../distribution/codec.ts'
import { NODE_NAME, RUNNING, TAG } from '../kernel/beacon.ts'
import { STOP_TIMEOUT_MS } from '../kernel/node.ts'
import { connectStorage } from '../storage/lmdb/storage-thread.ts'
import { systemClock } from '../system/index.ts'
import { ThreadError } from './errors.ts'
import { beaconWords, shareHeartbeat } from './heartbeat.ts'
import type { Hub } from './hub.ts'
import type { CarrierLimits, FromThread, ThreadData, ToHub, ToThread } from './messages.ts'

export interface ThreadOptions {
  /**
   * The code to run once the thread is in the mesh: an exported function of a compiled module, which is called with a
   * `ThreadContext` and then `args` (structured-cloned). The start waits for what it returns.
   */
  readonly boot?: {
    readonly module: string | URL
    readonly export: string
    readonly args?: readonly unknown[]
    /** Parts of `args` that move to the thread instead of being copied: ports, buffers. */
    readonly transfer?: readonly TransferListItem[]
  }
  /** Hand the thread a connection to a storage thread of the process's. Default false. */
  readonly storage?: boolean
  /** The pool whose children it takes: see `on` in child specs. Default: none. */
  readonly pool?: string
  /**
   * Keep a spare thread for the next start with the same module, heap bounds and `execArgv`: with its modules loaded it
   * is ready several times as fast. It costs what an idle thread does. Default false; of supervised threads true.
   */
  readonly spare?: boolean
  /** Bounds of the thread's heap: Node's own defaults. A thread that exceeds them ends; the others do not. */
  readonly resourceLimits?: ResourceLimits
  /** Node's command-line options for the thread. Default: none. */
  readonly execArgv?: readonly string[]
  /** How long a start may take, in milliseconds. Default 30 000. */
  readonly startTimeoutMs?: number
}

/** How a thread has ended. */
export interface ThreadEnd {
  /** The name of its node. */
  readonly name: string
  /**
   * `stopped`: in order, by `stop`. `exit`: it called `process.exit`. `error`: an error that nobody caught.
   * `out_of_memory`: its heap exceeded its limit. `terminated`: by `terminate`. `frozen`: by the watchdog.
   */
  readonly how: 'stopped' | 'exit' | 'error' | 'out_of_memory' | 'terminated' | 'frozen'
  readonly exitCode: number
  /** Of `error` and `out_of_memory`. */
  readonly error: Error | undefined
  /** One line: what other nodes hear as the reason of their `NodeDown`. */
  readonly reason: string
}

/** What runs on a thread that cannot be asked. */
export interface Running {
  readonly nodeName: string
  /** The `id` of the process's pid. */
  readonly processId: number
  /** The tag of the call or cast it handles, or `info`, `exit`, `down`; undefined if it is not known. */
  readonly tag: string | undefined
}

/** What a thread needs from whoever starts it. */
export interface ThreadSettings {
  readonly hub: Hub
  readonly connect: readonly string[]
  readonly limits: CarrierLimits
  /** How often a watched thread beats; undefined: it is not watched. */
  readonly beatEveryMs: number | undefined
  /** Hears the reports of the thread's node, encoded. */
  readonly onReport: (report: Uint8Array) => void
  /** A thread that waits to be told what it is. */
  readonly spare: Worker | undefined
}

const START_TIMEOUT_MS = 30_000
/** What a thread gets beyond the time of its node's stop. */
const STOP_GRACE_MS = 1000

/** What a worker thread runs. */
export const entry = new URL('./worker.js', import.meta.url)

export class Thread {
  readonly name: string
  /** Resolves once the thread has ended, and every other thread has been told. Never rejects. */
  readonly ended: Promise<ThreadEnd>
  /** Its pool, if it is of one. */
  readonly pool: string | undefined
  /** What the boot function returned. */
  booted: unknown
  readonly #worker: Worker
  readonly #control: MessageChannel['port1']
  /** Its number at the hub. */
  readonly number: number
  /** Its heartbeat, if it is watched. */
  readonly heartbeat: SharedArrayBuffer | undefined
  readonly #texts = new Map<number, string>()
  #asked: 'stopped' | 'terminated' | 'frozen' | undefined
  #error: Error | undefined
  #isOver = false

  private constructor(name: string, options: ThreadOptions, settings: ThreadSettings, ready: ReadyListener) {
    this.name = name
    this.pool = options.pool
    const { port1, port2 } = new MessageChannel()
    this.#control = port1
    const { hub, connect, limits, beatEveryMs, onReport, spare } = settings
    this.heartbeat = beatEveryMs === undefined ? undefined : shareHeartbeat()
    this.number = hub.attach((message, transfer) => port1.postMessage(message, transfer))
    const storage = options.storage === true ? connectStorage(name) : undefined
    const { boot } = options
    const workerData: ThreadData = {
      name,
      control: port2,
      storage,
      connect,
      limits,
      heartbeat: this.heartbeat && { shared: this.heartbeat, everyMs: beatEveryMs ?? 0 },
      boot: boot && { module: String(boot.module), export: boot.export, args: boot.args ?? [] },
    }
    const transferList = [port2, ...(storage === undefined ? [] : [storage]), ...(boot?.transfer ?? [])]
    spare?.postMessage(workerData, transferList)
    this.#worker =
      spare ??
      new Worker(entry, {
        name,
        workerData,
        transferList,
        execArgv: [...(options.execArgv ?? [])],
        ...(options.resourceLimits === undefined ? {} : { resourceLimits: options.resourceLimits }),
      })
    port1.on('message', (message: ToHub | FromThread) => {
      if (message.kind === 'reported') onReport(message.report)
      else this.#heard(message, ready, hub)
    })
    port1.unref()
    this.#worker.on('error', (error) => {
      this.#error = error
    })
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', (exitCode) => {
        this.#isOver = true
        const end = this.#endOf(exitCode)
        port1.close()
        hub.detach(this.number, end.reason)
        ready.reject(new ThreadError(name, `${end.reason}, before it was ready`, { cause: end.error }))
        resolve(end)
      })
    })
  }

  /** Starts a thread; resolves once its node is in the mesh and its code booted. Rejects with ThreadError. */
  static async start(name: string, options: ThreadOptions, settings: ThreadSettings): Promise<Thread> {
    if (!existsSync(fileURLToPath(entry))) {
      throw new ThreadError(name, `${fileURLToPath(entry)} is missing: run the compiled package`)
    }
    const listener: ReadyListener = { resolve: () => {}, reject: () => {} }
    const ready = new Promise<void>((resolve, reject) => Object.assign(listener, { resolve, reject }))
    const thread = new Thread(name, options, settings, listener)
    const limitMs = options.startTimeoutMs ?? START_TIMEOUT_MS
    const limit = systemClock.setAlarm(limitMs, () =>
      listener.reject(new ThreadError(name, `not ready within ${limitMs} ms`)),
    )
    try {
      await ready
      return thread
    } catch (error) {
      await thread.terminate()
      throw error
    } finally {
      limit.cancel()
    }
  }

  /**
   * Stops the thread in order: its node stops, then the thread ends. What has not stopped after `timeoutMs`
   * (default 5000) is killed, and a thread that still has not ended a second later is terminated.
   */
  async stop(options: { readonly timeoutMs?: number } = {}): Promise<ThreadEnd> {
    if (this.#isOver) return this.ended
    this.#asked ??= 'stopped'
    const { timeoutMs = STOP_TIMEOUT_MS } = options
    const message: ToThread = { kind: 'stop', timeoutMs }
    this.#control.postMessage(message)
    const limit = systemClock.setAlarm(timeoutMs + STOP_GRACE_MS, () => void this.terminate())
    const end = await this.ended
    limit.cancel()
    return end
  }

  /** Ends the thread at once, whatever it does. */
  async terminate(kind: 'terminated' | 'frozen' = 'terminated'): Promise<ThreadEnd> {
    if (!this.#isOver) {
      this.#asked = kind
      await this.#worker.terminate()
    }
    return this.ended
  }

  /** Its heartbeat's count, if it is watched. */
  beat(): number | undefined {
    return this.heartbeat && Atomics.load(new Int32Array(this.heartbeat), 0)
  }

  /** What runs on it now, if it is watched and something does. */
  running(): Running | undefined {
    if (this.heartbeat === undefined) return undefined
    const words = beaconWords(this.heartbeat)
    const word = (at: number) => words[at] ?? 0
    if (word(RUNNING) === 0) return undefined
    const nodeName = this.#texts.get(word(NODE_NAME)) ?? this.name
    return { nodeName, processId: word(RUNNING) >>> 0, tag: this.#texts.get(word(TAG)) }
  }

  #heard(message: ToHub | Exclude<FromThread, { kind: 'reported' }>, ready: ReadyListener, hub: Hub): void {
    switch (message.kind) {
      case 'ready':
        this.booted = message.booted
        return ready.resolve()
      case 'failed':
        return ready.reject(new ThreadError(this.name, 'boot failed', { cause: decode(message.thrown, null) }))
      case 'learned':
        this.#texts.set(message.number, message.text)
        return
      default:
        return hub.heard(this.number, message)
    }
  }

  #endOf(exitCode: number): ThreadEnd {
    const { name } = this
    const error = this.#error
    if (error !== undefined) {
      const isMemory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
      const how = isMemory ? 'out_of_memory' : 'error'
      return { name, how, exitCode, error, reason: isMemory ? 'out of memory' : `${error.name}: ${error.message}` }
    }
    const how = this.#asked ?? 'exit'
    const reason = how === 'exit' ? `exit code ${exitCode}` : how === 'frozen' ? showFrozen(this.running()) : how
    return { name, how, exitCode, error, reason }
  }
}

function showFrozen(running: Running | undefined): string {
  if (running === undefined) return 'frozen'
  const { nodeName, processId, tag } = running
  const handling = tag === undefined ? '' : `, handling ${JSON.stringify(tag)}`
  return `frozen: process ${processId} of ${nodeName}${handling}`
}

interface ReadyListener {
  resolve: () => void
  reject: (error: Error) => void
}
