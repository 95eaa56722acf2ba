// Messages on their way through time: `Self.sendAfter`, and `Self.sleep`, which is one to oneself. As in Erlang, a timer
// for a process of this node ends with that process; one for a name or an alias looks for its receiver when it fires.

import type { Reference } from './pid.ts'
import type { Process } from './process.ts'
import { Timer, type TimerWheel } from './timers.ts'

export class MessageTimer extends Timer {
  readonly ref: Reference
  /** The process whose end cancels it. */
  readonly receiver: Process | null
  readonly #fire: (timer: MessageTimer) => void

  constructor(ref: Reference, receiver: Process | null, fire: (timer: MessageTimer) => void) {
    super()
    this.ref = ref
    this.receiver = receiver
    this.#fire = fire
  }

  override expire(): void {
    this.#fire(this)
  }
}

export class MessageTimers {
  readonly #wheel: TimerWheel
  readonly #timers = new Map<number, MessageTimer>()

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel
  }

  /** Calls `send` after `delayMs`, unless the timer is cancelled or `receiver` has ended by then. */
  set(ref: Reference, receiver: Process | null, delayMs: number, send: () => void): void {
    const timer = new MessageTimer(ref, receiver, (fired) => {
      this.#forget(fired)
      send()
    })
    this.#wheel.set(timer, delayMs)
    this.#timers.set(ref.id, timer)
    if (receiver === null) return
    receiver.messageTimers ??= new Set()
    receiver.messageTimers.add(timer)
  }

  /** Milliseconds that were left at `now`, or false if there is no such timer. */
  cancel(ref: Reference, now: number): number | false {
    const timer = this.#timers.get(ref.id)
    if (timer === undefined) return false
    this.#forget(timer)
    return Math.max(0, Math.floor(timer.deadline - now))
  }

  /** A process has ended: nothing shall reach it. */
  ended(receiver: Process): void {
    if (receiver.messageTimers !== null) for (const timer of receiver.messageTimers) this.#forget(timer)
  }

  #forget(timer: MessageTimer): void {
    this.#wheel.cancel(timer)
    this.#timers.delete(timer.ref.id)
    timer.receiver?.messageTimers?.delete(timer)
  }
}
