// Room `threads`: two worker threads of one process, ours beside the bare primitives. A row that compares takes both
// figures from one process, in which they take turns over the same two threads. Unpinned, the kernel may put the threads
// on one CPU or on two, which decides more than what runs on them: rows with a ratio are gated with both on one CPU.

import { devDependency, nodeContender, ourselves } from '../harness/peers.ts'
import { type Contender, type Goal, oneOf, type Room, type RowSpec, type Workload } from '../harness/room.ts'

const ONE_CPU = '-one-cpu'

const workloads: readonly Workload[] = [
  ...both({ name: 'call', count: 10_000, repeats: 1 }),
  ...both({ name: 'concurrent', count: 200_000, repeats: 1 }),
  ...both({ name: 'one-way', count: 640_000, repeats: 1 }),
  { name: 'local', count: 2_000_000, repeats: 1 },
  { name: 'restart', count: 10, repeats: 1, warmUp: false },
  { name: 'restart-cold', count: 10, repeats: 1, warmUp: false },
  { name: 'offload', count: 2000, repeats: 1 },
]

const rows: readonly RowSpec[] = [
  row('call-p50', 'one call and its answer, median', 'µs', 'lower', 'call', 'p50'),
  row('call-p50-port', 'a bare port there and back, median', 'µs', 'lower', 'call', 'bareP50'),
  row('call-ratio', 'the first over the second', '×', 'lower', 'call', 'ratio'),
  row('call-ratio-one-cpu', 'the same, both threads on one CPU', '×', 'lower', `call${ONE_CPU}`, 'ratio', {
    text: '≤ 1.25 × a bare round trip',
    limit: 1.25,
  }),
  row('concurrent', '256 calls under way', 'calls/s', 'higher', 'concurrent', 'rate', {
    text: '≥ 1 M/s on two CPUs',
    limit: 1_000_000,
  }),
  row('concurrent-port', 'bare calls by id, 256 under way', 'calls/s', 'higher', 'concurrent', 'bareRate'),
  row('concurrent-ratio', 'the first over the second', '×', 'higher', 'concurrent', 'ratio'),
  row('concurrent-ratio-one-cpu', 'the same, on one CPU', '×', 'higher', `concurrent${ONE_CPU}`, 'ratio', {
    text: '≥ 1.5 × bare calls by id',
    limit: 1.5,
  }),
  row('one-way', 'small casts to another thread', 'casts/s', 'higher', 'one-way', 'rate', {
    text: '≥ 3 M/s on two CPUs',
    limit: 3_000_000,
  }),
  row('one-way-msgpackr', 'bare msgpackr in batches of 64', 'messages/s', 'higher', 'one-way', 'bareRate'),
  row('one-way-one-cpu', 'small casts, both threads on one CPU', 'casts/s', 'higher', `one-way${ONE_CPU}`, 'rate'),
  row('local-ratio', 'calls within a node of the mesh, over those within one alone', '×', 'lower', 'local', 'ratio', {
    text: '≤ 1.03 × without the mesh',
    limit: 1.03,
  }),
  row('restart', 'a supervised thread ends and its successor is ready, median', 'ms', 'lower', 'restart', 'p50', {
    text: '≤ 80 ms',
    limit: 80,
  }),
  row('restart-cold', 'the same without a spare thread', 'ms', 'lower', 'restart-cold', 'p50'),
  row('offload', 'a run in the pool, median', 'µs', 'lower', 'offload', 'p50'),
  row('offload-ratio', 'the same over a bare Piscina run', '×', 'lower', 'offload', 'ratio', {
    text: '≤ 1.1 × Piscina',
    limit: 1.1,
  }),
]

function both(workload: Workload): Workload[] {
  return [workload, { ...workload, name: workload.name + ONE_CPU, task: workload.name }]
}

function row(
  name: string,
  about: string,
  unit: string,
  better: RowSpec['better'],
  workload: string,
  key: string,
  goal?: Goal,
): RowSpec {
  return { name, about, unit, better, reading: oneOf(workload, key), ...(goal === undefined ? {} : { goal }) }
}

/** Both threads on one CPU where the workload's name says so. */
function pinned(contender: Contender): Contender {
  return {
    ...contender,
    command: (workload) => {
      const { file, args } = contender.command(workload)
      return workload.name.endsWith(ONE_CPU) ? { file: 'taskset', args: ['-c', '0', file, ...args] } : { file, args }
    },
  }
}

export const threads: Room = {
  name: 'threads',
  contenders: [
    pinned(nodeContender({ name: 'espalier', module: 'build/bench/threads/espalier.js', probe: ourselves })),
    pinned(
      nodeContender({
        name: 'comedy threaded',
        module: 'bench/peers/comedy-threaded.mjs',
        rounds: 1,
        probe: devDependency('comedy'),
        lacks: {
          restart: 'it respawns an actor that has died after a second at the earliest, if told to',
          'restart-cold': 'it knows no spare thread to do without',
          offload: 'it has no pool for work',
          local: 'it is about our mesh',
        },
      }),
    ),
  ],
  workloads,
  rows,
  notes: ['comedy, which no goal names, takes part in the first round only'],
}
