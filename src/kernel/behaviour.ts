// The seam between the kernel, which owns mailbox and turns, and what runs inside a process. A behaviour handles one
// thing at a time: while a promise it returned is pending the kernel gives it nothing else. Returning undefined means
// done, and costs no microtask.

import type { Call } from './call.ts'

export type Turn = undefined | PromiseLike<void>

export interface Behaviour {
  /** The first turn. Reports its outcome through `Process.started`. */
  init(): Turn
  /** Handles a message; the head says what it is (messages.ts). */
  receive(head: unknown, payload: unknown): Turn
  /** True while the behaviour has something of its own to do before it reads the next message. */
  readonly pending: boolean
  /** Does one such thing. */
  advance(): Turn
  /** The time-out it asked for with `Process.timeoutAfter` is due, and no message came before it. */
  timeout(): Turn
  /** A system request (OTP's `sys`): `stop` and those on the state. */
  system(request: Call): Turn
  /** The process has ended, for whatever reason: let go of what lies outside of it, such as timers. */
  readonly ended?: () => void
}
