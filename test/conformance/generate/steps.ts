// The steps of random state machines and servers. The two kinds share them.

import type { MachineOp, MachineStep, Term } from '../scenario.ts'
import type { Draw } from './draw.ts'

export const contents = ['x', 'y', 'z'] as const
export const reasons = ['normal', 'shutdown', 'bad', { t: ['shutdown', 'q'] }] as const

/**
 * Steps happen at multiples of 100 ms, time-outs 40 or 75 ms after such a time. Sums of three of them stay 10 ms away
 * from a step, so that a time-out that another one has started does not compete with it.
 */
const waits = [100, 100, 200, 300, 400] as const
const callTimes = [60, 125, 225] as const

export function machineSteps(draw: Draw): MachineStep[] {
  const steps: MachineStep[] = draw.many(3, 11, () => step(draw))
  // What is still waiting for a time-out gets its turn.
  return draw.chance(60) ? [...steps, { op: 'wait', ms: 400 }] : steps
}

function step(draw: Draw): MachineStep {
  switch (draw.weighted({ single: 42, burst: 34, wait: 21, stop: 1, exit: 2 })) {
    case 'single':
      return single(draw)
    case 'burst':
      return { op: 'burst', ops: draw.many(2, 6, () => (draw.chance(1) ? exit(draw) : single(draw))) }
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
  return op === 'call' ? { op, content, ...draw.maybe(20, () => ({ timeout: draw.pick(callTimes) })) } : { op, content }
}

function exit(draw: Draw): MachineOp {
  const reason: Term = draw.pick(['normal', 'shutdown', 'kill', 'x'])
  return { op: 'exit', reason, ...draw.maybe(70, () => ({ from: draw.pick(['parent', 'other']) })) }
}
