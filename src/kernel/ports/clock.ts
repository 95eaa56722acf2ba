/** Time as the kernel sees it. The only source of time in production code; virtual in the simulator. */
export interface Clock {
  /** Monotonic milliseconds, fractional, from an arbitrary origin. Never goes back. */
  now(): number
  /** Milliseconds since the Unix epoch: for people and records, never for measuring. May jump. */
  epochMs(): number
  /**
   * Calls `fire` once, not before `delayMs` milliseconds have passed. The kernel's timer wheel holds at most one
   * alarm at a time, so an implementation need not be cheap.
   */
  setAlarm(delayMs: number, fire: () => void): Alarm
}

export interface Alarm {
  /** Stops the alarm. Idempotent; a fired alarm is left alone. */
  cancel(): void
}
