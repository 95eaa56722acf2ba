// A schedule for the sample register from a seed: clients that never rest, and a storm of faults.

import { drawFaults, stepsOf } from '../../src/simulation/faults.ts'
import { SeededRandom } from '../../src/simulation/random.ts'
import { readSchedule, type Schedule } from '../../src/simulation/schedule.ts'

const STORM_MS = 4000
const CALM_MS = 6000

/** The schedule that `seed` draws: 3 or 5 replicas, a storm of 4 s, then calm in which all must come to agree. */
export function drawSchedule(seed: number): Schedule {
  const random = new SeededRandom(seed).fork('schedule')
  const nodes = random.pick([3, 3, 5])
  const names = Array.from({ length: nodes }, (_, i) => `n${i + 1}`)
  const load = { at: 0, op: 'load', clients: random.between(1, 4), rate: random.between(5, 40), for: STORM_MS, keys: 3 }
  const calm = [
    { at: STORM_MS, op: 'heal' },
    { at: STORM_MS, op: 'network', drop: 0, duplicate: 0, reorder: 0, latency: [1, 10] },
    ...names.flatMap((node) => [
      { at: STORM_MS, op: 'disk', node, fault: 'ok' },
      { at: STORM_MS, op: 'clock', node, rate: 1 },
    ]),
    { at: STORM_MS, op: 'resume', node: 'all' },
    { at: STORM_MS, op: 'restart', node: 'all' },
    { at: STORM_MS + CALM_MS / 2, op: 'put', id: 'last', key: 'key0', value: 'calm' },
  ]
  const faults = stepsOf(drawFaults(random, names, { forMs: STORM_MS }), STORM_MS - 1)
  return readSchedule({
    name: `sample-${seed}`,
    about: 'Clients that never rest, and a storm of faults drawn by the seed.',
    protocol: 'sample',
    nodes,
    seed,
    steps: [load, ...faults, ...calm],
    expect: [{ op: 'leader' }, { op: 'acked', id: 'last' }, { op: 'converged' }],
    until: STORM_MS + CALM_MS,
  })
}
