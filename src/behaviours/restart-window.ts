// Restart intensity: how many restarts there were within the period. OTP counts by the whole seconds of the monotonic
// clock (supervisor.erl, add_restart): a restart counts as long as its second plus the period has not passed.

export class RestartWindow {
  #intensity = 0
  #period = 0
  #unitMs = 1
  #times: number[] = []
  #first = 0

  constructor(intensity: number, periodMs: number) {
    this.limit(intensity, periodMs)
  }

  /** New limits, with which counting begins anew. */
  limit(intensity: number, periodMs: number): void {
    this.#times = []
    this.#first = 0
    this.#intensity = intensity
    // Whole seconds behave as OTP's; a finer period is counted in milliseconds.
    this.#unitMs = periodMs % 1000 === 0 ? 1000 : 1
    this.#period = Math.ceil(periodMs / this.#unitMs)
  }

  /** Counts a restart at `nowMs`. False if that is one too many. */
  add(nowMs: number): boolean {
    const now = Math.floor(nowMs / this.#unitMs)
    while (this.#first < this.#times.length && now > (this.#times[this.#first] ?? 0) + this.#period) this.#first++
    if (this.#first > 64 && this.#first * 2 > this.#times.length) {
      this.#times = this.#times.slice(this.#first)
      this.#first = 0
    }
    this.#times.push(now)
    return this.#times.length - this.#first <= this.#intensity
  }

  /** An independent copy. */
  clone(): RestartWindow {
    const copy = new RestartWindow(this.#intensity, this.#period * this.#unitMs)
    copy.#times = this.#times.slice(this.#first)
    return copy
  }
}
