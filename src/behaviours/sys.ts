// System requests to any server, state machine or supervisor: OTP's sys(3). Each is answered inside the loop of the
// process, between two turns, also while it is suspended; a raw process answers none and is refused with `badarg`.
// Who asks comes first: a process's own `self`, or the node for the world outside.

import { Debug, type Statistics, type TraceEvent, type TraceHook } from '../kernel/debug.ts'
import { OptionError } from '../kernel/errors.ts'
import { ExitError, type ExitReason } from '../kernel/exit-reason.ts'
import { CALL_TIMEOUT_MS, type Node } from '../kernel/node.ts'
import { actorOf } from '../kernel/own.ts'
import type { Pid } from '../kernel/pid.ts'
import type { CallOptions } from '../kernel/ref.ts'
import type { Self } from '../kernel/self.ts'
import type { SystemStatus } from '../kernel/system-requests.ts'
import { never } from '../kernel/thenable.ts'

export type { Statistics, SystemStatus, TraceEvent, TraceHook }

/** Who is asked: a process, or the name of one. */
export type Target = Pid | string

/** How many events `log` keeps by default: OTP's. */
const LOG_CAPACITY = 10
/** How many it keeps at most. */
const MAX_LOG_CAPACITY = 100_000

/**
 * The state of a process: of a server its state, of a state machine `{ state, data }`, of a supervisor a
 * {@link SupervisorState}. For people and tests; S is the caller's word. OTP: `sys:get_state/1,2`.
 */
export function getState<S = unknown>(by: Node | Self, target: Target, options?: CallOptions): Promise<S> {
  return ask<S>(by, target, 'get_state', undefined, options)
}

/**
 * Puts `replace(state)` in place of the state, and answers the new one. What `replace` throws fails the request with
 * `{ callback_failed: reason }` and leaves the process as it was. OTP: `sys:replace_state/2,3`.
 */
export function replaceState<S = unknown>(
  by: Node | Self,
  target: Target,
  replace: (state: S) => S,
  options?: CallOptions,
): Promise<S> {
  return ask<S>(by, target, 'replace_state', replace, options)
}

/** Lets a process handle nothing but system requests and exit signals until it is resumed. OTP: `sys:suspend/1,2`. */
export function suspend(by: Node | Self, target: Target, options?: CallOptions): Promise<'ok'> {
  return ask(by, target, 'suspend', undefined, options)
}

/** Lets a suspended process go on. OTP: `sys:resume/1,2`. */
export function resume(by: Node | Self, target: Target, options?: CallOptions): Promise<'ok'> {
  return ask(by, target, 'resume', undefined, options)
}

/** What runs in a process, its state, whether it is suspended, and what is noted about it. OTP: `sys:get_status/1,2`. */
export function getStatus(by: Node | Self, target: Target, options?: CallOptions): Promise<SystemStatus> {
  return ask(by, target, 'get_status', undefined, options)
}

/**
 * Orders a process to end with `reason`, its `terminate` included. Resolves when the order is taken, not when the
 * process has ended: for that there is `ref.stop`. OTP: `sys:terminate/2,3`.
 */
export function terminate(by: Node | Self, target: Target, reason: ExitReason, options?: CallOptions): Promise<'ok'> {
  return ask(by, target, 'terminate', reason, options)
}

/**
 * Begins (true) or ends (false) to count the messages of a process, or tells the counts: undefined if nobody counts.
 * OTP: `sys:statistics/2,3`.
 */
export function statistics(by: Node | Self, target: Target, flag: boolean, options?: CallOptions): Promise<'ok'>
export function statistics(
  by: Node | Self,
  target: Target,
  flag: 'get',
  options?: CallOptions,
): Promise<Statistics | undefined>
export function statistics(
  by: Node | Self,
  target: Target,
  flag: boolean | 'get',
  options?: CallOptions,
): Promise<unknown> {
  return ask(by, target, 'statistics', flag, options)
}

/**
 * Keeps the last events of a process: true the last 10, a number as many (1 to 100 000), false none. `'get'` tells them,
 * oldest first. OTP: `sys:log/2,3`.
 */
export function log(by: Node | Self, target: Target, flag: boolean | number, options?: CallOptions): Promise<'ok'>
export function log(by: Node | Self, target: Target, flag: 'get', options?: CallOptions): Promise<readonly TraceEvent[]>
export function log(
  by: Node | Self,
  target: Target,
  flag: boolean | number | 'get',
  options?: CallOptions,
): Promise<unknown> {
  if (typeof flag === 'number' && !(Number.isInteger(flag) && flag >= 1 && flag <= MAX_LOG_CAPACITY)) {
    throw new OptionError('flag', flag, `true, false, 'get' or an integer from 1 to ${MAX_LOG_CAPACITY}`)
  }
  const capacity = flag === true ? LOG_CAPACITY : flag === false ? 0 : flag
  return ask(by, target, 'log', capacity, options)
}

/** Whether each event of a process is a report (`kind: 'trace'`) of its node. OTP: `sys:trace/2,3`. */
export function trace(by: Node | Self, target: Target, flag: boolean, options?: CallOptions): Promise<'ok'> {
  return ask(by, target, 'trace', flag, options)
}

/** A hook: told of each event of a process, with what it returned for the one before (at first, `state`). */
export interface Hook<S> {
  /** One hook per id. */
  readonly id: string
  /** Must not block. One that returns {@link done}, or throws, is taken out. */
  readonly hook: (state: S, event: TraceEvent) => S | typeof Debug.DONE
  readonly state: S
}

/** What a hook returns that wants to hear no more. */
export const done: typeof Debug.DONE = Debug.DONE

/** Installs a hook, which runs inside the process. OTP: `sys:install/2,3`. */
export function install<S>(
  by: Node | Self,
  target: Target,
  hook: Hook<S>,
  options?: CallOptions,
): Promise<'ok' | { readonly error: 'already_installed' }> {
  return ask(by, target, 'install', hook, options)
}

/** Takes a hook out, if it is there. OTP: `sys:remove/2,3`. */
export function remove(by: Node | Self, target: Target, id: string, options?: CallOptions): Promise<'ok'> {
  return ask(by, target, 'remove', id, options)
}

/** Ends statistics, log, trace and hooks of a process. OTP: `sys:no_debug/1,2`. */
export function noDebug(by: Node | Self, target: Target, options?: CallOptions): Promise<'ok'> {
  return ask(by, target, 'no_debug', undefined, options)
}

/** Rejects as a call does; `calling_self` for a process that asks itself. */
async function ask<R>(
  by: Node | Self,
  target: Target,
  tag: string,
  argument: unknown,
  options: CallOptions | undefined,
): Promise<R> {
  const { node, process } = actorOf(by)
  if (process?.alive === false) return never()
  const pid = typeof target === 'string' ? node.whereis(target) : target
  if (pid === undefined) throw new ExitError('noproc', target, `system request ${tag} to ${target}`)
  const timeoutMs = options?.timeoutMs ?? CALL_TIMEOUT_MS
  return (await node.system(process, pid, tag, argument, { timeoutMs })) as R
}
