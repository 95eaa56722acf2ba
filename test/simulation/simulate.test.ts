import { Down, defineServer, next, reply, type Self } from 'espalier'
import { type Fault, runOnce, SimulationError, simulate, type TraceEvent, type World } from 'espalier/testing'
import { describe, expect, test } from 'vitest'

const Counter = defineServer({
  name: 'counter',
  init: () => 0,
  call: { get: ({ state }) => reply(state, state) },
  cast: { add: ({ state }, by: number) => state + by },
})

/** Two nodes; one tells the other to count, a message a millisecond. */
function counting(world: World): void {
  world.createNode({ name: 'a', boot: (node) => node.start(Counter, undefined, { name: 'counter' }) })
  const counter = world.address(Counter, 'a', 'counter')
  const body = async (self: Self) => {
    for (;;) {
      self.cast(counter, 'add', 1)
      await self.sleep(1)
    }
  }
  world.createNode({ name: 'b', boot: (node) => node.spawn(body) })
}

describe('simulate', () => {
  test('the same seed runs the same, to the hash; another runs differently', async () => {
    const run = (seed: number) =>
      simulate(seed, async (world) => {
        counting(world)
        await world.storm({ forMs: 500 })
      })
    const first = await run(1)
    expect(first.events).toBeGreaterThan(500)
    expect(await run(1)).toEqual(first)
    expect((await run(2)).hash).not.toBe(first.hash)
  })

  test('hands every event to a listener, which may touch the real world', async () => {
    const seen: string[] = []
    const onEvent = (event: TraceEvent) => void seen.push(`${Date.now() > 0} ${event.kind}`)
    const run = await simulate(
      1,
      async (world) => {
        counting(world)
        await world.advance(10)
      },
      { onEvent },
    )
    expect(seen).toHaveLength(run.events)
    expect(seen[0]).toBe('true start')
  })

  test('red: an invariant that breaks ends the run, with the seed, the faults needed and the last events', async () => {
    const failed = await simulate(7, async (world) => {
      counting(world)
      world.always('few', () => Number(world.probe('a', 'counter') ?? 0) < 20 || 'too many')
      await world.storm({ forMs: 500 })
    }).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(SimulationError)
    const { run, message } = failed as SimulationError
    expect(run.failure).toMatchObject({ kind: 'invariant', rule: 'few' })
    expect(message).toContain('seed 7: invariant few: too many')
    expect(message).toContain('counter < add')
    // It needs no fault to come about.
    expect(run.faults).toEqual([])
  })

  test('red: what must come about and does not is a failure of its own kind', async () => {
    const run = await runOnce(1, async (world) => {
      counting(world)
      world.network.cut({ from: 'b', to: 'a' })
      await world.eventually('counts', () => Number(world.probe('a', 'counter')) > 0, { withinMs: 1000 })
    })
    expect(run).toMatchObject({ failure: { kind: 'liveness', rule: 'counts' } })
  })

  test('the liveness phase ends every fault', async () => {
    await simulate(3, async (world) => {
      counting(world)
      world.network.setWeather({ drop: 1 })
      world.crash('a')
      world.pause('b')
      world.disk('a').setFull(true)
      world.setClock('b', { rate: 0 })
      await world.advance(1000)
      await world.converge('counts again', () => Number(world.probe('a', 'counter') ?? 0) > 10, { withinMs: 1000 })
    })
  })

  test('red: the real clock is out of reach, even for a process whose crash nobody sees', async () => {
    const run = await runOnce(1, async (world) => {
      world.createNode({ name: 'a', boot: (node) => node.spawn(() => void Date.now()) })
      await world.settle()
    })
    expect(run).toMatchObject({ failure: { kind: 'ambient', rule: 'Date.now' } })
  })

  test('red: a handler that awaits what nothing brings is named with its message', async () => {
    const Hanging = defineServer({
      init: () => 0,
      cast: { hang: (): Promise<number> => new Promise(() => {}) },
    })
    const run = await runOnce(1, async (world) => {
      const node = world.createNode({ name: 'a' })
      const server = await world.run(node.start(Hanging, undefined, { name: 'server' }))
      server.cast('hang')
      await world.advance(10)
    })
    expect(run).toMatchObject({ failure: { kind: 'stuck', rule: 'server' } })
    expect('failure' in run && run.failure.message).toContain('handling hang')
  })

  test('waiting for a reply, a message, a timer or the disk is no hanging', async () => {
    const Patient = defineServer({
      init: () => 0,
      call: {
        work: async ({ self, state }, open: () => Promise<unknown>) => {
          await self.sleep(5)
          await open()
          await self.receive((message) => message === 'go')
          return reply('done', state)
        },
      },
      info: ({ state }) => next(state),
    })
    await simulate(1, async (world) => {
      const node = world.createNode({ name: 'a' })
      const server = await world.run(node.start(Patient))
      const { memory } = world.disk('a')
      const open = async () => (await memory.open('x')).get(Uint8Array.of(1))
      const done = server.call('work', open)
      await world.advance(100)
      server.send('go')
      expect(await world.run(done)).toBe('done')
    })
  })

  test('faults given by hand take the place of those drawn', async () => {
    const faults: Fault[] = [{ kind: 'crash', node: 'a', atMs: 10, forMs: 20 }]
    const downAt: number[] = []
    const run = await simulate(
      1,
      async (world) => {
        counting(world)
        for (const at of [5, 15, 35]) world.time.at(at * 1000, () => void (world.isUp('a') || downAt.push(at)))
        await world.storm({ forMs: 50 })
      },
      { faults },
    )
    expect(downAt).toEqual([15])
    expect(run.faults).toEqual(faults)
  })
})

describe('between nodes', () => {
  const watching = (seen: unknown[]) => async (world: World) => {
    const a = world.createNode({ name: 'a' })
    const b = world.createNode({ name: 'b' })
    const server = await world.run(a.start(Counter, undefined, { name: 'counter' }))
    b.spawn(async (self) => {
      self.monitor(server)
      seen.push(await self.call(server, 'get'))
      seen.push(await self.receive())
    })
    await world.advance(100)
    return server
  }

  test('a call is answered, and a monitor fires when the process ends', async () => {
    const seen: unknown[] = []
    await simulate(1, async (world) => {
      const server = await watching(seen)(world)
      world.node('a').sendExit(server, 'oops')
      await world.advance(100)
    })
    expect(seen).toEqual([0, expect.any(Down)])
    expect(seen[1]).toMatchObject({ reason: 'oops' })
  })

  test.each(['crash', 'partition'] as const)('a %s is noticed as noconnection, after a while', async (fault) => {
    const seen: unknown[] = []
    await simulate(1, async (world) => {
      await watching(seen)(world)
      if (fault === 'crash') world.crash('a')
      else world.network.partition([['a'], ['b']])
      await world.advance(900)
      expect(seen).toHaveLength(1)
      await world.advance(200)
    })
    expect(seen[1]).toMatchObject({ reason: 'noconnection' })
  })

  test('a partition that heals in time is not noticed, and what was called meanwhile is answered', async () => {
    const seen: unknown[] = []
    await simulate(1, async (world) => {
      const server = await watching(seen)(world)
      world.network.partition([['a'], ['b']])
      world.node('b').spawn(async (self) => void seen.push(await self.call(server, 'get')))
      await world.advance(500)
      expect(seen).toHaveLength(1)
      world.network.heal()
      await world.advance(2000)
    })
    expect(seen).toEqual([0, 0])
  })

  test('signals of a pair stay in order whatever the weather drops; casts may be lost', async () => {
    const run = await simulate(5, async (world) => {
      const a = world.createNode({ name: 'a' })
      const b = world.createNode({ name: 'b' })
      const server = await world.run(a.start(Counter))
      world.network.setWeather({ drop: 0.5 })
      const order: number[] = []
      b.spawn(async (self) => {
        for (let i = 0; i < 50; i++) {
          self.cast(server, 'add', 1)
          order.push(await self.call(server, 'get', undefined, { timeoutMs: 60_000 }))
        }
      })
      await world.advance(60_000)
      expect(order).toHaveLength(50)
      expect(order).toEqual([...order].sort((x, y) => x - y))
      expect(order.at(-1)).toBeLessThan(50)
    })
    expect(run.events).toBeGreaterThan(100)
  })

  test('nodes share no memory', async () => {
    const received: unknown[] = []
    await simulate(1, async (world) => {
      const a = world.createNode({ name: 'a' })
      const b = world.createNode({ name: 'b' })
      const receiver = a.spawn(async (self) => void received.push(await self.receive()))
      b.spawn((self) => {
        const message = { list: [1] }
        self.send(receiver, message)
        message.list.push(2)
      })
      await world.advance(100)
    })
    expect(received).toEqual([{ list: [1] }])
  })
})

describe('pauses and disks', () => {
  test('a paused node handles what has arrived before the timers that are due', async () => {
    const seen: unknown[] = []
    await simulate(1, async (world) => {
      const a = world.createNode({ name: 'a' })
      const b = world.createNode({ name: 'b' })
      const receiver = a.spawn(async (self) => {
        self.sendAfter(10, self.pid, 'timer')
        for (;;) seen.push(await self.receive())
      })
      await world.settle()
      world.pause('a')
      b.spawn((self) => self.send(receiver, 'message'))
      await world.advance(100)
      expect(seen).toEqual([])
      world.resume('a')
      await world.settle()
    })
    expect(seen).toEqual(['message', 'timer'])
  })

  test('a power cut loses what was not synced, and nothing else', async () => {
    const { WriteBatch } = await import('espalier/storage')
    const key = (n: number) => Uint8Array.of(n)
    const held: (number | undefined)[] = []
    await simulate(1, async (world) => {
      const acked: number[] = []
      world.createNode({
        name: 'a',
        boot: async (_node, { disk }) => {
          const store = await disk.memory.open('s')
          for (const n of [1, 2]) held.push((await store.get(key(n)))?.[0])
          const write = (n: number) => store.write(new WriteBatch().put(key(n), key(n))).then(() => acked.push(n))
          void write(1)
          await world.disk('a')
          world.time.at(world.time.nowUs + 20_000, () => {
            disk.gate()
            void write(2)
          })
        },
      })
      await world.advance(50)
      expect(acked).toEqual([1])
      world.crash('a')
      world.restart('a')
      await world.advance(10)
    })
    expect(held).toEqual([undefined, undefined, 1, undefined])
  })
})
