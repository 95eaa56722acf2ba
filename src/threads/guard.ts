// Who watches whom: the main thread, the storage threads and every worker thread of a `Threads` under one watchdog, and
// what is done about one that is frozen.

import type { Node } from '../kernel/node.ts'
import { storageHeartbeats } from '../storage/lmdb/storage-thread.ts'
import { beat, shareHeartbeat } from './heartbeat.ts'
import type { Thread } from './thread.ts'
import type { ThreadEvent } from './threads.ts'
import { beatEveryMs, checkWatchdog, Watchdog, type WatchdogEvent, type WatchdogOptions } from './watchdog.ts'

/** Numbers of the threads that are nobody's `Thread`, storage threads from the second downwards; the hub counts from 1. */
const MAIN = -1
const STORAGE = -2
/** A storage thread beats four times a second. */
const STORAGE_FROZEN_MS = 2000

export class Guard {
  readonly beatEveryMs: number
  readonly #node: Node
  readonly #settings: ReturnType<typeof checkWatchdog>
  readonly #tell: (event: ThreadEvent) => void
  readonly #threads = new Map<number, Thread>()
  #watchdog: Watchdog | null = null
  #stopBeating: (() => void) | null = null

  /** Throws OptionError. Starts nothing until there is a thread to watch. */
  constructor(node: Node, options: WatchdogOptions, tell: (event: ThreadEvent) => void) {
    this.#node = node
    this.#tell = tell
    this.#settings = checkWatchdog(options)
    this.beatEveryMs = beatEveryMs(this.#settings)
  }

  watch(thread: Thread): void {
    const { frozenAfterMs, graceMs } = this.#settings
    const { number, name, heartbeat: shared } = thread
    if (shared === undefined) return
    this.#threads.set(number, thread)
    this.#watchdog ??= this.#start()
    this.#watchdog.tell({ kind: 'watch', thread: number, name, shared, frozenAfterMs, graceMs, fatal: false })
  }

  unwatch({ number }: Thread): void {
    this.#threads.delete(number)
    this.#watchdog?.tell({ kind: 'unwatch', thread: number })
  }

  async stop(): Promise<void> {
    this.#stopBeating?.()
    const watchdog = this.#watchdog
    this.#watchdog = null
    await watchdog?.stop()
  }

  #start(): Watchdog {
    const { frozenAfterMs, mainGraceMs, storageGraceMs } = this.#settings
    const watchdog = new Watchdog(this.#settings, (event) => this.#heard(event))
    const main = shareHeartbeat()
    this.#stopBeating = beat(main, this.beatEveryMs)
    const kind = 'watch'
    const name = 'the main thread'
    watchdog.tell({ kind, thread: MAIN, name, shared: main, frozenAfterMs, graceMs: mainGraceMs, fatal: true })
    storageHeartbeats().forEach((shared, at) => {
      watchdog.tell({
        kind,
        thread: STORAGE - at,
        name: 'a storage thread',
        shared,
        frozenAfterMs: STORAGE_FROZEN_MS,
        graceMs: Math.max(0, storageGraceMs - STORAGE_FROZEN_MS),
        fatal: true,
      })
    })
    return watchdog
  }

  #heard(event: WatchdogEvent): void {
    const thread = this.#threads.get(event.thread)
    const name = thread?.name ?? (event.thread === MAIN ? this.#node.name : event.thread <= STORAGE ? 'storage' : '')
    if (name === '') return
    if (event.kind === 'frozen') {
      this.#tell({ kind: 'frozen', name, forMs: Math.round(event.forMs), running: thread?.running() })
    } else if (event.kind === 'thawed') this.#tell({ kind: 'thawed', name })
    else if (thread?.beat() === event.beat) void thread.terminate('frozen')
  }
}
