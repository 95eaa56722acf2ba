// The seam between the kernel, which owns mailbox and turns, and what runs inside a process. A behaviour handles one
// thing at a time: while a promise it returned is pending the kernel gives it nothing else. Returning undefined means
// done, and costs no microtask.

import type { ExitReason } from './exit-reason.ts'

export type Turn = undefined | PromiseLike<void>

export interface Behaviour {
  /** For people and reports: the name of its definition. */
  readonly name: string
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
  /** Asked from outside to end with `reason`: OTP's `gen_server:stop` and `sys:terminate`. */
  stop(reason: ExitReason): Turn
  /** Its state, between two turns. Without it a process takes no system request but `stop`. */
  readonly getState?: () => unknown
  /** Puts `replace(state)` in place of the state and answers what it then is. May throw; then nothing has changed. */
  readonly replaceState?: (replace: (state: unknown) => unknown) => unknown
  /** The process has ended, for whatever reason: let go of what lies outside of it, such as timers. */
  readonly ended?: () => void
}
