// Why a process ended. A reason is data, not text; OTP's spelling throughout.
//
// A tagged tuple of Erlang is written here as an object whose first key is the tag: `{ shutdown: detail }` for
// `{shutdown, Detail}`, `{ failed_to_start_child: id, reason }` for `{failed_to_start_child, Id, Reason}`.

import { EspalierError, show } from './errors.ts'
import type { Pid } from './pid.ts'

/**
 * Any value. Those with a meaning to the kernel and the behaviours:
 * `'normal'` (hurts nobody), `'shutdown'` and `{ shutdown: detail }` (ordered, not reported), `'kill'` (as a signal:
 * cannot be trapped), `'killed'` (what a killed process died of), `'noproc'`, `'noconnection'`, and {@link Crash}.
 */
export type ExitReason = unknown

/** The exit reason of a process whose code threw. `error` is what was thrown. */
export interface Crash {
  readonly error: unknown
  readonly stack: string
}

/** Thrown by `self.exit(reason)` to leave a handler: the process ends with `reason`, as by Erlang's `exit/1`. */
export class ExitThrown {
  readonly reason: ExitReason

  constructor(reason: ExitReason) {
    this.reason = reason
  }
}

/** The exit reason of code that threw `thrown`. */
export function reasonOf(thrown: unknown): ExitReason {
  if (thrown instanceof ExitThrown) return thrown.reason
  return { error: thrown, stack: thrown instanceof Error ? (thrown.stack ?? String(thrown)) : '' }
}

/** `normal`, `shutdown` or `{ shutdown: … }`: an ordered end, after which a `transient` child is not restarted. */
export function isOrderly(reason: ExitReason): boolean {
  return reason === 'normal' || reason === 'shutdown' || isShutdownDetail(reason)
}

function isShutdownDetail(reason: ExitReason): boolean {
  if (typeof reason !== 'object' || reason === null || !('shutdown' in reason)) return false
  return Object.keys(reason).length === 1
}

/** True for the reason of a process whose code threw. */
export function isCrash(reason: ExitReason): reason is Crash {
  return typeof reason === 'object' && reason !== null && 'error' in reason && 'stack' in reason
}

/** One line for people. */
export function showReason(reason: ExitReason): string {
  return isCrash(reason) ? show(reason.error) : show(reason)
}

/** One process of a call cycle, and the tag of the call in which it waits for the next. */
export interface CycleStep {
  readonly pid: Pid
  readonly name: string | undefined
  readonly label: string | undefined
  /** What runs in it: the name of its definition, or of its body. */
  readonly definition: string
  readonly tag: string
}

/**
 * A call, start or stop that did not get its answer.
 * `reason` is `'timeout'`, `'noproc'`, `'noconnection'`, `'overloaded'`, or the exit reason of the callee.
 */
export class ExitError extends EspalierError {
  readonly reason: ExitReason
  /** Whom it was asked of: a pid, or a name that nobody had. */
  readonly callee: Pid | string | undefined
  /**
   * Of a time-out, if the callee could not answer because it waits for the caller: who waits for whom, from the caller
   * on; the last waits for the first. Known of calls made with `self.call` on one node.
   */
  readonly cycle: readonly CycleStep[] | undefined

  constructor(reason: ExitReason, callee: Pid | string | undefined, what: string, cycle?: readonly CycleStep[]) {
    const code = codeOf(reason)
    super(code, `${what}: ${showReason(reason)}`, isCrash(reason) ? { cause: reason.error } : undefined)
    this.reason = reason
    this.callee = callee
    this.cycle = cycle
  }
}

function codeOf(reason: ExitReason): string {
  if (reason === 'timeout') return 'ERR_TIMEOUT'
  if (reason === 'noproc') return 'ERR_NOPROC'
  if (reason === 'noconnection') return 'ERR_NOCONNECTION'
  if (reason === 'overloaded') return 'ERR_OVERLOADED'
  return 'ERR_EXIT'
}
