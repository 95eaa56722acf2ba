// Child specs and supervisor flags: their types, OTP's defaults, and their check with one named error per field, in
// OTP's order (supervisor(3), check_childspecs/1,2).

import type { Pid } from '../kernel/pid.ts'
import type { ArgumentOf, Definition, Given } from '../kernel/ref.ts'
import type { StartOptions } from '../kernel/self.ts'
import { type Attempts, type Backoff, type BackoffOptions, checkBackoff } from './backoff.ts'
import { checkPlacement, type Place, type Placement } from './placement.ts'

/** When a child that has ended is started again: always, never, or only after a reason that is not orderly. */
export type Restart = 'permanent' | 'transient' | 'temporary'
/** How a child is ended: at once, or by `shutdown` and, after so many milliseconds, `kill`. */
export type Shutdown = 'brutal_kill' | 'infinity' | number
export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one' | 'simple_one_for_one'
export type AutoShutdown = 'never' | 'any_significant' | 'all_significant'

/** What to start: the definition, its argument if it takes one, and options. */
export type Start<D> = readonly [definition: D, ...Given<ArgumentOf<D>>, options?: StartOptions]

export interface ChildSpec<D = Definition> {
  /** Unique among the children of its supervisor. */
  readonly id: string
  readonly start: Start<D>
  /** Registers the child under this name, in every incarnation. */
  readonly name?: string
  /** Default `permanent`. */
  readonly restart?: Restart
  /** Default 5000 ms for a worker, `infinity` for a supervisor. */
  readonly shutdown?: Shutdown
  /** Default: `supervisor` if the definition is one, else `worker`. */
  readonly type?: 'worker' | 'supervisor'
  /** Its own end may end the supervisor: see {@link SupervisorFlags.autoShutdown}. Default false. */
  readonly significant?: boolean
  /** For people. Default: the definition's name. */
  readonly modules?: readonly string[] | 'dynamic'
  /**
   * Wait before each restart, longer each time. Default: restart at once, as OTP does. A waiting child counts as
   * `restarting`; the restart itself counts against the intensity when the child has ended.
   */
  readonly backoff?: BackoffOptions
  /** Where it runs. Default `same`. What runs elsewhere is loaded there: see `located`. */
  readonly on?: Placement
}

export interface SupervisorFlags {
  /** Who is restarted with whom. Default `one_for_one`. */
  readonly strategy?: Strategy
  /** More restarts than this within `periodMs` end the supervisor. Default 1. */
  readonly intensity?: number
  /** Milliseconds; whole seconds are counted as OTP does, by the seconds of the clock. Default 5000. */
  readonly periodMs?: number
  /** End with reason `shutdown` once any, or all, significant children have ended by themselves. Default `never`. */
  readonly autoShutdown?: AutoShutdown
  /** Of `simple_one_for_one`: `start_child` answers `{ error: 'max_children' }` when there are so many. Default: no limit. */
  readonly maxChildren?: number
}

/** A checked child spec, defaults filled in. */
export interface Child {
  readonly id: string
  readonly start: readonly [definition: Definition, argument: unknown, options: StartOptions | undefined]
  readonly restart: Restart
  readonly shutdown: Shutdown
  readonly type: 'worker' | 'supervisor'
  readonly significant: boolean
  readonly modules: readonly string[] | 'dynamic'
  readonly backoff: Backoff | undefined
  /** As it was given; undefined for the supervisor's own node. */
  readonly on: Placement | undefined
  readonly place: Place | undefined
  readonly attempts: Attempts
  pid: Pid | Restarting | undefined
}

/** In place of the pid of a child whose restart has failed and will be tried again, or has to wait. */
export class Restarting {
  readonly oldPid: Pid | undefined

  constructor(oldPid: Pid | undefined) {
    this.oldPid = oldPid
  }
}

/** Checked flags, defaults filled in. */
export interface Flags {
  readonly strategy: Strategy
  readonly intensity: number
  readonly periodMs: number
  readonly autoShutdown: AutoShutdown
  readonly maxChildren: number
}

/** What a check answers: the checked value, or the error as OTP names it. */
export type Checked<T> = { readonly ok: T } | { readonly error: unknown }

/** @throws nothing: a wrong field is `{ error: { invalid_strategy: … } }`, `invalid_intensity`, `invalid_period`, … */
export function checkFlags(flags: SupervisorFlags): Checked<Flags> {
  const { strategy = 'one_for_one', intensity = 1, periodMs = 5000, autoShutdown = 'never' } = flags
  const { maxChildren = Number.POSITIVE_INFINITY } = flags
  if (!STRATEGIES.has(strategy)) return { error: { invalid_strategy: strategy } }
  if (!Number.isSafeInteger(intensity) || intensity < 0) return { error: { invalid_intensity: intensity } }
  if (typeof periodMs !== 'number' || !(periodMs > 0)) return { error: { invalid_period: periodMs } }
  if (!AUTO_SHUTDOWNS.has(autoShutdown)) return { error: { invalid_auto_shutdown: autoShutdown } }
  if (typeof maxChildren !== 'number' || !(maxChildren >= 1)) return { error: { invalid_max_children: maxChildren } }
  return { ok: { strategy, intensity, periodMs, autoShutdown, maxChildren } }
}

const STRATEGIES = new Set<unknown>(['one_for_one', 'one_for_all', 'rest_for_one', 'simple_one_for_one'])
const AUTO_SHUTDOWNS = new Set<unknown>(['never', 'any_significant', 'all_significant'])

/**
 * Checks child specs as `supervisor:check_childspecs` does. With `autoShutdown`, also whether they go with it.
 * Answers `'ok'` or `{ error: … }` with OTP's name of the first thing wrong.
 */
export function checkChildSpecs(
  specs: readonly unknown[],
  autoShutdown?: AutoShutdown,
): 'ok' | { readonly error: unknown } {
  if (autoShutdown !== undefined && !AUTO_SHUTDOWNS.has(autoShutdown)) {
    return { error: { badarg: autoShutdown } }
  }
  const checked = checkChildren(specs, autoShutdown)
  return 'ok' in checked ? 'ok' : checked
}

/** The children by id, in start order; or the first error. */
export function checkChildren(
  specs: readonly unknown[],
  autoShutdown: AutoShutdown | undefined,
): Checked<Map<string, Child>> {
  const children = new Map<string, Child>()
  for (const spec of specs) {
    const checked = checkChild(spec, autoShutdown)
    if ('error' in checked) return checked
    const { id } = checked.ok
    if (children.has(id)) return { error: { duplicate_child_name: id } }
    children.set(id, checked.ok)
  }
  return { ok: children }
}

/** One child spec with its defaults; or the error. */
export function checkChild(spec: unknown, autoShutdown: AutoShutdown | undefined): Checked<Child> {
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) return { error: { invalid_child_spec: spec } }
  const { id, start, name, restart, shutdown, type, significant, modules, backoff, on } = spec as {
    [field: string]: unknown
  }
  if (id === undefined) return { error: 'missing_id' }
  if (start === undefined) return { error: 'missing_start' }
  if (!isStart(start)) return { error: { invalid_mfa: start } }
  const [definition, argument, options] = start
  const kind = type ?? (definition.kind === 'supervisor' ? 'supervisor' : 'worker')
  const life = restart ?? 'permanent'
  if (!RESTARTS.has(life)) return { error: { invalid_restart_type: life } }
  const weight = significant ?? false
  const wrong = checkSignificant(weight, life, autoShutdown)
  if (wrong !== undefined) return { error: wrong }
  if (kind !== 'worker' && kind !== 'supervisor') return { error: { invalid_child_type: kind } }
  const end = shutdown ?? (kind === 'supervisor' ? 'infinity' : 5000)
  if (!isShutdown(end)) return { error: { invalid_shutdown: end } }
  const code = modules ?? [definition.name]
  const wrongModules = checkModules(code)
  if (wrongModules !== undefined) return { error: wrongModules }
  const wait = backoff === undefined ? undefined : checkBackoff(backoff)
  if (backoff !== undefined && wait === undefined) return { error: { invalid_backoff: backoff } }
  const asked = on ?? options?.on
  const place = checkPlacement(asked, definition, argument)
  if ('error' in place) return place
  return {
    ok: {
      id: id as string,
      start: [definition, argument, name === undefined ? options : { ...options, name: name as string }],
      restart: life as Restart,
      shutdown: end,
      type: kind,
      significant: weight as boolean,
      modules: code as readonly string[],
      backoff: wait,
      on: place.ok === undefined ? undefined : (asked as Placement),
      place: place.ok,
      attempts: { attempt: 0, startedMs: Number.NEGATIVE_INFINITY },
      pid: undefined,
    },
  }
}

const RESTARTS = new Set<unknown>(['permanent', 'transient', 'temporary'])

function isStart(start: unknown): start is Child['start'] {
  if (!Array.isArray(start)) return false
  const [definition] = start as readonly unknown[]
  return typeof definition === 'object' && definition !== null && 'create' in definition
}

function checkSignificant(significant: unknown, restart: unknown, autoShutdown: AutoShutdown | undefined): unknown {
  if (typeof significant !== 'boolean') return { invalid_significant: significant }
  if (!significant) return undefined
  if (autoShutdown === 'never') return { bad_combination: [{ auto_shutdown: 'never' }, { significant: true }] }
  if (restart === 'permanent') return { bad_combination: [{ restart: 'permanent' }, { significant: true }] }
  return undefined
}

function isShutdown(shutdown: unknown): shutdown is Shutdown {
  if (shutdown === 'brutal_kill' || shutdown === 'infinity') return true
  return typeof shutdown === 'number' && Number.isSafeInteger(shutdown) && shutdown >= 0
}

function checkModules(modules: unknown): unknown {
  if (modules === 'dynamic') return undefined
  if (!Array.isArray(modules)) return { invalid_modules: modules }
  const wrong = modules.findIndex((name) => typeof name !== 'string')
  return wrong < 0 ? undefined : { invalid_module: modules[wrong] as unknown }
}
