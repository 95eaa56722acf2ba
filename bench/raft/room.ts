// Room `raft`: a group of three replicas, each on a worker thread with an LMDB environment of its own, beside bare
// replication (the floor: the same bytes to the same disk without a protocol) and three members of etcd.

import { nodeContender, ourselves } from '../harness/peers.ts'
import { percentile, type Room, type RowSpec, rate, value, type Workload } from '../harness/room.ts'
import { probeEtcd } from './etcd-members.ts'

/**
 * Four threads of ours compile the same code, each for itself, on the cores that they share: it takes some hundred
 * thousand puts until a group that has just started does what one does that has run for a minute.
 */
const WARM_UP_MS = 5_000

const workloads: readonly Workload[] = [
  warm({ name: 'put', count: 1_500 }),
  warm({ name: 'put-64', count: 12_800 }),
  warm({ name: 'put-256', count: 25_600 }),
  warm({ name: 'put-1024', count: 102_400 }),
  warm({ name: 'read', count: 102_400 }),
  { name: 'round-trip', count: 2_000, repeats: 1 },
  { name: 'flush-64', count: 6_400, repeats: 1 },
  { name: 'flush-1024', count: 20_480, repeats: 1 },
  { name: 'core', count: 100_000, repeats: 3 },
  warm({ name: 'memory-put', count: 5_000 }),
  warm({ name: 'memory-put-1024', count: 102_400 }),
  { name: 'failover-killed', count: 5, repeats: 1, warmUp: false },
  { name: 'failover-frozen', count: 5, repeats: 1, warmUp: false },
]

function warm(workload: Pick<Workload, 'name' | 'count'>): Workload {
  return { ...workload, repeats: 1, warmUp: WARM_UP_MS }
}

const rows: readonly RowSpec[] = [
  {
    ...putLatency('put-p50', 50),
    goal: { text: '≤ 1.3 × bare replication', peer: 'bare', factor: 1.3 },
  },
  { ...putLatency('put-p50-etcd', 50), goal: { text: '≤ 1 × etcd', peer: 'etcd', factor: 1 } },
  putLatency('put-p99', 99),
  ...putRates(64, 5),
  ...putRates(256, 8),
  ...putRates(1024, 10),
  {
    name: 'read',
    about: 'linearizable reads by ReadIndex, 1024 under way',
    unit: 'reads/s',
    better: 'higher',
    reading: rate('read'),
    goal: { text: '≥ 100 k', limit: 100_000 },
  },
  {
    name: 'round-trip-p50',
    about: 'client and leader alone, without consensus and disk: what the way there and back costs in each set-up',
    unit: 'µs',
    better: 'lower',
    reading: percentile('round-trip', 50),
  },
  entriesPerFlush(64),
  entriesPerFlush(1024),
  {
    name: 'core',
    about: 'proposals of 128 bytes through three pure cores, 64 in a step, without host, messages and disk',
    unit: 'puts/s',
    better: 'higher',
    reading: rate('core'),
  },
  {
    name: 'memory-put-p50',
    about: 'a put on three threads without a disk, one after another; median',
    unit: 'µs',
    better: 'lower',
    reading: percentile('memory-put', 50),
  },
  {
    name: 'memory-put-1024',
    about: 'puts on three threads without a disk, 1024 under way',
    unit: 'puts/s',
    better: 'higher',
    reading: rate('memory-put-1024'),
  },
  failover('failover-killed', 'ends (ours: its thread is terminated; etcd: SIGKILL)', 250),
  failover('failover-frozen', 'stands still (ours: an endless loop; etcd: SIGSTOP)', 450),
]

function putLatency(name: string, percent: number): RowSpec {
  const about = `a put of 128 bytes, one after another, from call to answer; ${percent}th percentile`
  return { name, about, unit: 'µs', better: 'lower', reading: percentile('put', percent) }
}

function putRates(outstanding: number, timesEtcd: number): readonly RowSpec[] {
  const row = {
    about: `puts of 128 bytes, ${outstanding} under way`,
    unit: 'puts/s',
    better: 'higher',
    reading: rate(`put-${outstanding}`),
  } as const
  return [
    {
      ...row,
      name: `put-${outstanding}`,
      goal: { text: '≥ 0.4 × bare replication', peer: 'bare', factor: 0.4 },
    },
    {
      ...row,
      name: `put-${outstanding}-etcd`,
      goal: { text: `≥ ${timesEtcd} × etcd`, peer: 'etcd', factor: timesEtcd },
    },
  ]
}

function entriesPerFlush(outstanding: number): RowSpec {
  return {
    name: `flush-${outstanding}`,
    about: `log entries in one flush of the leader's, ${outstanding} puts under way`,
    unit: 'entries',
    better: 'higher',
    reading: value(`flush-${outstanding}`),
  }
}

function failover(name: string, how: string, limitMs: number): RowSpec {
  return {
    name,
    about: `from the moment the leader ${how} to the answer of a put under the next; median`,
    unit: 'µs',
    better: 'lower',
    reading: percentile(name, 50),
    goal: { text: `≤ ${limitMs} ms`, limit: limitMs * 1000 },
  }
}

const oursAlone = {
  core: 'a question about our own core',
  'memory-put': 'a question about our own host',
  'memory-put-1024': 'a question about our own host',
  'flush-64': 'a question about our own batches',
  'flush-1024': 'a question about our own batches',
}
const noProtocol = 'bare replication has no leader and answers no questions'

export const raft: Room = {
  name: 'raft',
  contenders: [
    nodeContender({
      name: 'espalier',
      module: 'build/bench/raft/espalier.js',
      probe: ourselves,
    }),
    nodeContender({
      name: 'bare',
      module: 'build/bench/raft/bare.js',
      probe: ourselves,
      lacks: {
        ...oursAlone,
        read: noProtocol,
        'round-trip': noProtocol,
        'failover-killed': noProtocol,
        'failover-frozen': noProtocol,
      },
    }),
    nodeContender({ name: 'etcd', module: 'build/bench/raft/etcd.js', probe: probeEtcd, lacks: oursAlone }),
  ],
  workloads,
  rows,
  rounds: 3,
  notes: [
    'Ours: replicas on three worker threads of one process, messages between threads; the client is a fourth thread of ' +
      'the same process. etcd: three processes, gRPC over the loopback, the client in a fourth process; see ' +
      'round-trip-p50 for what this difference alone costs.',
    'Both flush to the same disk before they answer: LMDB with two flushes a commit, etcd with one fdatasync of its log. ' +
      'Bare replication waits for all three copies; Raft, as etcd, answers after two.',
    'A put of ours wakes a sleeping thread six times, one after the other (client, leader, follower, its storage thread, and ' +
      'back to follower, leader, client), bare replication two times: where waking one is dear, as on a virtual machine, ' +
      'that is most of what put-p50 has beyond the flushes.',
    'etcd checks, indexes and keeps every version of a key; our group keeps a map of the latest.',
    'All of it shares the cores named above: at 64 and more under way etcd is bound by them, not by the disk.',
  ],
}
