// What a supervisor does when a child ends: a pure function of its children, the reason and the time. The loop
// (supervisor-loop.ts) carries the plan out; it decides nothing.

import { type ExitReason, isOrderly } from '../kernel/exit-reason.ts'
import { type AutoShutdown, type Child, Restarting, type Strategy } from './child-spec.ts'
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
  /** What to tell the operator. */
  readonly report: 'child_terminated' | 'intensity' | undefined
  /** The child that ended stays without a process, or, if temporary, is forgotten. */
  readonly ended: string | undefined
  /** Running siblings to end, in this order; temporary ones are then forgotten. */
  readonly stop: readonly string[]
  /** Children to start, in this order; the first that fails is tried again later, those behind it then too. */
  readonly start: readonly string[]
  /** End the supervisor with reason `shutdown`. */
  readonly shutdown: boolean
}

const NOTHING: Plan = { report: undefined, ended: undefined, stop: [], start: [], shutdown: false }

/** The child `id` has ended with `reason`. */
export function onExit(state: Supervised, id: string, reason: ExitReason, nowMs: number): Plan {
  const child = state.children.get(id)
  if (child === undefined) return NOTHING
  const orderly = isOrderly(reason)
  const report = child.restart === 'permanent' || !orderly ? 'child_terminated' : undefined
  if (child.restart === 'permanent' || (child.restart === 'transient' && !orderly)) {
    return onRestart(state, child, nowMs, report)
  }
  return { ...NOTHING, report, ended: id, shutdown: endsAll(state.autoShutdown, child, state.children.values()) }
}

/** The restart of child `id` had failed and is due again. */
export function onRetry(state: Supervised, id: string, nowMs: number): Plan {
  const child = state.children.get(id)
  return child?.pid instanceof Restarting ? onRestart(state, child, nowMs, undefined) : NOTHING
}

function onRestart(state: Supervised, child: Child, nowMs: number, report: Plan['report']): Plan {
  if (!state.window.add(nowMs)) return { ...NOTHING, report: 'intensity', ended: child.id, shutdown: true }
  if (state.strategy === 'one_for_one') return { ...NOTHING, report, start: [child.id] }
  const ids = [...state.children.keys()]
  const group = state.strategy === 'one_for_all' ? ids : ids.slice(ids.indexOf(child.id))
  const stop = group.filter((id) => id !== child.id).reverse()
  const start = group.filter((id) => id === child.id || state.children.get(id)?.restart !== 'temporary')
  return { ...NOTHING, report, stop, start }
}

/**
 * Whether the end of `child`, not to be restarted, ends its supervisor. `all_significant`: no other significant child
 * has a process, or one on its way.
 */
export function endsAll(autoShutdown: AutoShutdown, child: Child, children: Iterable<Child>): boolean {
  if (autoShutdown === 'never' || !child.significant) return false
  if (autoShutdown === 'any_significant') return true
  for (const other of children) if (other !== child && other.significant && other.pid !== undefined) return false
  return true
}
