// How long a child waits for its restart: an option that OTP lacks. Pure but for the jitter, which draws from the Random
// port; without the option no child waits, exactly as in OTP.

import type { Random } from '../kernel/ports/index.ts'

export interface BackoffOptions {
  /** Before the first restart, in milliseconds. Default 100. */
  readonly initialMs?: number
  /** The longest wait. A child that has run for so long begins anew with `initialMs`. Default 30 000. */
  readonly maxMs?: number
  /** How much longer each further wait is. At least 1; default 2. */
  readonly factor?: number
  /** The part of each wait, 0 to 1, that is drawn at random, so that children do not come back in step. Default 0.2. */
  readonly jitter?: number
}

/** Checked, defaults filled in. */
export type Backoff = Required<BackoffOptions>

/** What a child's next wait rests on. */
export interface Attempts {
  /** Restarts in a row so far. */
  attempt: number
  /** When it last started, or failed to, by the monotonic clock. */
  startedMs: number
}

/** The options with their defaults; undefined if one is wrong. */
export function checkBackoff(options: unknown): Backoff | undefined {
  if (typeof options !== 'object' || options === null) return undefined
  const { initialMs = 100, maxMs = 30_000, factor = 2, jitter = 0.2 } = options as BackoffOptions
  if (!within(initialMs, 1, 0xffff_ffff) || !within(maxMs, initialMs, 0xffff_ffff)) return undefined
  if (!within(factor, 1, Number.MAX_VALUE) || !within(jitter, 0, 1)) return undefined
  return { initialMs, maxMs, factor, jitter }
}

function within(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most
}

/** The wait, before jitter, of a child that is to be restarted at `nowMs`; and the how-manieth in a row that is. */
export function nextWait(backoff: Backoff, before: Attempts, nowMs: number): { ms: number; attempt: number } {
  const attempt = nowMs - before.startedMs >= backoff.maxMs ? 1 : before.attempt + 1
  return { ms: Math.min(backoff.maxMs, backoff.initialMs * backoff.factor ** (attempt - 1)), attempt }
}

/** A wait with its jitter: between `ms` less that part, and `ms`. */
export function jittered(ms: number, { jitter }: Backoff, random: Random): number {
  return jitter === 0 ? ms : ms * (1 - jitter * (random.uint32() / 2 ** 32))
}
