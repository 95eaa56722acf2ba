// A clock and turns that a test moves by hand: nothing here waits.

import type { Alarm, Clock, Turns } from 'espalier'

interface SetAlarm {
  readonly at: number
  readonly fire: () => void
}

export class ManualClock implements Clock {
  readonly #alarms = new Set<SetAlarm>()
  #now: number
  /** How many alarms have ever been set. */
  alarmsSet = 0

  constructor(now = 0) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  epochMs(): number {
    return 1_600_000_000_000 + Math.floor(this.#now)
  }

  setAlarm(delayMs: number, fire: () => void): Alarm {
    const alarm = { at: this.#now + delayMs, fire }
    this.#alarms.add(alarm)
    this.alarmsSet++
    return { cancel: () => this.#alarms.delete(alarm) }
  }

  /** How many alarms are set. */
  get alarms(): number {
    return this.#alarms.size
  }

  /** Lets `ms` pass; alarms fire when they are due, each at its own instant. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const next = [...this.#alarms].sort((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > end) break
      this.#alarms.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.fire()
    }
    this.#now = end
  }

  /** Lets `ms` pass while the host is busy: alarms fire late, after all of it. */
  stall(ms: number): void {
    this.#now += ms
    this.advance(0)
  }
}

export class ManualTurns implements Turns {
  readonly #soon: (() => void)[] = []
  readonly #later: (() => void)[] = []

  soon(task: () => void): void {
    this.#soon.push(task)
  }

  later(task: () => void): void {
    this.#later.push(task)
  }

  /** Tasks that wait for a macrotask. */
  get waiting(): number {
    return this.#later.length
  }

  /** Runs microtasks until there are none, then answers how many ran. At most `limit`. */
  runSoon(limit = Number.POSITIVE_INFINITY): number {
    let count = 0
    for (let task = this.#soon[0]; task !== undefined && count < limit; task = this.#soon[0]) {
      this.#soon.shift()
      task()
      count++
    }
    return count
  }

  /** Runs the macrotasks that wait now, each with the microtasks it brings about. */
  runLater(): void {
    for (const task of this.#later.splice(0)) {
      task()
      this.runSoon()
    }
  }
}
