// Messages on their way through time: `Self.sendAfter`, and `Self.sleep`, which is one to oneself. As in Erlang, a timer
// for a process of this node ends with that process; one for a name or an alias looks for its receiver when it fires.
//
// Most timers are cancelled before they fire, so one is made, found and forgotten without a Map or a Set: it is itself an
// entry of the list of its receiver's timers, and of the bucket that its reference is looked up in.

import type { Node } from './node.ts'
import { type Reference, sameReference } from './pid.ts'
import type { Process } from './process.ts'
import type { Destination } from './self.ts'
import { Timer, type TimerWheel } from './timers.ts'

/** References are numbered on: timers set in a row lie in buckets in a row. A power of two. */
const FIRST_BUCKETS = 8

export abstract class MessageTimer extends Timer {
  readonly ref: Reference
  /** The process whose end cancels it. */
  readonly receiver: Process | null
  /** Its neighbours among the receiver's timers. */
  newer: MessageTimer | null = null
  older: MessageTimer | null = null
  /** The next one of its bucket. */
  nextInBucket: MessageTimer | null = null
  readonly #timers: MessageTimers

  constructor(timers: MessageTimers, ref: Reference, receiver: Process | null) {
    super()
    this.ref = ref
    this.receiver = receiver
    this.#timers = timers
  }

  protected abstract fire(node: Node): void

  override expire(): void {
    this.#timers.forget(this)
    this.fire(this.#timers.node)
  }
}

/** A message to be sent. */
export class LaterMessage extends MessageTimer {
  readonly #to: Destination
  readonly #message: unknown

  constructor(timers: MessageTimers, ref: Reference, receiver: Process | null, to: Destination, message: unknown) {
    super(timers, ref, receiver)
    this.#to = to
    this.#message = message
  }

  protected override fire(node: Node): void {
    const to = this.#to
    if (typeof to !== 'string' || node.whereis(to) !== undefined) node.send(to, this.#message)
  }
}

/** A process that sleeps. */
export class Sleep extends MessageTimer {
  readonly #sleeper: Process
  readonly #settle: () => void

  constructor(timers: MessageTimers, ref: Reference, sleeper: Process, settle: () => void) {
    super(timers, ref, sleeper)
    this.#sleeper = sleeper
    this.#settle = settle
  }

  protected override fire(): void {
    this.#sleeper.resume(this.#settle)
  }
}

export class MessageTimers {
  readonly node: Node
  readonly #wheel: TimerWheel
  /** Timers by the low bits of their references' numbers. */
  #buckets: (MessageTimer | null)[] = new Array(FIRST_BUCKETS).fill(null)
  #count = 0

  constructor(node: Node, wheel: TimerWheel) {
    this.node = node
    this.#wheel = wheel
  }

  /** Fires `timer` after `delayMs`, unless it is cancelled or its receiver has ended by then. */
  set(timer: MessageTimer, delayMs: number): void {
    this.#wheel.set(timer, delayMs)
    if (++this.#count > this.#buckets.length) this.#grow()
    this.#file(timer)
    const { receiver } = timer
    if (receiver === null) return
    const before = receiver.messageTimers
    timer.older = before
    if (before !== null) before.newer = timer
    receiver.messageTimers = timer
  }

  /** Milliseconds that were left at `now`, or false if there is no such timer. */
  cancel(ref: Reference, now: number): number | false {
    let timer = this.#buckets[this.#place(ref)] ?? null
    while (timer !== null && !sameReference(timer.ref, ref)) timer = timer.nextInBucket
    if (timer === null) return false
    this.forget(timer)
    return Math.max(0, Math.floor(timer.deadline - now))
  }

  /** A process has ended: nothing shall reach it. */
  ended(receiver: Process): void {
    for (let timer = receiver.messageTimers; timer !== null; timer = receiver.messageTimers) this.forget(timer)
  }

  /** Takes a timer out, fired or not. */
  forget(timer: MessageTimer): void {
    this.#wheel.cancel(timer)
    this.#unfile(timer)
    this.#count--
    const { receiver, newer, older } = timer
    if (receiver === null) return
    if (newer === null) receiver.messageTimers = older
    else newer.older = older
    if (older !== null) older.newer = newer
    timer.newer = null
    timer.older = null
  }

  #place(ref: Reference): number {
    return ref.id & (this.#buckets.length - 1)
  }

  #file(timer: MessageTimer): void {
    const place = this.#place(timer.ref)
    timer.nextInBucket = this.#buckets[place] ?? null
    this.#buckets[place] = timer
  }

  #unfile(timer: MessageTimer): void {
    const place = this.#place(timer.ref)
    let before: MessageTimer | null = null
    let at = this.#buckets[place] ?? null
    while (at !== null && at !== timer) {
      before = at
      at = at.nextInBucket
    }
    if (at === null) return
    if (before === null) this.#buckets[place] = timer.nextInBucket
    else before.nextInBucket = timer.nextInBucket
    timer.nextInBucket = null
  }

  #grow(): void {
    const buckets = this.#buckets
    this.#buckets = new Array(buckets.length * 2).fill(null)
    for (const first of buckets) {
      for (let timer = first; timer !== null; ) {
        const next = timer.nextInBucket
        this.#file(timer)
        timer = next
      }
    }
  }
}
