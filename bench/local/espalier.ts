// Our own contender in room `local`, on the package's public interface: links, monitors and statistics as they come.
// The work is driven from a process, as Erlang's is. A server counts what it handles, and the count it reports is what
// a run completed.

import { createNode, defineServer, type Pid, type Ref, reply, type Self, supervisor } from 'espalier'
import type { Run, Task } from '../harness/contender.ts'

interface CounterProtocol {
  readonly call: { readonly add: () => number; readonly get: () => number }
  readonly cast: { readonly add: () => void; readonly volley: (volley: Volley) => void }
}

/** One stroke of a volley between two servers. */
interface Volley {
  readonly striker: Ref<CounterProtocol>
  readonly peer: Ref<CounterProtocol>
  /** Strokes to come. */
  readonly left: number
  readonly ended: () => void
}

/** A counter has started: sent to its owner, who thus learns of a restart without polling. */
class Up {
  readonly counter: Ref<CounterProtocol>
  constructor(counter: Ref<CounterProtocol>) {
    this.counter = counter
  }
}

const isUp = (message: unknown): message is Up => message instanceof Up

const Counter = defineServer<CounterProtocol>()({
  init: (start: number | { readonly owner: Pid }, { self }) => {
    if (typeof start === 'number') return start
    self.send(start.owner, new Up(self.pid as Ref<CounterProtocol>))
    return 0
  },
  call: {
    add: ({ state }) => reply(state + 1, state + 1),
    get: ({ state }) => reply(state, state),
  },
  cast: {
    add: ({ state }) => state + 1,
    volley: ({ self, state }, { striker, peer, left, ended }) => {
      if (left === 0) ended()
      else self.cast(peer, 'volley', { striker: peer, peer: striker, left: left - 1, ended })
      return state + 1
    },
  },
})

const node = createNode({ name: 'bench' })

/** Runs `body` in a process and hands out what it returns. */
function inProcess<T>(body: (self: Self) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    node.spawn((self) => body(self).then(resolve, reject))
  })
}

/** Runs `body` in a process, against a counter that ends afterwards. */
function withCounter(body: (self: Self, counter: Ref<CounterProtocol>) => Promise<Run>): Promise<Run> {
  return inProcess(async (self) => {
    const counter = await self.start(Counter, 0)
    const run = await body(self, counter)
    await counter.stop()
    return run
  })
}

function kill(pids: readonly Pid[]): Promise<void> {
  for (const pid of pids) node.sendExit(pid, 'kill')
  return node.idle()
}

const call: Task = (count) =>
  withCounter(async (self, counter) => {
    const began = performance.now()
    for (let i = 0; i < count; i += 1) await self.call(counter, 'add')
    const elapsedMs = performance.now() - began
    return { completed: await self.call(counter, 'get'), elapsedMs }
  })

const callOutside: Task = async (count) => {
  const counter = await node.start(Counter, 0)
  const began = performance.now()
  for (let i = 0; i < count; i += 1) await counter.call('add')
  const elapsedMs = performance.now() - began
  const completed = await counter.call('get')
  await counter.stop()
  return { completed, elapsedMs }
}

const callConcurrent: Task = (count) =>
  withCounter(async (self, counter) => {
    const began = performance.now()
    for (let sent = 0; sent < count; sent += 100)
      await Promise.all(Array.from({ length: 100 }, () => self.call(counter, 'add')))
    const elapsedMs = performance.now() - began
    return { completed: await self.call(counter, 'get'), elapsedMs }
  })

const callLatency: Task = (count) =>
  withCounter(async (self, counter) => {
    const latenciesMs = new Float64Array(count)
    for (let i = 0; i < count; i += 1) {
      const began = performance.now()
      await self.call(counter, 'add')
      latenciesMs[i] = performance.now() - began
    }
    return { completed: await self.call(counter, 'get'), latenciesMs }
  })

const cast: Task = (count) =>
  withCounter(async (self, counter) => {
    const began = performance.now()
    for (let i = 0; i < count; i += 1) self.cast(counter, 'add')
    const completed = await self.call(counter, 'get', undefined, { timeoutMs: Number.POSITIVE_INFINITY })
    return { completed, elapsedMs: performance.now() - began }
  })

const serverVolley: Task = async (count) => {
  const [a, b] = [await node.start(Counter, 0), await node.start(Counter, 0)]
  const began = performance.now()
  await new Promise<void>((ended) => a.cast('volley', { striker: a, peer: b, left: 2 * count - 1, ended }))
  const elapsedMs = performance.now() - began
  const completed = ((await a.call('get')) + (await b.call('get'))) / 2
  await kill([a, b])
  return { completed, elapsedMs }
}

class Ping {
  readonly from: Pid
  constructor(from: Pid) {
    this.from = from
  }
}

class Pong {
  readonly from: Pid
  constructor(from: Pid) {
    this.from = from
  }
}

const isPing = (message: unknown): message is Ping => message instanceof Ping
const isPong = (message: unknown): message is Pong => message instanceof Pong

const receiveVolley: Task = (count) =>
  inProcess(async (self) => {
    const answering = self.spawn(async (other) => {
      for (;;) {
        const ping = await other.receive(isPing)
        if (ping) other.send(ping.from, new Pong(other.pid))
      }
    })
    const began = performance.now()
    let completed = 0
    for (let i = 0; i < count; i += 1) {
      self.send(answering, new Ping(self.pid))
      if (await self.receive(isPong)) completed += 1
    }
    const elapsedMs = performance.now() - began
    self.sendExit(answering, 'kill')
    return { completed, elapsedMs }
  })

const starts: Task = async (count) => {
  const refs: Ref<CounterProtocol>[] = []
  const elapsedMs = await inProcess(async (self) => {
    const began = performance.now()
    for (let i = 0; i < count; i += 1) refs.push(await self.start(Counter, 0))
    return performance.now() - began
  })
  const completed = refs.filter((ref) => node.isAlive(ref)).length
  await kill(refs)
  return { completed, elapsedMs }
}

const startStop: Task = (count) =>
  inProcess(async (self) => {
    const began = performance.now()
    const completed = await lives(self, count)
    return { completed, elapsedMs: performance.now() - began }
  })

async function lives(self: Self, count: number): Promise<number> {
  let completed = 0
  for (let i = 0; i < count; i += 1) {
    const counter = await self.start(Counter, 0)
    await counter.stop()
    completed += 1
  }
  return completed
}

const CRASHES_A_SUPERVISOR = 100

/** Kill, restarted, first answer. A fresh supervisor each 100 crashes, as for Erlang: see bench_local.erl. */
const restart: Task = (count) =>
  inProcess(async (self) => {
    const latenciesMs = new Float64Array(count)
    let completed = 0
    while (completed < count) {
      const tree = await self.startLink(
        supervisor({
          intensity: 1_000_000,
          periodMs: 1000,
          children: [{ id: 'counter', start: [Counter, { owner: self.pid }] }],
        }),
      )
      let up = await self.receive(isUp)
      for (let i = 0; i < CRASHES_A_SUPERVISOR && up; i += 1) {
        const began = performance.now()
        self.sendExit(up.counter, 'kill')
        up = await self.receive(isUp)
        if (up && (await self.call(up.counter, 'add')) === 1) latenciesMs[completed++] = performance.now() - began
      }
      self.unlink(tree)
      await tree.stop('shutdown')
    }
    return { completed, latenciesMs }
  })

/** Bytes of JavaScript heap and what it holds outside, after a collection. */
function heap(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const idle: Task = (count) =>
  inProcess(async (self) => {
    await lives(self, 1)
    const refs = new Array<Ref<CounterProtocol> | undefined>(count)
    const before = heap()
    for (let i = 0; i < count; i += 1) refs[i] = await self.start(Counter, 0)
    const bytes = heap() - before
    return { completed: refs.filter((ref) => ref && node.isAlive(ref)).length, value: bytes / count }
  })

const churn: Task = (count) =>
  inProcess(async (self) => {
    await lives(self, 20_000)
    const before = heap()
    const completed = await lives(self, count)
    return { completed, value: (heap() - before) / count }
  })

const MIN_STROKES_A_TICK = 100

/** Ticks of a 1 ms timer while a volley without end goes on; a volley that did not go on completed nothing. */
const volleyGap: Task = async (count) => {
  const [a, b] = [await node.start(Counter, 0), await node.start(Counter, 0)]
  a.cast('volley', { striker: a, peer: b, left: Number.POSITIVE_INFINITY, ended: () => {} })
  const latenciesMs = new Float64Array(count)
  let last = performance.now()
  for (let i = 0; i < count; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    const now = performance.now()
    latenciesMs[i] = now - last
    last = now
  }
  const strokes = await a.call('get')
  await kill([a, b])
  return { completed: strokes >= count * MIN_STROKES_A_TICK ? count : 0, latenciesMs }
}

export const tasks: Readonly<Record<string, Task>> = {
  call,
  'call-outside': callOutside,
  'call-concurrent': callConcurrent,
  'call-latency': callLatency,
  cast,
  'server-volley': serverVolley,
  'receive-volley': receiveVolley,
  start: starts,
  'start-stop': startStop,
  restart,
  idle,
  churn,
  'volley-gap': volleyGap,
}
