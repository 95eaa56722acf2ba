// A call under way: at once the message in the callee's mailbox, the caller's monitor of the callee, the alias that
// fences a late reply, and the entry of its time-out in the timer wheel. One object and one promise a call.

import { isDeepStrictEqual } from 'node:util'
import { findCycle, showCycle } from './call-cycle.ts'
import { type CycleStep, ExitError, type ExitReason } from './exit-reason.ts'
import type { Pid } from './pid.ts'
import type { Process } from './process.ts'
import { Timer, type TimerWheel } from './timers.ts'

export class Call extends Timer {
  readonly tag: string
  readonly payload: unknown
  /** The calling process; null for the world outside. */
  readonly caller: Process | null
  /** The caller's pid, also when it lives on another node. */
  readonly from: Pid | null
  readonly callee: Pid
  /** Settled: answered, failed, or given up. */
  done = false
  // The calls that a local callee has not answered yet are a list, so that its end can fail them.
  #callee: Process | null = null
  #next: Call | null = null
  #previous: Call | null = null
  #wheel: TimerWheel | null = null
  #timeoutMs = 0
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void

  constructor(
    tag: string,
    payload: unknown,
    caller: Process | null,
    callee: Pid,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super()
    this.tag = tag
    this.payload = payload
    this.caller = caller
    this.from = caller === null ? null : caller.pid
    this.callee = callee
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Gives up after `timeoutMs`, counted from the end of this turn; of a call to another node, from about now. */
  limit(wheel: TimerWheel, timeoutMs: number, isFar = false): void {
    if (isFar) wheel.setSoon(this, timeoutMs, 'timeoutMs')
    else wheel.setAtTurnsEnd(this, timeoutMs, 'timeoutMs')
    this.#wheel = wheel
    this.#timeoutMs = timeoutMs
  }

  /** Notes that the call has reached `process`, whose end will now fail it. */
  open(process: Process): void {
    if (this.done) return
    const first = process.openCalls
    this.#callee = process
    this.#next = first
    if (first !== null) first.#previous = this
    process.openCalls = this
  }

  #close(process: Process): void {
    if (this.#previous === null) process.openCalls = this.#next
    else this.#previous.#next = this.#next
    if (this.#next !== null) this.#next.#previous = this.#previous
    this.#previous = null
    this.#next = null
    this.#callee = null
  }

  /** Answers the caller. A second or late answer has no effect, nor has one to a caller that is no more. */
  answer(value: unknown): void {
    const callee = this.#callee
    if (!this.#settle()) return
    if (callee !== null && callee.debug !== null) callee.debug.replied(this, value)
    if (this.#hears(callee)) this.#resolve(value)
    else this.#hearsLater(callee, () => this.#resolve(value))
  }

  /** Fails the call: the callee is gone, cannot be reached, or has refused it. */
  fail(reason: ExitReason): void {
    this.#fail(reason, `call ${JSON.stringify(this.tag)} to ${this.callee}`)
  }

  /** The call was not made, for it was wrong: `error` says how. */
  refuse(error: unknown): void {
    this.#settle()
    this.#reject(error)
  }

  /** The callee has ended before it answered. */
  ended(reason: ExitReason): void {
    this.fail(reason)
  }

  override expire(): void {
    const cycle = findCycle(this)
    let what = `call ${JSON.stringify(this.tag)} to ${this.callee} had no answer within ${this.#timeoutMs} ms`
    if (cycle !== undefined) what += `, for each waits for the next: ${showCycle(cycle)}`
    this.#fail('timeout', what, cycle)
  }

  /** Gives up without telling anybody: an answer will have no effect. */
  abandon(): void {
    this.#settle()
  }

  /** Who has the call and has not answered it; null if that is another node. */
  get at(): Process | null {
    return this.#callee
  }

  /** Whether an answer would reach somebody: not once it is settled, nor once its way back is lost. */
  get isWanted(): boolean {
    return !this.done
  }

  /** The next of those calls that the same process has not answered. */
  get nextOpen(): Call | null {
    return this.#next
  }

  #fail(reason: ExitReason, what: string, cycle?: readonly CycleStep[]): void {
    const callee = this.#callee
    if (!this.#settle()) return
    const error = new ExitError(reason, this.callee, what, cycle)
    if (this.#hears(callee)) this.#reject(error)
    else this.#hearsLater(callee, () => this.#reject(error))
  }

  /** Whether the caller may be told at once. */
  #hears(callee: Process | null): boolean {
    return this.caller === null ? callee === null || callee.alive : this.caller.hears
  }

  // A call from outside of any process that the callee's end settles stands behind the signals of that end, as it would
  // with a process that monitors the callee: whoever sees the call fail finds the `Down`s sent.
  #hearsLater(callee: Process | null, settle: () => void): void {
    if (this.caller !== null) this.caller.resume(settle)
    else callee?.node.scheduler.post(callee, { kind: 'inspect', to: callee.pid, look: settle })
  }

  #settle(): boolean {
    if (this.done) return false
    this.done = true
    if (this.#wheel !== null) this.#wheel.cancel(this)
    if (this.#callee !== null) this.#close(this.#callee)
    return true
  }
}

/** A request to the process itself rather than to its code. */
export class SystemCall extends Call {}

/** A request to end with a given reason: that very end is its answer. */
export class StopCall extends SystemCall {
  override ended(reason: ExitReason): void {
    if (reason === this.payload || isDeepStrictEqual(reason, this.payload)) this.answer(undefined)
    else this.fail(reason)
  }
}
