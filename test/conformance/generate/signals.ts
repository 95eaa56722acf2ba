// Random signal programs: links, monitors, exits, names, aliases, batches.

import type { SignalsOp, SignalsScenario, SignalsStep, Term } from '../scenario.ts'
import type { Draw } from './draw.ts'

const reasons = ['normal', 'shutdown', 'kill', 'killed', 'boom', 'x', 'noproc', { t: ['shutdown', 'y'] }] as const
const names = ['n1', 'n2', 'n3'] as const
const aliasModes = ['explicit_unalias', 'demonitor', 'reply_demonitor'] as const

/** What the program has named so far; counts are upper bounds, since a step of a dead process does nothing. */
type Known = {
  readonly procs: string[]
  refs: number
  aliases: number
  aliasRefs: string[]
  spawned: number
  sent: number
}

type Kind = Exclude<SignalsOp['op'], 'pause'>

const weights: Readonly<Record<Kind, number>> = {
  spawn: 8,
  link: 16,
  unlink: 5,
  monitor: 14,
  demonitor: 6,
  trap_exit: 13,
  exit: 3,
  error: 1,
  return: 1,
  exit_to: 9,
  register: 5,
  unregister: 2,
  whereis: 3,
  send: 5,
  send_name: 4,
  send_alias: 5,
  alive: 3,
  links: 4,
  monitors: 4,
  alias: 3,
  unalias: 3,
}

export function signals(draw: Draw): Omit<SignalsScenario, 'name'> {
  const procs = ['a', 'b', 'c', 'd', 'e', 'f'].slice(0, draw.int(3, 6))
  const known: Known = { procs: [...procs], refs: 0, aliases: 0, aliasRefs: [], spawned: 0, sent: 0 }
  const steps = draw.many(8, 26, () => step(draw, known))
  return { kind: 'signals', about: 'generated', procs, steps }
}

function step(draw: Draw, known: Known): SignalsStep {
  const proc = draw.anyOf(known.procs) ?? 'a'
  if (!draw.chance(22)) return { proc, ...operation(draw, known, proc, false) }
  const ops: SignalsOp[] = []
  for (let left = draw.int(2, 6); left > 0; left--) {
    const op = operation(draw, known, proc, true)
    ops.push(op)
    // After a signal that others answer to, the rest of the batch would race with the answer.
    if (answered.has(op.op) ? draw.chance(85) : draw.chance(25)) ops.push({ op: 'pause', ms: 5 })
    if (op.op === 'exit' || op.op === 'error') break
  }
  return { proc, op: 'batch', ops }
}

const answered: ReadonlySet<string> = new Set(['exit_to', 'link', 'spawn', 'unlink'])

function operation(draw: Draw, known: Known, self: string, batched: boolean): Exclude<SignalsOp, { op: 'pause' }> {
  const to = () => (draw.chance(6) ? self : (draw.anyOf(known.procs) ?? self))
  const as = () => draw.pick(names)
  const msg = () => `m${++known.sent}`
  const reason = (): Term => draw.pick(reasons)
  const ref = () => `ref${draw.int(1, known.refs + 1)}`
  const alias = () => draw.anyOf([...known.aliasRefs, ...numbered('alias', known.aliases)])
  const op = draw.weighted(weights)
  switch (op) {
    case 'spawn':
      return spawn(draw, known)
    case 'monitor': {
      known.refs++
      const mode = draw.maybe(25, () => ({ alias: draw.pick(aliasModes) }))
      if ('alias' in mode) known.aliasRefs.push(`ref${known.refs}`)
      return draw.chance(18) ? { op, as: as(), ...mode } : { op, to: to(), ...mode }
    }
    case 'demonitor':
      return { op, ref: ref(), ...draw.maybe(60, () => ({ opts: options(draw) })) }
    case 'trap_exit':
      return { op, value: draw.chance(75) }
    case 'exit':
    case 'error':
      return { op, reason: reason() }
    case 'exit_to':
      return { op, to: to(), reason: reason() }
    case 'register':
      return { op, as: as(), to: to() }
    case 'unregister':
    case 'whereis':
      return { op, as: as() }
    case 'send':
      return { op, to: to(), msg: msg() }
    case 'send_name':
      return { op, as: as(), msg: msg() }
    case 'alias':
      known.aliases++
      return { op }
    case 'send_alias':
    case 'unalias': {
      const target = alias()
      if (target === undefined) return { op: 'links' }
      return op === 'unalias' ? { op, alias: target } : { op, alias: target, msg: msg() }
    }
    case 'link':
    case 'unlink':
    case 'alive':
      return { op, to: to() }
    case 'return':
      // Within a batch it would end nothing.
      return { op: batched ? 'links' : op }
    default:
      return { op }
  }
}

const numbered = (kind: string, count: number) => Array.from({ length: count }, (_, i) => `${kind}${i + 1}`)

function options(draw: Draw): ('flush' | 'info')[] {
  return (['flush', 'info'] as const).filter(() => draw.chance(55))
}

function spawn(draw: Draw, known: Known): Exclude<SignalsOp, { op: 'pause' }> {
  const name = `s${++known.spawned}`
  known.procs.push(name)
  const how = draw.pick(['spawn', 'spawn_link', 'spawn_monitor'])
  if (how === 'spawn_monitor') known.refs++
  return {
    op: 'spawn',
    name,
    how,
    ...draw.maybe(35, () => ({ trap_exit: draw.chance(80) })),
    ...draw.maybe(25, () => ({ exit: draw.pick(reasons) as Term })),
  }
}
