// The steps of random state machines and servers. The two kinds share them.

import type { MachineOp, MachineStep, Term } from '../scenario.ts'
import type { Draw } from './draw.ts'

export const contents = ['x', 'y', 'z'] as const
export const reasons = ['normal', 'shutdown', 'bad', { t: ['shutdown', 'q'] }] as const

/** Waits keep clear of the time-outs in the generators of rules: their sums meet those rarely. */
const waits = [40, 75, 110, 300, 430] as const

export function machineSteps(draw: Draw): MachineStep[] {
  const steps: MachineStep[] = draw.many(3, 11, () => step(draw))
  // What is still waiting for a time-out gets its turn.
  return draw.chance(60) ? [...steps, { op: 'wait', ms: 460 }] : steps
}

function step(draw: Draw): MachineStep {
  switch (draw.weighted({ single: 40, burst: 34, wait: 22, stop: 2, exit: 4 })) {
    case 'single':
      return single(draw)
    case 'burst':
      return { op: 'burst', ops: draw.many(2, 6, () => (draw.chance(3) ? exit(draw) : single(draw))) }
    case 'wait':
      return { op: 'wait', ms: draw.pick(waits) }
    case 'stop':
      return { op: 'stop', reason: draw.pick(reasons) as Term }
    case 'exit':
      return exit(draw)
  }
}

function single(draw: Draw): MachineOp {
  const content = draw.pick(contents)
  const op = draw.weighted({ cast: 4, call: 4, info: 2 })
  return op === 'call'
    ? { op, content, ...draw.maybe(20, () => ({ timeout: draw.pick([55, 145, 245]) })) }
    : { op, content }
}

function exit(draw: Draw): MachineOp {
  const reason: Term = draw.pick(['normal', 'shutdown', 'kill', 'x'])
  return { op: 'exit', reason, ...draw.maybe(70, () => ({ from: draw.pick(['parent', 'other']) })) }
}
