// Room `storage`: durable logs beside bare LMDB, on the project's own disk. Bare LMDB has one writer and no logs: its
// figure is the same work without ours.

import { devDependency, nodeContender, ourselves } from '../harness/peers.ts'
import { percentile, type Room, type RowSpec, rate, type Workload } from '../harness/room.ts'

const PEER = 'bare lmdb'

const workloads: readonly Workload[] = [
  { name: 'append', count: 400, repeats: 1 },
  { name: 'append-thread', count: 400, repeats: 1 },
  { name: 'step', count: 300, repeats: 1 },
  { name: 'batched-1', count: 102_400, repeats: 1 },
  { name: 'batched-8', count: 102_400, repeats: 1 },
  { name: 'batched-64', count: 102_400, repeats: 1 },
]

const rows: readonly RowSpec[] = [
  latency('append', 'one entry of 256 bytes made durable, one after another'),
  latency('append-thread', 'the same from a worker thread (bare LMDB: from the main thread, as above)'),
  latency('step', 'one entry in each of three environments, all awaited, as a group of three replicas does'),
  throughput(1),
  throughput(8),
  throughput(64),
]

function latency(workload: string, about: string): RowSpec {
  return {
    name: `${workload}-p50`,
    about,
    unit: 'µs',
    better: 'lower',
    reading: percentile(workload, 50),
    goal: { text: '≤ 1.3 × a flushed put', peer: PEER, factor: 1.3 },
  }
}

function throughput(logs: number): RowSpec {
  return {
    name: `batched-${logs}`,
    about: `windows of 512 entries of 256 bytes over ${logs === 1 ? 'one log' : `${logs} logs`} of a node, made durable`,
    unit: 'entries/s',
    better: 'higher',
    reading: rate(`batched-${logs}`),
    goal: { text: '≥ 0.8 × flushed puts', peer: PEER, factor: 0.8 },
  }
}

export const storage: Room = {
  name: 'storage',
  contenders: [
    nodeContender({ name: 'espalier', module: 'build/bench/storage/espalier.js', probe: ourselves }),
    nodeContender({ name: PEER, module: 'build/bench/storage/lmdb.js', probe: devDependency('lmdb') }),
  ],
  workloads,
  rows,
}
