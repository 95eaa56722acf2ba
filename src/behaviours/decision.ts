// What a supervisor does when a child ends: a pure function of its children, the reason and the time. The loop
// (supervisor-loop.ts) carries the plan out; it decides nothing.

import { type ExitReason, isOrderly } from '../kernel/exit-reason.ts'
import { nextWait } from './backoff.ts'
import { type AutoShutdown, type Child, type Restart, Restarting, type Strategy } from './child-spec.ts'
import type { RestartWindow } from './restart-window.ts'

/** A supervisor's children, oldest first, and what its decisions rest on. */
export interface Supervised {
  readonly strategy: Exclude<Strategy, 'simple_one_for_one'>
  readonly autoShutdown: AutoShutdown
  readonly window: RestartWindow
  readonly children: ReadonlyMap<string, Child>
}

/** What to do, in this order. */
export interface Plan {
  /** Tell the operator that the child has ended … */
  readonly report: boolean
  /** … and that this was one restart too many. */
  readonly exceeded: boolean
  /** The child that ended stays without a process, or, if temporary, is forgotten. */
  readonly ended: string | undefined
  /** Running siblings to end, in this order; temporary ones are then forgotten. */
  readonly stop: readonly string[]
  /** The child is restarted, and those that go with it, only after so long, before jitter: then see {@link onWaited}. */
  readonly wait: { readonly ms: number; readonly attempt: number } | undefined
  /** Children to start, in this order; the first that fails is tried again later, those behind it then too. */
  readonly start: readonly string[]
  /** End the supervisor with reason `shutdown`. */
  readonly shutdown: boolean
}

const NOTHING: Plan = {
  report: false,
  exceeded: false,
  ended: undefined,
  stop: [],
  wait: undefined,
  start: [],
  shutdown: false,
}

/** The child `id` has ended with `reason`. */
export function onExit(state: Supervised, id: string, reason: ExitReason, nowMs: number): Plan {
  const child = state.children.get(id)
  if (child === undefined) return NOTHING
  const report = isReported(child.restart, reason)
  if (isRestarted(child.restart, reason)) return onRestart(state, child, nowMs, report)
  return { ...NOTHING, report, ended: id, shutdown: endsAll(state.autoShutdown, child, state.children.values()) }
}

/** The restart of child `id` had failed and is due again. */
export function onRetry(state: Supervised, id: string, nowMs: number): Plan {
  const child = state.children.get(id)
  return child?.pid instanceof Restarting ? onRestart(state, child, nowMs, false) : NOTHING
}

/** The child `id` has waited for its restart. That was counted when it ended. */
export function onWaited(state: Supervised, id: string): Plan {
  const child = state.children.get(id)
  return child?.pid instanceof Restarting ? { ...NOTHING, ...group(state, child) } : NOTHING
}

function onRestart(state: Supervised, child: Child, nowMs: number, report: boolean): Plan {
  if (!state.window.add(nowMs)) return { ...NOTHING, report, exceeded: true, ended: child.id, shutdown: true }
  const { stop, start } = group(state, child)
  if (child.backoff === undefined) return { ...NOTHING, report, stop, start }
  return { ...NOTHING, report, stop, wait: nextWait(child.backoff, child.attempts, nowMs) }
}

/** Who is stopped and who is started when `child` is restarted. */
function group({ strategy, children }: Supervised, child: Child): Pick<Plan, 'stop' | 'start'> {
  if (strategy === 'one_for_one') return { stop: [], start: [child.id] }
  const ids = [...children.keys()]
  const together = strategy === 'one_for_all' ? ids : ids.slice(ids.indexOf(child.id))
  const stop = together.filter((id) => id !== child.id).reverse()
  const start = together.filter((id) => id === child.id || children.get(id)?.restart !== 'temporary')
  return { stop, start }
}

/** What a `simple_one_for_one` supervisor does when one of its children ends. */
export interface DynamicPlan {
  readonly report: boolean
  readonly exceeded: boolean
  /** Otherwise it is forgotten. */
  readonly restart: boolean
  readonly shutdown: boolean
}

/** A child made from `template` has ended with `reason`, and `others` are left. */
export function onDynamicExit(
  { template, autoShutdown, window }: Pick<Supervised, 'autoShutdown' | 'window'> & { readonly template: Child },
  others: number,
  reason: ExitReason,
  nowMs: number,
): DynamicPlan {
  const report = isReported(template.restart, reason)
  if (isRestarted(template.restart, reason)) {
    const restart = window.add(nowMs)
    return { report, exceeded: !restart, restart, shutdown: !restart }
  }
  const { significant } = template
  const shutdown = significant && (autoShutdown === 'any_significant' || (autoShutdown !== 'never' && others === 0))
  return { report, exceeded: false, restart: false, shutdown }
}

function isReported(restart: Restart, reason: ExitReason): boolean {
  return restart === 'permanent' || !isOrderly(reason)
}

function isRestarted(restart: Restart, reason: ExitReason): boolean {
  return restart === 'permanent' || (restart === 'transient' && !isOrderly(reason))
}

/**
 * Whether the end of `child`, not to be restarted, ends its supervisor. `all_significant`: no other significant child
 * has a process, or one on its way.
 */
function endsAll(autoShutdown: AutoShutdown, child: Child, children: Iterable<Child>): boolean {
  if (autoShutdown === 'never' || !child.significant) return false
  if (autoShutdown === 'any_significant') return true
  for (const other of children) if (other !== child && other.significant && other.pid !== undefined) return false
  return true
}
