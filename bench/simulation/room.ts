// Room `simulation`: how many events a simulated world takes in a second. No JavaScript library has a counterpart.

import { nodeContender, ourselves } from '../harness/peers.ts'
import { type Room, type RowSpec, rate, value, type Workload } from '../harness/room.ts'

const workloads: readonly Workload[] = [
  // A rate that is kept up: until the third run or so, half of the time goes into compiling.
  { name: 'events', count: 200_000, repeats: 2, warmUp: 2500 },
  { name: 'idle', count: 120_000, repeats: 1 },
]

const rows: readonly RowSpec[] = [
  {
    name: 'events',
    about: 'messages delivered, timers fired, disks done: three replicas under load, invariants asked after each',
    unit: 'events/s',
    better: 'higher',
    reading: rate('events'),
    goal: { text: '≥ 300 k', limit: 300_000 },
  },
  {
    name: 'idle',
    about: 'virtual time over real time of three replicas that nobody asks for anything',
    unit: '×',
    better: 'higher',
    reading: value('idle'),
    goal: { text: '≥ 1000 × real time', limit: 1000 },
  },
]

export const simulation: Room = {
  name: 'simulation',
  contenders: [nodeContender({ name: 'espalier', module: 'build/bench/simulation/espalier.js', probe: ourselves })],
  workloads,
  rows,
}
