import { createNode, defineServer, type From, type Node, noReply, type Pid, type Ref, reply, type Self } from 'espalier'
import { createWorld } from 'espalier/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from './until.ts'

let node: Node

beforeEach(() => {
  node = createNode()
})
afterEach(() => node.stop())

const Sink = defineServer({
  init: (log: unknown[]) => log,
  call: { count: ({ state }) => reply(state.length, state) },
  cast: {
    note: ({ state }, value: unknown) => {
      state.push(value)
      return state
    },
  },
  info: ({ state }, message) => {
    state.push(message)
    return state
  },
})

/** Kills a process while its code awaits, then lets that code go on with `act`. Answers what the sink has seen. */
async function actAfterDeath(act: (self: Self, sink: Ref<typeof Sink>, other: Pid) => unknown) {
  const seen: unknown[] = []
  const sink = await node.start(Sink, seen, { name: 'sink' })
  const other = node.spawn(async (self) => void (await self.receive()))
  let goOn = () => {}
  let begun = false
  let done = false
  const gate = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const victim = node.spawn(async (self) => {
    begun = true
    await gate
    act(self, sink, other)
    done = true
  })
  await until(() => begun)
  node.sendExit(victim, 'kill')
  await node.idle()
  const { fenced } = node.counters
  goOn()
  await node.idle()
  expect(done).toBe(true)
  return { seen, sink, other, fenced: node.counters.fenced - fenced }
}

describe('the code of a killed process that goes on after an await', () => {
  const acts: [string, (self: Self, sink: Ref<typeof Sink>, other: Pid) => unknown][] = [
    ['send', (self, sink) => self.send(sink, 'late')],
    ['send to a name', (self) => self.send('sink', 'late')],
    ['cast', (self, sink) => expect(self.cast(sink, 'note', 'late')).toBe(false)],
    ['call', (self, sink) => void self.call(sink, 'count')],
    ['sendAfter', (self, sink) => self.sendAfter(0, sink, 'late')],
    ['sleep', (self) => void self.sleep(0)],
    ['link', (self, _, other) => self.link(other)],
    ['monitor', (self, _, other) => self.monitor(other)],
    ['sendExit', (self, _, other) => self.sendExit(other, 'kill')],
    ['spawn', (self) => self.spawn((child) => child.send('sink', 'late'))],
    ['spawnMonitor', (self) => self.spawnMonitor((child) => child.send('sink', 'late'))],
    ['start', (self) => void self.start(Sink, [])],
    ['startLink', (self) => void self.startLink(Sink, [])],
    ['receive', (self) => void self.receive()],
    ['register', (self, _, other) => self.register('late', other)],
    ['unregister', (self) => self.unregister('sink')],
    ['alias', (self) => self.alias()],
  ]

  test.each(acts)('%s has no effect and is counted', async (_, act) => {
    const { seen, other, fenced } = await actAfterDeath(act)
    expect(seen).toEqual([])
    expect(fenced).toBe(1)
    expect(node.isAlive(other)).toBe(true)
    expect(node.processes().length).toBe(2)
    expect(node.registered().map(([name]) => name)).toEqual(['sink'])
    expect(node.timerCount).toBe(0)
  })

  test('what it awaits of the kernel never comes: it stops there', async () => {
    let reached = false
    await actAfterDeath(async (self) => {
      await self.receive()
      reached = true
    })
    expect(reached).toBe(false)
  })

  test('it sees that it is no more, and its signal is aborted, also if asked for only then', async () => {
    const seen: unknown[] = []
    await actAfterDeath((self) => seen.push(self.alive, self.signal.aborted))
    expect(seen).toEqual([false, true])
  })
})

test('the AbortSignal of a process fires at its end, whatever the end', async () => {
  const log: unknown[] = []
  for (const reason of ['kill', 'boom', 'shutdown']) {
    const pid = node.spawn(async (self) => {
      self.signal.addEventListener('abort', () => log.push(reason))
      expect(self.signal).toBe(self.signal)
      await self.receive()
    })
    await node.idle()
    node.sendExit(pid, reason)
    await node.idle()
  }
  node.spawn((self) => self.signal.addEventListener('abort', () => log.push('normal')))
  await node.idle()
  expect(log).toEqual(['kill', 'boom', 'shutdown', 'normal'])
})

test('a fetch that is given the signal is called off when the process is killed', async () => {
  let begun = false
  let calledOff: unknown
  const pid = node.spawn(
    (self) =>
      new Promise<void>((_, reject) => {
        begun = true
        self.signal.addEventListener('abort', () => {
          calledOff = self.signal.reason
          reject(calledOff)
        })
      }),
  )
  await until(() => begun)
  node.sendExit(pid, 'kill')
  await node.idle()
  expect(calledOff).toMatchObject({ name: 'AbortError' })
})

describe('a killed server', () => {
  let working: boolean
  beforeEach(() => {
    working = false
  })

  const Slow = defineServer({
    init: () => [] as From<number>[],
    call: {
      work: async ({ state }, gate: Promise<void>) => {
        working = true
        await gate
        return reply(1, state)
      },
      defer: ({ state, from }) => noReply<number, From<number>[]>([...state, from]),
    },
    cast: {
      answerLater: async ({ self, state }, gate: Promise<void>) => {
        working = true
        await gate
        for (const from of state) self.reply(from, 2)
        return state
      },
    },
  })

  test('fails its callers with its reason; what its handler returns later is nothing', async () => {
    let goOn = () => {}
    const gate = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const server = await node.start(Slow)
    const call = server.call('work', gate).catch((error: unknown) => error)
    await until(() => working)
    node.sendExit(server, 'kill')
    expect(await call).toMatchObject({ code: 'ERR_EXIT', reason: 'killed' })
    goOn()
    await node.idle()
    expect(node.processes()).toEqual([])
  })

  test('can reply to nobody any more', async () => {
    let goOn = () => {}
    const gate = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const server = await node.start(Slow)
    const call = server.call('defer').catch((error: unknown) => error)
    server.cast('answerLater', gate)
    await until(() => working)
    node.sendExit(server, 'kill')
    expect(await call).toMatchObject({ reason: 'killed' })
    const { fenced } = node.counters
    goOn()
    await node.idle()
    expect(node.counters.fenced).toBe(fenced + 1)
  })

  test('an answer to a caller that has been killed reaches nobody, and is counted', async () => {
    let goOn = () => {}
    let answered = false
    const gate = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const server = await node.start(Slow)
    const caller = node.spawn(async (self) => {
      await self.call(server, 'work', gate)
      answered = true
    })
    await until(() => working)
    node.sendExit(caller, 'kill')
    await until(() => !node.isAlive(caller))
    const { fenced } = node.counters
    goOn()
    await node.idle()
    expect([answered, node.counters.fenced]).toEqual([false, fenced + 1])
  })
})

test('the timers of a process end with it: nothing of it keeps the host alive', async () => {
  const world = createWorld()
  const other = world.createNode()
  const receiver = other.spawn(async (self) => void (await self.receive()))
  const pid = other.spawn(async (self) => {
    self.sendAfter(1_000_000, self.pid, 'to itself')
    self.sendAfter(1_000_000, receiver, 'to a process that ends')
    await self.sleep(1_000_000)
  })
  await world.settle()
  expect(other.timerCount).toBe(3)
  other.sendExit(pid, 'kill')
  await world.settle()
  expect(other.timerCount).toBe(1)
  other.sendExit(receiver, 'kill')
  await world.settle()
  expect(other.timerCount).toBe(0)
})
