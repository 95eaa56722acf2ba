// Our contender in room `simulation`: the sample register in a world of its own, its invariants asked after every event.

import { type Run as Simulated, simulate, type World } from 'espalier/testing'
import { SampleGroup } from 'espalier/testing/sample'
import type { Run, Task } from '../harness/contender.ts'

const CONFIG = { electionTimeout: [150, 300], heartbeat: 50 } as const

async function timed(count: number, scenario: (world: World) => Promise<void>): Promise<[Simulated, number]> {
  const start = performance.now()
  const run = await simulate(count, scenario, {
    network: { isOutside: (node) => node.startsWith('load') },
    maxEvents: Number.MAX_SAFE_INTEGER,
  })
  return [run, performance.now() - start]
}

/** Three replicas under a load that never rests, until `count` events have happened. */
async function loaded(count: number): Promise<Run> {
  const [run, elapsedMs] = await timed(1, async (world) => {
    const group = new SampleGroup(world, { nodes: 3, config: CONFIG })
    const forMs = count
    const mix = { put: 0.5, get: 0.4, cas: 0.1 }
    group.perform({ at: 0, op: 'load', clients: 8, rate: 100, for: forMs, keys: 10, mix })
    await world.eventually('enough events', () => world.events >= count, { withinMs: forMs })
  })
  return { completed: run.events, elapsedMs }
}

/** Three replicas that nobody asks for anything, for `count` virtual milliseconds. */
async function idle(count: number): Promise<Run> {
  const [run, elapsedMs] = await timed(1, async (world) => {
    new SampleGroup(world, { nodes: 3, config: CONFIG })
    await world.advance(count)
  })
  return { completed: count, value: run.virtualMs / elapsedMs }
}

export const tasks: Readonly<Record<string, Task>> = { events: loaded, idle }
