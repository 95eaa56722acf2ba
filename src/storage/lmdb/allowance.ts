// How much is left of something that is dear to ask for before every commit: the device's room, or the pages that the
// store may still fill. It is asked once and counted down by what each commit may take, until little is left.
//
// Invariant: ample means that more than the reserve is left, unless others have taken the reserve within `freshMs`.

export interface AllowanceOptions {
  /** What is left now, in bytes. */
  readonly measure: () => number
  /** Below this nothing is ample: it covers what the countdown misses, and what others take within `freshMs`. */
  readonly reserveBytes: number
  /** How long an answer holds, in milliseconds. Default: for ever, where nobody else takes anything. */
  readonly freshMs?: number
  /** A monotonic clock, in milliseconds. */
  readonly now: () => number
}

export class Allowance {
  readonly #options: AllowanceOptions
  #left = Number.NEGATIVE_INFINITY
  #measuredMs = Number.NEGATIVE_INFINITY

  constructor(options: AllowanceOptions) {
    this.#options = options
  }

  /** Counts `bytes` down. True if ample room is left behind them; if not, the caller has to look for itself. */
  isAmple(bytes: number): boolean {
    const { measure, reserveBytes, freshMs = Number.POSITIVE_INFINITY, now } = this.#options
    const nowMs = now()
    if (this.#left - bytes < reserveBytes || nowMs - this.#measuredMs > freshMs) {
      this.#left = measure()
      this.#measuredMs = nowMs
    }
    this.#left -= bytes
    return this.#left >= reserveBytes
  }
}
