// The time of a simulated world: it stands still while something happens, and leaps to the next event. Integers only:
// microseconds from 0. Nothing here knows nodes; see virtual-clock.ts for what they see of it.

import { OptionError } from '../kernel/errors.ts'
import type { Alarm } from '../kernel/ports/index.ts'
import { EventQueue } from './event-queue.ts'

/** Microseconds in a millisecond. */
export const US = 1000

/** `ms` in whole microseconds, rounded up; what is below a nanosecond counts as rounding noise. */
export function microseconds(ms: number, field = 'ms'): number {
  if (!Number.isFinite(ms)) throw new OptionError(field, ms, 'a finite number of milliseconds')
  return Math.ceil(ms * US - 0.001) + 0 // never -0, which a trace would tell from 0
}

/** What waits for its instant, where there are so many that a closure for each would be dear. */
export interface Happening {
  /** Called once, at that instant. */
  happen(): void
}

/** The one true clock of a world, and the events that wait on it. */
export class VirtualTime {
  readonly #events = new EventQueue<Happening | (() => void)>()
  #nowUs = 0

  /** Microseconds since the world began. */
  get nowUs(): number {
    return this.#nowUs
  }

  /** Milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowUs / US
  }

  /** How many events wait. */
  get waiting(): number {
    return this.#events.size
  }

  /** When the next event comes, in microseconds. */
  get nextUs(): number | undefined {
    return this.#events.nextAt
  }

  /** Has `happen` run at the instant `atUs`; one that has passed means now, after what is due already. */
  at(atUs: number, happen: Happening | (() => void)): Alarm {
    return this.#events.add(Math.max(atUs, this.#nowUs), happen)
  }

  /** Leaps to the next event and runs it. False if there is none up to and including `untilUs` (default: ever). */
  step(untilUs: number = Number.POSITIVE_INFINITY): boolean {
    const next = this.#events.take(untilUs)
    if (next === undefined) return false
    this.#nowUs = next.at
    const { item } = next
    if (typeof item === 'function') item()
    else item.happen()
    return true
  }

  /** Runs every event up to and including `untilUs`, and stands at that instant. Nothing asynchronous is awaited. */
  runUntil(untilUs: number): void {
    while (this.step(untilUs));
    if (untilUs > this.#nowUs) this.#nowUs = untilUs
  }
}
