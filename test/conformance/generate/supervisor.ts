// Random supervision trees and operations on them.

import type { Child, SupervisorScenario, SupervisorStep, Term, Tree } from '../scenario.ts'
import type { Draw } from './draw.ts'

const ids = ['a', 'b', 'c', 'd', 'e'] as const
const reasons = ['normal', 'shutdown', 'crash', 'kill', { t: ['shutdown', 'x'] }] as const
const failures = [
  { error: 'e1' },
  { error: { t: ['shutdown', 'e2'] } },
  { error: 'shutdown' },
  { crash: 'e3' },
  { exit: 'e4' },
  { exit: 'normal' },
] as const
const wrong = ['nonsense', -1, 0, { t: ['a', 'b'] }, [], true] as const

type Worker = { readonly path: string; readonly sup: string; readonly id: string }

/** What the tree has been given so far, alive or not: names for the operations to aim at. */
type Known = {
  readonly workers: Worker[]
  /** Paths of supervisors whose children have ids of their own; "root" is one unless it is a pool. */
  readonly supervisors: string[]
  /** Paths of simple_one_for_one supervisors. */
  readonly pools: string[]
  started: number
}

export function supervisor(draw: Draw): Omit<SupervisorScenario, 'name'> {
  const known: Known = { workers: [], supervisors: [], pools: [], started: 0 }
  const tree = supervisorTree(draw, known, 'root', 0)
  const steps = draw.many(4, 14, () => step(draw, known)).flat()
  return { kind: 'supervisor', about: 'generated', tree, steps }
}

const below = (sup: string, id: string) => (sup === 'root' ? id : `${sup}/${id}`)

function supervisorTree(draw: Draw, known: Known, path: string, depth: number): Tree {
  const pool = draw.chance(path === 'root' ? 6 : 22)
  const auto = draw.weighted({ absent: 55, never: 10, any_significant: 18, all_significant: 17 })
  const flags = {
    strategy: pool ? 'simple_one_for_one' : draw.pick(['one_for_one', 'one_for_all', 'rest_for_one']),
    intensity: draw.pick([0, 1, 2, 2, 3, 4, 6, 9]),
    // Restarts are counted over whole seconds: no scenario lasts as long as this.
    period: 10,
    ...(auto === 'absent' ? {} : { auto_shutdown: auto }),
  }
  known[pool ? 'pools' : 'supervisors'].push(path)
  const significant = auto === 'any_significant' || auto === 'all_significant'
  if (pool) return { ...spoiled(draw, flags), children: [template(draw, significant)] }
  const children = ids
    .slice(0, draw.int(depth === 0 ? 1 : 0, depth === 0 ? 5 : 3))
    .map((id) => child(draw, known, path, id, depth, significant))
  return { ...spoiled(draw, flags), children }
}

/** Now and then a flag is left out, or is not valid. */
function spoiled(draw: Draw, flags: Tree): Tree {
  if (draw.chance(4)) {
    const key = draw.pick(['intensity', 'period', 'auto_shutdown'])
    const { [key]: _, ...rest } = flags
    return rest
  }
  if (!draw.chance(1)) return flags
  return { ...flags, [draw.pick(['strategy', 'intensity', 'period', 'auto_shutdown'])]: draw.pick(wrong) }
}

function child(draw: Draw, known: Known, sup: string, id: string, depth: number, significant: boolean): Child {
  const path = below(sup, id)
  if (depth < 2 && draw.chance(depth === 0 ? 28 : 22)) {
    return {
      id,
      ...(draw.chance(96) ? { type: 'supervisor' } : {}),
      ...restart(draw, significant),
      ...draw.maybe(10, () => ({ shutdown: draw.pick(['infinity', 'brutal_kill', 300]) as Term })),
      tree: supervisorTree(draw, known, path, depth + 1),
    }
  }
  known.workers.push({ path, sup, id })
  return { id, ...restart(draw, significant), ...draw.maybe(1, () => invalid(draw)), ...worker(draw), ...start(draw) }
}

function template(draw: Draw, significant: boolean): Child {
  return { id: 't', ...restart(draw, significant), ...worker(draw) }
}

/** Restart type and significance; mostly combinations that OTP accepts. */
function restart(draw: Draw, allowed: boolean): Child {
  if (draw.chance(allowed ? 45 : 1)) {
    return { restart: draw.chance(98) ? draw.pick(['transient', 'temporary']) : 'permanent', significant: true }
  }
  const type = draw.weighted({ absent: 45, permanent: 12, transient: 25, temporary: 18 })
  return { ...(type === 'absent' ? {} : { restart: type }), ...draw.maybe(3, () => ({ significant: false })) }
}

/**
 * How a worker lives and ends. Whoever hangs in terminate has a shutdown that kills it; delays and shutdown times are
 * far apart.
 */
function worker(draw: Draw): Child {
  const trap = draw.maybe(45, () => ({ trap_exit: draw.chance(95) }))
  switch (draw.weighted({ plain: 66, hang: 8, delay: 10, slow: 4, exit: 12 })) {
    case 'plain':
      return {
        ...trap,
        ...draw.maybe(25, () => ({ shutdown: draw.pick([0, 100, 2000, 'infinity', 'brutal_kill']) as Term })),
      }
    case 'hang':
      return { ...trap, on_terminate: 'hang', shutdown: draw.pick([0, 40, 60, 'brutal_kill']) }
    case 'delay':
      return {
        ...trap,
        on_terminate: { delay: draw.pick([20, 40]) },
        ...draw.maybe(70, () => ({ shutdown: draw.pick([100, 'infinity', 'brutal_kill']) as Term })),
      }
    case 'slow':
      return { ...trap, on_terminate: { delay: 130 }, shutdown: draw.pick([0, 50]) }
    case 'exit':
      return { ...trap, on_terminate: { exit: draw.pick(['odd', 'normal', 'shutdown', { t: ['shutdown', 'late'] }]) } }
  }
}

function start(draw: Draw): Child {
  if (draw.chance(62)) return {}
  const failure = () => draw.pick(failures)
  switch (draw.weighted({ later: 40, twice: 18, forever: 8, ignore: 14, lateIgnore: 14, first: 2, delayed: 6 })) {
    case 'later':
      return { start: [...draw.many(1, 2, () => 'ok' as const), failure(), 'ok'] }
    case 'twice':
      return { start: ['ok', failure(), failure(), 'ok'] }
    case 'forever':
      return { start: ['ok', failure()] }
    case 'ignore':
      return { start: ['ignore', 'ok'] }
    case 'lateIgnore':
      return { start: ['ok', 'ignore', 'ok'] }
    case 'first':
      return { start: [failure(), 'ok'] }
    case 'delayed':
      return { start: ['ok', { ...failure(), delay: 30 }, 'ok'] }
  }
}

/** One key of a child spec that OTP refuses, or might. */
function invalid(draw: Draw): Child {
  const key = draw.pick(['restart', 'shutdown', 'type', 'significant', 'modules', 'no_start', 'bad_start'])
  if (key === 'no_start') return { no_start: true }
  return { [key]: draw.pick(wrong) }
}

function step(draw: Draw, known: Known): SupervisorStep[] {
  const sup = draw.pick(['root', ...known.supervisors])
  const target = draw.anyOf(known.workers)
  const op = draw.weighted({
    exit: 46,
    many: 4,
    restarting: 5,
    start: 9,
    pooled: known.pools.length > 0 ? 16 : 0,
    byChild: 18,
    query: 9,
    check: 3,
    stop: 2,
    sleep: 1,
  })
  switch (op) {
    case 'exit':
      return [exit(draw, known)]
    case 'many':
      return [
        {
          op: 'exit_many',
          children: known.workers.filter(() => draw.chance(40)).map((w) => w.path),
          reason: 'crash',
          sort: true,
        },
      ]
    case 'restarting':
      return target === undefined ? [] : duringRestart(draw, known, target)
    case 'start':
      return [started(draw, known, sup)]
    case 'pooled':
      return [pooled(draw, known)]
    case 'byChild':
      return [byChild(draw, known, sup)]
    case 'query':
      return [
        {
          op: draw.pick(['which_children', 'count_children']),
          sup: draw.pick(['root', ...known.supervisors, ...known.pools]),
        },
      ]
    case 'check':
      return [check(draw)]
    case 'stop':
      return [{ op: 'stop', reason: draw.pick(reasons), sort: true }]
    case 'sleep':
      return [{ op: 'sleep', ms: 50 }]
  }
}

function exit(draw: Draw, known: Known): SupervisorStep {
  const reason: Term = draw.pick(reasons)
  if (draw.chance(12)) {
    // A killed supervisor's children die side by side, at the same time as it is restarted.
    const child = draw.pick(['root', ...known.supervisors, ...known.pools])
    return { op: 'exit', child, reason, ...(reason === 'kill' ? { sort: true } : {}) }
  }
  const child = draw.anyOf(known.workers)?.path ?? 'root'
  if (child === 'root' || draw.chance(45))
    return { op: 'exit', child, reason, ...draw.maybe(10, () => ({ how: 'signal' as const })) }
  return draw.chance(60)
    ? { op: 'exit', child, reason, how: 'stop' }
    : { op: 'exit', child, reason: 'err', how: 'error' }
}

/** A child whose restart is slow and fails first, and operations while it is being restarted. */
function duringRestart(draw: Draw, known: Known, near: Worker): SupervisorStep[] {
  const id = `r${++known.started}`
  const path = below(near.sup, id)
  known.workers.push({ path, sup: near.sup, id })
  const spec: Child = { id, start: ['ok', { error: 'e', delay: 80 }, { error: 'f', delay: 80 }, 'ok'] }
  // One call only: what follows its reply would race with what the supervisor does next.
  const stop: SupervisorStep[] = draw.chance(12)
    ? [{ op: 'stop', reason: draw.pick(['shutdown', 'boom']), settle: false }]
    : []
  const during = [...stop, duringCall(draw, near.sup, draw.chance(75) ? id : near.id)]
  return [
    { op: 'start_child', sup: near.sup, child: spec },
    { op: 'exit', child: path, reason: 'crash', settle: false },
    { op: 'sleep', ms: 30, settle: false },
    ...during,
    { op: 'sleep', ms: 300 },
  ]
}

function duringCall(draw: Draw, sup: string, id: string): SupervisorStep {
  const byId = ['restart_child', 'terminate_child', 'delete_child', 'get_childspec'] as const
  if (draw.chance(70)) return { op: draw.pick(byId), sup, id, settle: false }
  return { op: draw.pick(['which_children', 'count_children']), sup, settle: false }
}

function started(draw: Draw, known: Known, sup: string): SupervisorStep {
  if (draw.chance(30)) {
    // An id that is there already, or was.
    const id = draw.anyOf(known.workers.filter((w) => w.sup === sup))?.id ?? 'a'
    return { op: 'start_child', sup, child: { id, ...worker(draw) } }
  }
  const id = `n${++known.started}`
  if (sup === 'root' && draw.chance(12)) return { op: 'start_child', sup, child: child(draw, known, sup, id, 1, false) }
  known.workers.push({ path: below(sup, id), sup, id })
  const outcome = draw.maybe(20, () => ({ start: [draw.pick(failures), 'ok'] as NonNullable<Child['start']> }))
  const odd = draw.maybe(8, () => invalid(draw))
  return {
    op: 'start_child',
    sup,
    child: { id, ...restart(draw, draw.chance(20)), ...worker(draw), ...outcome, ...odd },
  }
}

function pooled(draw: Draw, known: Known): SupervisorStep {
  const sup = draw.anyOf(known.pools) ?? 'root'
  const mine = known.workers.filter((w) => w.sup === sup)
  const one = draw.anyOf(mine)
  if (one !== undefined && draw.chance(40)) {
    if (draw.chance(70)) return { op: draw.pick(['terminate_child', 'get_childspec']), sup, pid: one.path }
    return {
      op: draw.pick(['terminate_child', 'restart_child', 'delete_child', 'get_childspec']),
      sup,
      id: draw.pick(['t', 'nope']),
    }
  }
  const id = `p${++known.started}`
  known.workers.push({ path: below(sup, id), sup, id })
  const trap = draw.maybe(40, () => ({ trap_exit: true }))
  const outcomes = start(draw)
  return {
    op: 'start_child',
    sup,
    args: { id, ...trap, ...(outcomes.start === undefined ? {} : { start: outcomes.start }) },
  }
}

function byChild(draw: Draw, known: Known, anySup: string): SupervisorStep {
  const op = draw.weighted({ terminate_child: 34, restart_child: 34, delete_child: 18, get_childspec: 14 })
  const one = draw.anyOf([
    ...known.workers.filter((w) => !known.pools.includes(w.sup)),
    ...known.supervisors.filter((path) => path !== 'root').map(owner),
    ...known.pools.filter((path) => path !== 'root').map(owner),
  ])
  if (one === undefined || draw.chance(6)) return { op, sup: anySup, id: 'nope' }
  if (draw.chance(6)) return { op, sup: one.sup, pid: one.path }
  return {
    op,
    sup: one.sup,
    id: one.id,
    ...(op === 'terminate_child' && known.pools.includes(one.path) ? { sort: true } : {}),
  }
}

function owner(path: string): Worker {
  const cut = path.lastIndexOf('/')
  return { path, sup: cut < 0 ? 'root' : path.slice(0, cut), id: path.slice(cut + 1) }
}

function check(draw: Draw): SupervisorStep {
  const spec = (): Child => ({
    ...(draw.chance(95) ? { id: draw.pick(ids) } : {}),
    ...restart(draw, draw.chance(40)),
    ...draw.maybe(30, () => ({ shutdown: draw.pick([0, 10, 'infinity', 'brutal_kill']) as Term })),
    ...draw.maybe(20, () => ({ type: draw.pick(['worker', 'supervisor']) })),
    ...draw.maybe(15, () => ({ modules: draw.pick(['dynamic', ['m'], []]) as Term })),
    ...draw.maybe(40, () => invalid(draw)),
    ...draw.maybe(15, () => invalid(draw)),
  })
  return {
    op: 'check_childspecs',
    specs: draw.many(1, 3, spec),
    ...draw.maybe(45, () => ({
      auto_shutdown: draw.pick(['never', 'any_significant', 'all_significant', 'nonsense']) as Term,
    })),
  }
}
