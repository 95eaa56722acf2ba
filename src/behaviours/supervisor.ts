// The supervisor behaviour: OTP's supervisor. A supervisor is a process like any other: it is started, linked and
// supervised like one, and its operations are calls.

import type { ExitReason } from '../kernel/exit-reason.ts'
import type { Pid } from '../kernel/pid.ts'
import type { Definition } from '../kernel/ref.ts'
import type { Self } from '../kernel/self.ts'
import type { BackoffOptions } from './backoff.ts'
import type { ChildSpec, Flags, Restart, Shutdown, SupervisorFlags } from './child-spec.ts'
import type { Placement } from './placement.ts'
import { SupervisorLoop } from './supervisor-loop.ts'

/** Flags and children. With `simple_one_for_one`, exactly one child: the template of those started later. */
export interface SupervisorSpec<C = readonly ChildSpec[]> extends SupervisorFlags {
  readonly children: C
  /** For people and reports. Default: `supervisor`. */
  readonly label?: string
}

/** The operations of a supervisor (supervisor(3)). Results are OTP's, as data. */
export interface SupervisorProtocol {
  readonly call: {
    /** Adds a child. For `simple_one_for_one`, the argument takes the place of the template's. */
    start_child(spec: unknown): StartChildResult
    /** Ends a child by id; for `simple_one_for_one`, by pid. Its spec stays, unless it is temporary. */
    terminate_child(id: string | Pid): 'ok' | { readonly error: 'not_found' | 'simple_one_for_one' }
    /** Starts a child again that has ended. */
    restart_child(id: string): StartChildResult
    /** Forgets a child that has no process. */
    delete_child(id: string): 'ok' | { readonly error: 'not_found' | 'running' | 'restarting' | 'simple_one_for_one' }
    /** The children, newest first. */
    which_children(): readonly ChildInfo[]
    /** How many there are, by kind. */
    count_children(): ChildCounts
    /** The spec of a child, defaults filled in. */
    get_childspec(id: string | Pid): { readonly ok: CheckedChildSpec } | { readonly error: 'not_found' }
  }
}

/** `{ ok: undefined }`: the child's init answered `ignore`. */
export type StartChildResult = { readonly ok: Pid | undefined } | { readonly error: ExitReason }

export interface ChildInfo {
  /** Undefined for the children of a `simple_one_for_one` supervisor. */
  readonly id: string | undefined
  /** Its process; `'restarting'` while a failed restart waits to be tried again; undefined if it has none. */
  readonly child: Pid | 'restarting' | undefined
  readonly type: 'worker' | 'supervisor'
  readonly modules: readonly string[] | 'dynamic'
}

export interface ChildCounts {
  readonly specs: number
  /** Children with a process. */
  readonly active: number
  readonly supervisors: number
  readonly workers: number
}

export interface CheckedChildSpec {
  readonly id: string
  readonly start: readonly unknown[]
  readonly restart: Restart
  readonly shutdown: Shutdown
  readonly type: 'worker' | 'supervisor'
  readonly significant: boolean
  readonly modules: readonly string[] | 'dynamic'
  readonly backoff?: Required<BackoffOptions>
  /** Where it runs, if not on the supervisor's node. */
  readonly on?: Placement
}

/** What `sys.getState` shows of a supervisor; `sys.replaceState` may change the flags, all but to or from `simple_one_for_one`. */
export interface SupervisorState {
  readonly flags: Flags
  /** As by `which_children`. */
  readonly children: readonly ChildInfo[]
}

/** A supervisor's definition. */
export type SupervisorDefinition<A = undefined> = Definition<A, SupervisorProtocol>

type Children<D extends readonly Definition[]> = { readonly [K in keyof D]: ChildSpec<D[K]> }

/**
 * Defines a supervisor: from its spec, or from a function that makes one at each start (OTP's `init/1`).
 * A wrong flag or child spec fails the start with OTP's name for it: `{ start_spec: … }`, `{ supervisor_data: … }`.
 */
export function supervisor<const D extends readonly Definition[]>(
  spec: SupervisorSpec<Children<D>>,
): SupervisorDefinition
export function supervisor<A = undefined, const D extends readonly Definition[] = readonly Definition[]>(
  init: (argument: A, context: { readonly self: Self }) => SupervisorSpec<Children<D>> | 'ignore',
): SupervisorDefinition<A>
export function supervisor(spec: SupervisorSpec<unknown> | SupervisorInit): Definition {
  const init: SupervisorInit = typeof spec === 'function' ? spec : () => spec
  const name = (typeof spec === 'function' ? undefined : spec.label) ?? 'supervisor'
  return supervisorOf(name, init)
}

/** A supervisor whose children are known only at run time: its specs are checked when it starts. */
export function supervisorOf(name: string, init: SupervisorInit): SupervisorDefinition {
  return {
    kind: 'supervisor',
    name,
    create: (process, self, argument) => new SupervisorLoop(name, init, process, self, argument),
  }
}

/** How the loop sees a supervisor's init, types erased. */
export type SupervisorInit = (argument: never, context: { readonly self: Self }) => SupervisorSpec<unknown> | 'ignore'
