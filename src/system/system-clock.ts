// The machine's clock behind the Clock port. The only file that reads real time for production code.
//
// Invariant: an alarm never fires before its delay has passed on `now()`. Node's own timers may be up to a
// millisecond early against performance.now(), and wrap above 2^31 − 1 ms; both are hidden here.

import type { Alarm, Clock } from '../kernel/ports/index.ts'

/** The longest delay that setTimeout takes (Node manual, "timers": a longer one would fire after 1 ms). */
const maxDelayMs = 2 ** 31 - 1

/** The machine's clock. An alarm that is set keeps the event loop alive until it fires or is cancelled. */
export const systemClock: Clock = {
  now: () => performance.now(),
  epochMs: () => Date.now(),
  setAlarm: (delayMs, fire) => new SystemAlarm(performance.now() + Math.max(0, delayMs), fire),
}

class SystemAlarm implements Alarm {
  readonly #dueAt: number
  readonly #fire: () => void
  #timeout: NodeJS.Timeout

  constructor(dueAt: number, fire: () => void) {
    this.#dueAt = dueAt
    this.#fire = fire
    this.#timeout = this.#arm()
  }

  cancel(): void {
    clearTimeout(this.#timeout)
  }

  #arm(): NodeJS.Timeout {
    const restMs = Math.ceil(this.#dueAt - performance.now())
    return setTimeout(() => this.#expire(), Math.min(Math.max(restMs, 1), maxDelayMs))
  }

  #expire(): void {
    if (performance.now() >= this.#dueAt) this.#fire()
    else this.#timeout = this.#arm()
  }
}
