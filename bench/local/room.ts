// Room `local`: processes of one node on one thread, beside Erlang/OTP on one scheduler and two JavaScript actor
// libraries. What each peer is, and is not, stands in its file under bench/peers.

import { devDependency, erlangContender, installedPeer, nodeContender, ourselves } from '../harness/peers.ts'
import { dearer, percentile, type Room, type RowSpec, rate, value, type Workload } from '../harness/room.ts'

const workloads: readonly Workload[] = [
  { name: 'call', count: 200_000, repeats: 2 },
  { name: 'call-outside', count: 200_000, repeats: 2 },
  { name: 'call-concurrent', count: 200_000, repeats: 2 },
  { name: 'call-latency', count: 100_000, repeats: 1 },
  { name: 'cast-1k', task: 'cast', count: 1_000, repeats: 1_000 },
  { name: 'cast-10k', task: 'cast', count: 10_000, repeats: 100 },
  { name: 'cast-100k', task: 'cast', count: 100_000, repeats: 10 },
  { name: 'cast-1m', task: 'cast', count: 1_000_000, repeats: 1 },
  { name: 'server-volley', count: 200_000, repeats: 2 },
  { name: 'receive-volley', count: 200_000, repeats: 4 },
  { name: 'start-10k', task: 'start', count: 10_000, repeats: 6 },
  { name: 'start-100k', task: 'start', count: 100_000, repeats: 1 },
  { name: 'start-stop', count: 20_000, repeats: 4 },
  { name: 'restart', count: 10_000, repeats: 1 },
  { name: 'idle', count: 100_000, repeats: 1, warmUp: false },
  { name: 'volley-gap', count: 1_000, repeats: 1, warmUp: false },
  { name: 'churn', count: 1_000_000, repeats: 1, warmUp: false },
]

const oursAlone = {
  'call-outside': 'Erlang calls from a process, the JavaScript peers always from outside: see row call',
  'volley-gap': 'a question about our own event loop',
  churn: 'a question about our own heap',
}

const rows: readonly RowSpec[] = [
  {
    name: 'call',
    about: 'a process calls a server and awaits the reply, one after another',
    unit: 'calls/s',
    better: 'higher',
    reading: rate('call'),
    goal: timesErlang('≥ 2 × gen_server:call', 2),
  },
  {
    name: 'call-outside',
    about: 'the same from outside any process',
    unit: 'calls/s',
    better: 'higher',
    reading: rate('call-outside'),
  },
  latencyRow('call-p50', 'one call, median', percentile('call-latency', 50)),
  latencyRow('call-p99', 'one call, 99th percentile', percentile('call-latency', 99)),
  {
    name: 'call-concurrent',
    about: '100 calls sent, then 100 replies awaited',
    unit: 'calls/s',
    better: 'higher',
    reading: rate('call-concurrent'),
    goal: timesErlang('≥ 2 × 100 requests under way', 2),
  },
  castRow('1k'),
  { ...castRow('10k'), goal: timesErlang('≥ 1.2 × gen_server:cast', 1.2) },
  castRow('100k'),
  { ...castRow('1m'), goal: timesErlang('≥ 0.6 × gen_server:cast', 0.6) },
  decadeRow('10k', '1k'),
  decadeRow('100k', '10k'),
  decadeRow('1m', '100k'),
  {
    name: 'server-volley',
    about: 'two servers cast to each other; an operation is there and back',
    unit: 'trips/s',
    better: 'higher',
    reading: rate('server-volley'),
    goal: timesErlang('≥ 2 × two gen_servers', 2),
  },
  {
    name: 'receive-volley',
    about: 'two plain processes send and receive; an operation is there and back',
    unit: 'trips/s',
    better: 'higher',
    reading: rate('receive-volley'),
    goal: timesErlang('≥ 1 × send and receive', 1),
  },
  {
    name: 'start-10k',
    about: 'start a server, 10 000 alive at the end',
    unit: 'starts/s',
    better: 'higher',
    reading: rate('start-10k'),
    goal: timesErlang('≥ 2 × gen_server:start', 2),
  },
  {
    name: 'start-100k',
    about: 'start a server, 100 000 alive at the end',
    unit: 'starts/s',
    better: 'higher',
    reading: rate('start-100k'),
    goal: timesErlang('≥ 2 × gen_server:start', 2),
  },
  {
    name: 'start-stop',
    about: 'start a server, stop it and know it stopped',
    unit: 'lives/s',
    better: 'higher',
    reading: rate('start-stop'),
    goal: timesErlang('≥ 2 × gen_server:start, stop', 2),
  },
  {
    ...latencyRow('restart-p50', 'kill, restarted, first answer; median', percentile('restart', 50)),
    goal: timesErlang('≤ 1 × supervisor', 1),
  },
  latencyRow('restart-p99', 'kill, restarted, first answer; 99th percentile', percentile('restart', 99)),
  {
    name: 'idle',
    about: 'heap of one idle server, 100 000 alive, after a collection',
    unit: 'B',
    better: 'lower',
    reading: value('idle'),
    goal: { text: '≤ 0.8 KB', limit: 800 },
  },
  {
    name: 'volley-gap',
    about: 'time between two ticks of a 1 ms timer while two servers volley without end; 99th percentile',
    unit: 'µs',
    better: 'lower',
    reading: percentile('volley-gap', 99),
    goal: { text: '≤ 5 ms', limit: 5_000 },
  },
  {
    name: 'churn',
    about: 'heap kept per life after 1 000 000 servers started and stopped',
    unit: 'B',
    better: 'lower',
    reading: value('churn'),
    goal: { text: 'flat: ≤ 1 B per life', limit: 1 },
  },
]

function timesErlang(text: string, factor: number) {
  return { text, peer: 'erlang', factor }
}

function latencyRow(name: string, about: string, reading: RowSpec['reading']): RowSpec {
  return { name, about, unit: 'µs', better: 'lower', reading }
}

function castRow(backlog: string): RowSpec {
  const name = `cast-${backlog}`
  const about = `a backlog of ${backlog} casts, until the call behind them is answered`
  return { name, about, unit: 'casts/s', better: 'higher', reading: rate(name) }
}

function decadeRow(backlog: string, tenth: string): RowSpec {
  return {
    name: `cast-${backlog}-over-${tenth}`,
    about: `what a cast costs at a backlog of ${backlog}, over its cost at ${tenth}`,
    unit: '×',
    better: 'lower',
    reading: dearer(`cast-${backlog}`, `cast-${tenth}`),
    goal: { text: '≤ 3', limit: 3 },
  }
}

/** Three rounds of all four would take longer than anybody waits for. */
const ONCE = 1

export const local: Room = {
  name: 'local',
  contenders: [
    nodeContender({ name: 'espalier', module: 'build/bench/local/espalier.js', probe: ourselves }),
    erlangContender({ name: 'erlang', module: 'bench_local', lacks: oursAlone }),
    nodeContender({
      name: 'nact',
      module: 'bench/peers/nact.mjs',
      rounds: ONCE,
      probe: installedPeer('nact'),
      lacks: { ...oursAlone, 'receive-volley': 'an actor is a function of one message: there is no receive' },
    }),
    nodeContender({
      name: 'comedy',
      module: 'bench/peers/comedy.mjs',
      rounds: ONCE,
      probe: devDependency('comedy'),
      lacks: {
        ...oursAlone,
        'receive-volley': 'an actor is an object of handlers: there is no receive',
        restart: 'it respawns forked actors only, never those of its own process',
      },
    }),
  ],
  workloads,
  rows,
  rounds: 5,
  notes: ['nact and comedy, which no goal names, take part in the first round only'],
}
