// Notices that a clock was set, or has stood still: then the monotonic and the wall clock have moved apart. Leases are
// measured by the one, and must not outlive what the other says.

import type { Clock } from '../../src/kernel/ports/index.ts'

/** Milliseconds by which the clocks may part: more than rounding and slewing make of a second. */
const TOLERANCE_MS = 5
/** A second of both clocks in step, and what they are compared with is renewed: slewing adds up. */
const RENEWED_MS = 1000

export class ClockWatch {
  readonly #clock: Pick<Clock, 'epochMs'>
  #offsetMs: number | undefined
  #sinceMs = 0

  constructor(clock: Pick<Clock, 'epochMs'>) {
    this.#clock = clock
  }

  /** Whether the clocks have parted since they were last seen in step. */
  hasJumped(nowMs: number): boolean {
    const offsetMs = this.#clock.epochMs() - nowMs
    const before = this.#offsetMs
    const hasJumped = before !== undefined && Math.abs(offsetMs - before) > TOLERANCE_MS
    if (before === undefined || hasJumped || nowMs - this.#sinceMs >= RENEWED_MS) {
      this.#offsetMs = offsetMs
      this.#sinceMs = nowMs
    }
    return hasJumped
  }
}
