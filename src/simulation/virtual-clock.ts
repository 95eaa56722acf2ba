// The clock of one simulated node: true time seen through a rate and jumps. It implements the `Clock` port. Readings
// are whole microseconds of local time; integer arithmetic only, so that a drifting clock reads alike everywhere.

import { OptionError } from '../kernel/errors.ts'
import type { Alarm, Clock } from '../kernel/ports/index.ts'
import { PARTS } from './random.ts'
import { type Happening, microseconds, US, type VirtualTime } from './virtual-time.ts'

const MAX_RATE = 1000

export interface VirtualClockOptions {
  /** Local milliseconds per true millisecond, from 0 (stands still) to 1000, in steps of a millionth. Default 1. */
  readonly rate?: number
  /** What `now()` reads at the start. Default 0. */
  readonly originMs?: number
  /** What `epochMs()` reads at the start. Default 1 600 000 000 000 (13 September 2020). */
  readonly epochMs?: number
  /** How an alarm that is due reaches the node: a world may queue it behind messages. Default: it fires at once. */
  readonly dispatch?: (alarm: DueAlarm) => void
}

/** An alarm whose time has come. It stays cancellable until it fires. */
export interface DueAlarm {
  /** Lets the node have it, unless it has been cancelled. */
  fire(): void
}

type Dispatch = NonNullable<VirtualClockOptions['dispatch']>

/** An alarm is itself what happens at its instant: wheels set so many that a closure for each would be dear. */
class Pending implements Alarm, Happening, DueAlarm {
  readonly #alarms: Set<Pending>
  readonly #dispatch: Dispatch
  /** Local microseconds. */
  readonly deadline: number
  readonly #act: () => void
  event: Alarm | undefined

  constructor(alarms: Set<Pending>, dispatch: Dispatch, deadline: number, act: () => void) {
    this.#alarms = alarms
    this.#dispatch = dispatch
    this.deadline = deadline
    this.#act = act
    alarms.add(this)
  }

  cancel(): void {
    this.#alarms.delete(this)
    this.event?.cancel()
  }

  happen(): void {
    this.event = undefined
    this.#dispatch(this)
  }

  fire(): void {
    if (this.#alarms.delete(this)) this.#act()
  }
}

export class VirtualClock implements Clock {
  readonly #time: VirtualTime
  readonly #dispatch: Dispatch
  /** In order of setting, which is the order of equal deadlines. */
  readonly #alarms = new Set<Pending>()
  /** Local time was `#local` when true time was `#true`; since then it runs at `#rate` parts per million. */
  #local: number
  #true: number
  #rate: number
  /** The highest reading handed out: a monotonic clock that is set back stands still until it is reached again. */
  #shown: number
  /** The wall clock less the local one. */
  #wall: number

  constructor(time: VirtualTime, options: VirtualClockOptions = {}) {
    const { rate = 1, originMs = 0, epochMs = 1_600_000_000_000, dispatch = (alarm) => alarm.fire() } = options
    this.#time = time
    this.#dispatch = dispatch
    this.#local = microseconds(originMs, 'originMs')
    this.#true = time.nowUs
    this.#rate = partsOfRate(rate)
    this.#shown = this.#local
    this.#wall = microseconds(epochMs, 'epochMs') - this.#local
  }

  now(): number {
    return this.#read() / US
  }

  epochMs(): number {
    return Math.floor((this.#localAt(this.#time.nowUs) + this.#wall) / US)
  }

  setAlarm(delayMs: number, fire: () => void): Alarm {
    const deadline = this.#read() + Math.max(0, microseconds(delayMs, 'delayMs'))
    const pending = new Pending(this.#alarms, this.#dispatch, deadline, fire)
    this.#schedule(pending)
    return pending
  }

  /** From now on `rate` local milliseconds pass per true one. Pending alarms keep their local deadlines. */
  setRate(rate: number): void {
    const parts = partsOfRate(rate)
    this.#rebase(0)
    this.#rate = parts
    this.#reschedule()
  }

  /**
   * Sets the monotonic clock, and the wall clock with it, forward by `ms`: alarms come sooner. Negative: `epochMs()` goes
   * back, and `now()`, which never does, stands still until it is reached again.
   */
  jump(ms: number): void {
    this.#read()
    this.#rebase(microseconds(ms))
    this.#reschedule()
  }

  /** Sets the wall clock alone forward by `ms`, or back. No alarm moves. */
  jumpWall(ms: number): void {
    this.#wall += microseconds(ms)
  }

  #read(): number {
    const local = this.#localAt(this.#time.nowUs)
    if (local > this.#shown) this.#shown = local
    return this.#shown
  }

  #localAt(trueUs: number): number {
    const passed = trueUs - this.#true
    if (this.#rate === PARTS) return this.#local + passed
    // passed * rate / PARTS without leaving the safe integers.
    const rest = Math.floor(((passed % PARTS) * this.#rate) / PARTS)
    return this.#local + Math.floor(passed / PARTS) * this.#rate + rest
  }

  /** The first true instant at which local time is at least `local`; infinity if the clock stands still. */
  #trueAt(local: number): number {
    const missing = local - this.#local
    if (missing <= 0) return this.#true
    if (this.#rate === PARTS) return this.#true + missing
    if (this.#rate === 0) return Number.POSITIVE_INFINITY
    const rest = Math.ceil(((missing % this.#rate) * PARTS) / this.#rate)
    return this.#true + Math.floor(missing / this.#rate) * PARTS + rest
  }

  #rebase(jumpUs: number): void {
    this.#local = this.#localAt(this.#time.nowUs) + jumpUs
    this.#true = this.#time.nowUs
  }

  #schedule(pending: Pending): void {
    const at = this.#trueAt(pending.deadline)
    pending.event = at === Number.POSITIVE_INFINITY ? undefined : this.#time.at(at, pending)
  }

  #reschedule(): void {
    for (const pending of this.#alarms) {
      pending.event?.cancel()
      this.#schedule(pending)
    }
  }
}

function partsOfRate(rate: number): number {
  if (!(rate >= 0 && rate <= MAX_RATE)) throw new OptionError('rate', rate, `a number from 0 to ${MAX_RATE}`)
  return Math.round(rate * PARTS)
}
