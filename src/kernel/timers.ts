// One hierarchical timer wheel per node, in ticks of a millisecond. Setting and cancelling are O(1) and touch no host
// timer: the wheel keeps at most one alarm with the clock. A timer fires at the first tick not before its deadline;
// timers of one tick fire in the order in which they were set.

import { OptionError } from './errors.ts'
import type { Alarm, Clock, Turns } from './ports/index.ts'

/** The longest delay, in milliseconds: Erlang's limit (2^32 - 1, 49.7 days). */
export const MAX_DELAY_MS = 0xffff_ffff

/** So soon after the last timer has gone the alarm is let go, at the latest. */
const LINGER_MS = 10

const NEAR = 256
const FAR = 64
const FAR_LEVELS = [8, 14, 20, 26] as const

/** Throws an OptionError if `delayMs` is no delay that a timer can have. */
export function checkDelay(delayMs: number, field: string): void {
  if (!(delayMs >= 0 && delayMs <= MAX_DELAY_MS)) {
    throw new OptionError(field, delayMs, `a number of milliseconds from 0 to ${MAX_DELAY_MS}`)
  }
}

/** An entry of the wheel. Subclasses say what its end means; `expire` must not throw. */
export abstract class Timer {
  prev: Timer | null = null
  next: Timer | null = null
  /** The list this timer is in, or null when it is not set. */
  slot: Slot | null = null
  deadline = 0
  order = 0

  abstract expire(): void
}

class Slot {
  first: Timer | null = null
  last: Timer | null = null
}

export class TimerWheel {
  readonly #clock: Clock
  readonly #turns: Turns
  readonly #near: Slot[] = slots(NEAR)
  readonly #far: Slot[][] = FAR_LEVELS.map(() => slots(FAR))
  readonly #due = new Slot()
  /** Timers whose delay counts from the end of this turn; until then, their `deadline` is that delay. */
  readonly #fresh = new Slot()
  #now: number
  /** Timers that have a place on the wheel, or are due. */
  #placed = 0
  #freshCount = 0
  #order = 0
  #alarm: Alarm | null = null
  #alarmTick = Number.POSITIVE_INFINITY
  /** The alarm is no further than LINGER_MS away. */
  #lingers = false
  /** The fresh ones will be placed at the end of this turn … */
  #placesLater = false
  /** … or sooner. */
  #placesSoon = false

  constructor(clock: Clock, turns: Turns) {
    this.#clock = clock
    this.#turns = turns
    this.#now = Math.floor(clock.now())
  }

  /** How many timers are set. */
  get size(): number {
    return this.#placed + this.#freshCount
  }

  /** Sets `timer` to expire in `delayMs`, which the caller's caller knows as `field`. It must not be set already. */
  set(timer: Timer, delayMs: number, field = 'delayMs'): void {
    checkDelay(delayMs, field)
    timer.order = this.#order++
    this.#place(timer, delayMs, this.#clock.now())
  }

  /**
   * The same, counted from the end of this turn of the event loop. A timer that is cancelled by then, such as the time
   * limit of a call that is answered at once, never saw the clock nor the wheel.
   */
  setAtTurnsEnd(timer: Timer, delayMs: number, field = 'delayMs'): void {
    this.#setFresh(timer, delayMs, field)
    if (this.#placesLater || this.#placesSoon) return
    this.#placesLater = true
    this.#turns.later(this.#turnEnds)
  }

  /** The same for a timer that will not be cancelled in this turn: counted from when what runs now has ended. */
  setSoon(timer: Timer, delayMs: number, field = 'delayMs'): void {
    this.#setFresh(timer, delayMs, field)
    if (this.#placesSoon) return
    this.#placesSoon = true
    this.#turns.soon(this.#placeSoon)
  }

  #setFresh(timer: Timer, delayMs: number, field: string): void {
    checkDelay(delayMs, field)
    timer.order = this.#order++
    timer.deadline = delayMs
    append(this.#fresh, timer)
    this.#freshCount++
  }

  /** Takes `timer` off the wheel. Idempotent. */
  cancel(timer: Timer): void {
    const { slot } = timer
    if (slot === null) return
    unlink(timer)
    if (slot === this.#fresh) this.#freshCount--
    else if (--this.#placed === 0 && !this.#lingers) this.#linger()
  }

  /** Cancels everything and lets go of the alarm. */
  close(): void {
    for (const slot of [...this.#near, ...this.#far.flat(), this.#due, this.#fresh]) takeAll(slot)
    this.#placed = 0
    this.#freshCount = 0
    this.#disarm()
  }

  #place(timer: Timer, delayMs: number, now: number): void {
    if (this.#placed === 0) this.#now = Math.floor(now)
    const deadline = Math.max(Math.ceil(now + delayMs), this.#now + 1)
    timer.deadline = deadline
    this.#insert(timer)
    this.#placed++
    if (deadline < this.#alarmTick) this.#arm(deadline, now)
  }

  #turnEnds = (): void => {
    this.#placesLater = false
    this.#placeFresh()
  }

  #placeSoon = (): void => {
    this.#placesSoon = false
    this.#placeFresh()
  }

  #placeFresh(): void {
    if (this.#freshCount === 0) return
    const now = this.#clock.now()
    this.#freshCount = 0
    for (const timer of takeAll(this.#fresh)) this.#place(timer, timer.deadline, now)
  }

  // An alarm keeps the host process alive, and to set one costs more than a call does. So it stays for a while when the
  // last timer goes: a run of timers, each cancelled soon, costs two alarms in LINGER_MS, not one each.
  #linger(): void {
    if (this.#alarm === null) return
    this.#lingers = true
    const now = this.#clock.now()
    if (this.#alarmTick > now + LINGER_MS) this.#arm(now + LINGER_MS, now)
  }

  #disarm(): void {
    this.#alarm?.cancel()
    this.#alarm = null
    this.#alarmTick = Number.POSITIVE_INFINITY
    this.#lingers = false
  }

  #arm(tick: number, now: number): void {
    this.#alarm?.cancel()
    this.#alarmTick = tick
    this.#alarm = this.#clock.setAlarm(Math.max(0, tick - now), this.#ring)
  }

  #ring = (): void => {
    this.#alarm = null
    this.#alarmTick = Number.POSITIVE_INFINITY
    this.#lingers = false
    this.#advance(Math.floor(this.#clock.now()))
    const next = this.#nextTick()
    if (next < this.#alarmTick) this.#arm(next, this.#clock.now())
  }

  #advance(target: number): void {
    for (let tick = this.#nextTick(); tick <= target; tick = this.#nextTick()) {
      this.#now = tick
      this.#cascade(tick)
      this.#fire(this.#slotAt(this.#near, tick & (NEAR - 1)))
    }
    if (target > this.#now) this.#now = target
  }

  // What is due stays in a list while it fires, so that one timer's end can still cancel another of the same tick.
  #fire(slot: Slot): void {
    if (slot.first === null) return
    const due = takeAll(slot)
    if (due.length > 1) due.sort((a, b) => a.order - b.order)
    for (const timer of due) append(this.#due, timer)
    for (let timer = this.#due.first; timer !== null; timer = this.#due.first) {
      unlink(timer)
      this.#placed--
      timer.expire()
    }
  }

  #insert(timer: Timer): void {
    const { deadline } = timer
    const delta = deadline - this.#now
    if (delta < NEAR) return append(this.#slotAt(this.#near, deadline & (NEAR - 1)), timer)
    for (let level = 0; level < FAR_LEVELS.length; level++) {
      const shift = FAR_LEVELS[level] ?? 0
      if (delta < 2 ** (shift + 6) || level === FAR_LEVELS.length - 1) {
        return append(this.#slotAt(this.#far[level] ?? [], (deadline >>> shift) & (FAR - 1)), timer)
      }
    }
  }

  // On entering a new block of 256 ticks the far slot of that block is dealt out again, from the coarsest level down.
  #cascade(tick: number): void {
    for (let level = FAR_LEVELS.length - 1; level >= 0; level--) {
      const shift = FAR_LEVELS[level] ?? 0
      if (tick % 2 ** shift !== 0) continue
      const slot = this.#slotAt(this.#far[level] ?? [], (tick >>> shift) & (FAR - 1))
      for (const timer of takeAll(slot)) this.#insert(timer)
    }
  }

  /** The next tick at which something fires or a far slot must be dealt out; infinity if nothing is set. */
  #nextTick(): number {
    if (this.#placed === 0) return Number.POSITIVE_INFINITY
    let best = Number.POSITIVE_INFINITY
    for (let i = 1; i < NEAR; i++) {
      if (this.#slotAt(this.#near, (this.#now + i) & (NEAR - 1)).first !== null) {
        best = this.#now + i
        break
      }
    }
    for (let level = 0; level < FAR_LEVELS.length; level++) {
      const size = 2 ** (FAR_LEVELS[level] ?? 0)
      const block = Math.floor(this.#now / size)
      for (let i = 1; i <= FAR; i++) {
        const boundary = (block + i) * size
        if (boundary >= best) break
        if (this.#slotAt(this.#far[level] ?? [], (block + i) & (FAR - 1)).first !== null) best = boundary
      }
    }
    return best
  }

  #slotAt(level: Slot[], index: number): Slot {
    const slot = level[index]
    if (slot === undefined) throw new RangeError(`timer wheel: no slot ${index}`)
    return slot
  }
}

function slots(count: number): Slot[] {
  return Array.from({ length: count }, () => new Slot())
}

function takeAll(slot: Slot): Timer[] {
  const timers: Timer[] = []
  for (let timer = slot.first; timer !== null; timer = slot.first) {
    unlink(timer)
    timers.push(timer)
  }
  return timers
}

function append(slot: Slot, timer: Timer): void {
  timer.slot = slot
  timer.prev = slot.last
  if (slot.last === null) slot.first = timer
  else slot.last.next = timer
  slot.last = timer
}

function unlink(timer: Timer): void {
  const { slot } = timer
  if (slot === null) return
  if (timer.prev === null) slot.first = timer.next
  else timer.prev.next = timer.next
  if (timer.next === null) slot.last = timer.prev
  else timer.next.prev = timer.prev
  timer.prev = null
  timer.next = null
  timer.slot = null
}

/** Calls a function once. */
export class Once extends Timer {
  readonly #act: () => void

  constructor(act: () => void) {
    super()
    this.#act = act
  }

  override expire(): void {
    this.#act()
  }
}
