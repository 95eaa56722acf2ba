// Who runs next on this thread, and for how long before the event loop breathes.
//
// All nodes of a thread share one scheduler, because the budget that keeps timers and I/O alive must be counted per
// thread: two processes that volley each look idle. A pump runs ready processes in slices of messages on a microtask;
// after BURST_MS without a macrotask the next pump waits for one. Signals are handled before any process runs.
//
// A burst is what runs between two macrotasks. What a message costs is not known when a burst begins, so the clock is read
// after the first one, then after twice as many each time, for as long as they are cheap. Asking for the macrotask that
// ends a burst costs more than a message does, so a thread that has had one within TRUSTED_MS does not ask again: messages
// that come from outside, one a macrotask, go without for the most part.
//
// The simulator holds the scheduler and drives `step` itself.

import type { Beacon } from './beacon.ts'
import { Mailbox } from './mailbox.ts'
import type { Clock, Random, Turns } from './ports/index.ts'
import type { Process } from './process.ts'
import type { Signal } from './signals.ts'

/** Milliseconds of continuous work after which the event loop gets a turn. */
const BURST_MS = 1
/** For so long after a macrotask nothing asks for the next. */
const TRUSTED_MS = BURST_MS / 4
/** Messages one process may handle before the next ready process has its turn, and at most between two looks at the clock. */
const SLICE = 32
/** Messages one pump may handle before other microtasks (awaiting handlers, callers) have theirs. */
const PUMP_SLICE = 512
/** While others wait, `low` processes get one turn in this many. */
const LOW_SHARE = 8

export type Priority = 'high' | 'normal' | 'low'

export interface SchedulerOptions {
  readonly clock: Clock
  readonly turns: Turns
  /** Choose among ready processes with this randomness instead of first come, first served. For the simulator. */
  readonly random?: Random
}

export class Scheduler {
  /** True if ready processes are chosen at random: then nothing may take a short cut past the queue. */
  readonly seeded: boolean
  /** Signals under way. Public so that a running process can notice them between two messages at the cost of a load. */
  readonly signals = new Mailbox()
  /** Shows a watchdog who runs; null while nobody watches. */
  beacon: Beacon | null = null
  readonly #clock: Clock
  readonly #turns: Turns
  readonly #random: Random | undefined
  readonly #high = new RunQueue()
  readonly #normal = new RunQueue()
  readonly #low = new RunQueue()
  #whenQuiet: (() => void)[] = []
  #armed = false
  #held = false
  /** The macrotask that ends the burst has been asked for. */
  #asked = false
  #burstStart = Number.NEGATIVE_INFINITY
  /** The burst has used up its time: what is ready waits for the macrotask. */
  #exhausted = false
  #lastCheck = 0
  #checkEvery = 1
  #untilCheck = 1
  #sinceLow = 0

  constructor(options: SchedulerOptions) {
    this.#clock = options.clock
    this.#turns = options.turns
    this.#random = options.random
    this.seeded = options.random !== undefined
  }

  /** Queues a signal for `target`. It is handled in a later turn, never on the sender's stack. */
  post(target: Process, signal: Signal): void {
    target.pendingSignals++
    this.signals.push(target, signal)
    if (!this.#armed) this.#arm()
  }

  /** Queues a process that has something to do. The caller has seen that it is not queued already. */
  enqueue(process: Process): void {
    process.queued = true
    const { priority } = process
    if (priority === 'normal') this.#normal.push(process)
    else if (priority === 'high') this.#high.push(process)
    else this.#low.push(process)
    if (!this.#armed) this.#arm()
  }

  /** True if no process is ready and no signal is under way. */
  get quiet(): boolean {
    return this.signals.length + this.#normal.length + this.#high.length + this.#low.length === 0
  }

  /** Hands the driving over: from now on nothing runs but by {@link step}. */
  hold(): void {
    this.#held = true
  }

  /** Handles the signals under way, then lets one ready process handle one message. False if there was nothing to do. */
  step(): boolean {
    const signalled = this.signals.length > 0
    if (signalled) this.deliverSignals()
    const process = this.#next()
    if (process === undefined) {
      return this.#tellQuiet() || signalled
    }
    process.run(1)
    return true
  }

  /** Calls `notify` once, when next nothing is ready: now at the earliest at the end of the pump. */
  whenQuiet(notify: () => void): void {
    this.#whenQuiet.push(notify)
    if (!this.#armed) this.#arm()
  }

  /** True if a process may go on within this turn without passing through the queue. Counts as one message. */
  spend(): boolean {
    if (this.seeded || this.#held || this.signals.length > 0) return false
    if (!this.#asked) this.#enterBurst()
    if (--this.#untilCheck <= 0) this.#check()
    return !this.#exhausted
  }

  #arm(): void {
    if (this.#held) return
    this.#armed = true
    if (this.#exhausted) return
    if (!this.#asked) this.#enterBurst()
    this.#turns.soon(this.#pump)
  }

  /** Whether macrotasks have passed since the last one that was asked for, nothing says: after TRUSTED_MS, most likely. */
  #enterBurst(): void {
    const now = this.#clock.now()
    if (now - this.#burstStart < TRUSTED_MS) return
    this.#beginBurst(now)
    this.#ask()
  }

  #beginBurst(now: number): void {
    this.#burstStart = now
    this.#lastCheck = now
    this.#checkEvery = 1
    this.#untilCheck = 1
  }

  #ask(): void {
    this.#asked = true
    this.#turns.later(this.#endBurst)
  }

  #endBurst = (): void => {
    const waiting = this.#exhausted
    this.#asked = false
    this.#exhausted = false
    this.#beginBurst(this.#clock.now())
    if (!this.#armed) return
    this.#ask()
    if (waiting) this.#pump()
  }

  // While a pump runs it counts as armed: what it wakes it will find itself.
  #pump = (): void => {
    let left = PUMP_SLICE
    try {
      while (left > 0 && !this.#exhausted) {
        if (this.signals.length > 0) this.deliverSignals()
        const process = this.#next()
        if (process === undefined) break
        const used = process.run(this.#untilCheck)
        left -= used
        this.#untilCheck -= used
        if (this.#untilCheck <= 0) this.#check()
      }
    } finally {
      this.#armed = false
      if (this.beacon !== null) this.beacon.rests()
      if (!this.quiet) this.#arm()
      else if (this.#whenQuiet.length > 0) this.#tellQuiet()
    }
  }

  #tellQuiet(): boolean {
    const waiting = this.#whenQuiet
    this.#whenQuiet = []
    for (const notify of waiting) notify()
    return waiting.length > 0
  }

  // Aims at one look at the clock per eighth of a burst, whatever a message costs, and gets there by doubling.
  #check(): void {
    const now = this.#clock.now()
    const elapsed = now - this.#lastCheck
    this.#lastCheck = now
    if (!this.#asked && now - this.#burstStart >= TRUSTED_MS) this.#ask()
    if (now - this.#burstStart >= BURST_MS) this.#exhausted = true
    const aim = elapsed > 0 ? (this.#checkEvery * (BURST_MS / 8)) / elapsed : SLICE
    this.#checkEvery = Math.max(1, Math.min(SLICE, this.#checkEvery * 2, Math.floor(aim)))
    this.#untilCheck = this.#checkEvery
  }

  /** Has every signal under way, and those that it causes, arrive. Runs no process. */
  deliverSignals(): void {
    const { signals } = this
    while (signals.length > 0) {
      const target = signals.headAt(0) as Process
      const signal = signals.payloadAt(0) as Signal
      signals.shift()
      target.pendingSignals--
      target.handleSignal(signal)
    }
  }

  #next(): Process | undefined {
    if (this.#random !== undefined) return this.#choose(this.#random)
    if (this.#high.length > 0) return this.#high.shift()
    if (this.#low.length > 0 && (this.#normal.length === 0 || ++this.#sinceLow >= LOW_SHARE)) {
      this.#sinceLow = 0
      return this.#low.shift()
    }
    return this.#normal.shift()
  }

  #choose(random: Random): Process | undefined {
    for (const lane of [this.#high, this.#normal, this.#low]) {
      if (lane.length > 0) return lane.take(lane.length === 1 ? 0 : random.uint32() % lane.length)
    }
    return undefined
  }
}

/** Ready processes, first come, first served. */
class RunQueue {
  #ring: (Process | undefined)[] = new Array(64)
  #mask = 63
  #first = 0
  length = 0

  push(process: Process): void {
    if (this.length > this.#mask) this.#grow()
    this.#ring[(this.#first + this.length++) & this.#mask] = process
  }

  shift(): Process | undefined {
    if (this.length === 0) return undefined
    const process = this.#ring[this.#first]
    this.#ring[this.#first] = undefined
    this.#first = (this.#first + 1) & this.#mask
    this.length--
    return process
  }

  /** The `index`-th process; the rest keep their order. */
  take(index: number): Process | undefined {
    const at = (this.#first + index) & this.#mask
    const process = this.#ring[at]
    for (let i = index; i > 0; i--) {
      this.#ring[(this.#first + i) & this.#mask] = this.#ring[(this.#first + i - 1) & this.#mask]
    }
    this.shift()
    return process
  }

  #grow(): void {
    const next: (Process | undefined)[] = new Array(this.#ring.length * 2)
    for (let i = 0; i < this.length; i++) next[i] = this.#ring[(this.#first + i) & this.#mask]
    this.#ring = next
    this.#mask = next.length - 1
    this.#first = 0
  }
}
