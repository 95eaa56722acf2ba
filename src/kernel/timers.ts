// One hierarchical timer wheel per node, in ticks of a millisecond. Setting and cancelling are O(1) and touch no host
// timer: the wheel keeps at most one alarm with the clock. A timer fires at the first tick not before its deadline;
// timers of one tick fire in the order in which they were set.

import { OptionError } from './errors.ts'
import type { Alarm, Clock, Turns } from './ports/index.ts'

/** The longest delay, in milliseconds: Erlang's limit (2^32 - 1, 49.7 days). */
export const MAX_DELAY_MS = 0xffff_ffff

/** So soon after the last timer has gone the alarm is let go, at the latest. */
const LINGER_MS = 10

/** Slots of the finest level, a tick each; a coarser one has FAR, of 2^shift ticks each. All are powers of two. */
const NEAR = 256
const FAR = 64
const FAR_SHIFTS = [8, 14, 20, 26] as const

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
  /** The level it lies on, and where; null for a list of its own. */
  readonly level: Level | null
  readonly index: number

  constructor(level: Level | null = null, index = 0) {
    this.level = level
    this.index = index
  }
}

/** A ring of slots, with a bit for each that holds a timer: most are empty, and to look into all of them would be dear. */
class Level {
  /** Ticks that a slot spans. */
  readonly span: number
  /** Ticks that all of them span. */
  readonly reach: number
  readonly #slots: Slot[]
  readonly #mask: number
  readonly #used: Int32Array

  constructor(shift: number, size: number) {
    this.span = 2 ** shift
    this.reach = size * this.span
    this.#slots = Array.from({ length: size }, (_, index) => new Slot(this, index))
    this.#mask = size - 1
    this.#used = new Int32Array(size / 32)
  }

  get slots(): readonly Slot[] {
    return this.#slots
  }

  /** The slot of the `block`-th span of time. */
  slotOf(block: number): Slot {
    // Masked here: a block may lie beyond 32 bits, whose low ones are its place.
    return this.#slots[block & this.#mask] as Slot
  }

  /** A slot has got its first timer, or lost its last. */
  mark(slot: Slot, isUsed: boolean): void {
    const word = slot.index >>> 5
    const bit = 1 << (slot.index & 31)
    const bits = this.#used[word] ?? 0
    this.#used[word] = isUsed ? bits | bit : bits & ~bit
  }

  /** How many blocks behind `block` the next used slot lies: from 1 to their number; infinity if none is used. */
  distance(block: number): number {
    const start = (block + 1) & this.#mask
    const words = this.#used.length
    let word = start >>> 5
    let bits = (this.#used[word] ?? 0) & (-1 << (start & 31))
    // Once round, and the part of the first word that was left out.
    for (let i = 0; i <= words; i++) {
      if (bits !== 0) return (((word << 5) + 31 - Math.clz32(bits & -bits) - start) & this.#mask) + 1
      word = (word + 1) & (words - 1)
      bits = this.#used[word] ?? 0
    }
    return Number.POSITIVE_INFINITY
  }
}

export class TimerWheel {
  readonly #clock: Clock
  readonly #turns: Turns
  readonly #near = new Level(0, NEAR)
  readonly #far = FAR_SHIFTS.map((shift) => new Level(shift, FAR))
  readonly #coarsest = this.#far.at(-1)
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
    const slots = [this.#near, ...this.#far].flatMap((level) => level.slots)
    for (const slot of [...slots, this.#due, this.#fresh]) takeAll(slot)
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
      this.#fire(this.#near.slotOf(tick))
    }
    if (target > this.#now) this.#now = target
  }

  // What is due stays in a list while it fires, so that one timer's end can still cancel another of the same tick.
  #fire(slot: Slot): void {
    const { first } = slot
    if (first === null) return
    if (first.next === null) {
      unlink(first)
      this.#placed--
      return first.expire()
    }
    const due = takeAll(slot).sort((a, b) => a.order - b.order)
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
    if (delta < NEAR) return append(this.#near.slotOf(deadline), timer)
    for (const level of this.#far) {
      if (delta >= level.reach && level !== this.#coarsest) continue
      return append(level.slotOf(Math.floor(deadline / level.span)), timer)
    }
  }

  // On entering a new block of 256 ticks the far slot of that block is dealt out again, from the coarsest level down.
  #cascade(tick: number): void {
    for (let at = this.#far.length - 1; at >= 0; at--) {
      const level = this.#far[at]
      if (level === undefined || tick % level.span !== 0) continue
      for (const timer of takeAll(level.slotOf(tick / level.span))) this.#insert(timer)
    }
  }

  /** The next tick at which something fires or a far slot must be dealt out; infinity if nothing is set. */
  #nextTick(): number {
    if (this.#placed === 0) return Number.POSITIVE_INFINITY
    let best = this.#now + this.#near.distance(this.#now)
    for (const level of this.#far) {
      const block = Math.floor(this.#now / level.span)
      best = Math.min(best, (block + level.distance(block)) * level.span)
    }
    return best
  }
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
  if (slot.last === null) {
    slot.first = timer
    slot.level?.mark(slot, true)
  } else slot.last.next = timer
  slot.last = timer
}

function unlink(timer: Timer): void {
  const { slot } = timer
  if (slot === null) return
  if (slot.first === slot.last) slot.level?.mark(slot, false)
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
