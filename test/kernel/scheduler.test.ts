import { createNode, defineServer, type Ref, type Turns } from 'espalier'
import { createWorld } from 'espalier/testing'
import { describe, expect, test } from 'vitest'
import { Scheduler } from '../../src/kernel/scheduler.ts'
import { createSystemPorts } from '../../src/system/index.ts'
import { createManualNode } from './manual-node.ts'
import { ManualTurns } from './manual-time.ts'

interface VolleyProtocol {
  readonly cast: { readonly volley: (peer: Ref<VolleyProtocol>) => void }
}

/** A player returns every ball for as long as `onStroke` says so. */
const player = (onStroke: () => boolean) =>
  defineServer<VolleyProtocol>()({
    init: () => null,
    cast: {
      volley: ({ self, state }, peer) => {
        if (onStroke()) self.cast(peer, 'volley', self.pid as Ref<VolleyProtocol>)
        return state
      },
    },
  })

/** Lets two processes volley, a stroke costing `strokeMs`, and answers the gaps between macrotasks in milliseconds. */
async function gapsOfVolley(strokeMs: number, turns: ManualTurns, macrotasks: number): Promise<number[]> {
  const { node, clock } = createManualNode(turns)
  let strokes = 0
  const Player = player(() => {
    clock.stall(strokeMs)
    return ++strokes < 1_000_000
  })
  const starting = Promise.all([node.start(Player), node.start(Player)])
  turns.runSoon()
  const [a, b] = await starting
  turns.runSoon()
  turns.runLater()
  a.cast('volley', b)
  const gaps: number[] = []
  let last = clock.now()
  for (let i = 0; i < macrotasks; i++) {
    turns.runSoon()
    gaps.push(clock.now() - last)
    last = clock.now()
    turns.runLater()
  }
  return gaps
}

const Counter = defineServer({ init: () => 0, cast: { count: ({ state }) => state + 1 } })

describe('fairness', () => {
  test.each([0.0005, 0.01, 0.3])(
    'a volley without end leaves the event loop its turns: strokes of %d ms',
    async (ms) => {
      const gaps = await gapsOfVolley(ms, new ManualTurns(), 50)
      expect(Math.max(...gaps)).toBeLessThan(1 + Math.max(0.5, 2 * ms))
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1)
    },
  )

  test('slow handlers hold up the event loop no longer than one message, from the first on', async () => {
    expect(Math.max(...(await gapsOfVolley(5, new ManualTurns(), 20)))).toBe(5)
  })

  test('messages that turn slow in the middle of a burst are noticed after 32 at most', async () => {
    const { node, turns, clock } = createManualNode()
    let costMs = 0.001
    let strokes = 0
    const Player = player(() => {
      clock.stall(costMs)
      if (++strokes === 500) costMs = 5
      return strokes < 10_000
    })
    const starting = Promise.all([node.start(Player), node.start(Player)])
    turns.runSoon()
    const [a, b] = await starting
    turns.runLater()
    a.cast('volley', b)
    turns.runSoon()
    expect(strokes).toBeGreaterThan(500)
    expect(strokes).toBeLessThanOrEqual(532)
  })

  test('messages that come one a macrotask ask for another every quarter of a millisecond, not one each', async () => {
    const { node, turns, clock } = createManualNode()
    const starting = node.start(Counter)
    turns.runSoon()
    const counter = await starting
    turns.runLater()
    let asked = 0
    for (let i = 0; i < 1000; i++) {
      clock.advance(0.03)
      counter.cast('count')
      turns.runSoon()
      asked += turns.waiting
      turns.runLater()
    }
    expect(asked).toBeGreaterThan(1000 * (0.03 / 0.3))
    expect(asked).toBeLessThanOrEqual(1000 * (0.03 / 0.25))
  })

  test('red: a yield that is only a microtask starves the event loop', async () => {
    class NoYield extends ManualTurns {
      override later(task: () => void): void {
        this.soon(task)
      }
    }
    const [gap] = await gapsOfVolley(0.01, new NoYield(), 1)
    expect(gap).toBeGreaterThan(1000)
  })

  /** The ticks that a host's interval gets while a volley of real time runs. */
  async function ticksDuringVolley(turns: Turns): Promise<number> {
    const ports = { ...createSystemPorts(), turns }
    const node = createNode({ ports, scheduler: new Scheduler({ clock: ports.clock, turns }) })
    const until = performance.now() + 300
    let ended = () => {}
    const end = new Promise<void>((resolve) => {
      ended = resolve
    })
    const Player = player(() => {
      if (performance.now() < until) return true
      ended()
      return false
    })
    const a = await node.start(Player)
    const b = await node.start(Player)
    let ticks = 0
    const interval = setInterval(() => ticks++, 5)
    a.cast('volley', b)
    await end
    clearInterval(interval)
    await node.stop()
    return ticks
  }

  test("while two processes volley in real time, the host's timers fire", async () => {
    expect(await ticksDuringVolley(createSystemPorts().turns)).toBeGreaterThan(5)
  })

  test("red: without the yield the host's timers wait for the volley's end", async () => {
    const soon = (task: () => void) => {
      queueMicrotask(task)
    }
    expect(await ticksDuringVolley({ soon, later: soon })).toBe(0)
  })

  test('a handler that awaits gets its turns while others volley', async () => {
    // Time stands still, so that no burst ever ends.
    const { clock: real, turns } = createSystemPorts()
    const clock = { ...real, now: () => 0 }
    const node = createNode({ ports: { clock }, scheduler: new Scheduler({ clock, turns }) })
    let strokes = 0
    let done = false
    const Player = player(() => ++strokes < 1_000_000 && !done)
    const Awaiting = defineServer({
      init: () => 0,
      cast: {
        work: async () => {
          const before = strokes
          for (let i = 0; i < 20; i++) await Promise.resolve()
          done = true
          return strokes - before
        },
      },
    })
    const a = await node.start(Player)
    const b = await node.start(Player)
    const awaiting = await node.start(Awaiting)
    a.cast('volley', b)
    awaiting.cast('work')
    await node.idle()
    expect(done).toBe(true)
    expect(strokes).toBeGreaterThan(512)
    // 512 messages a pump, a pump between two microtasks.
    expect(strokes).toBeLessThanOrEqual(22 * 512)
    await node.stop()
  })

  test('a process with a thousand messages hands over after a slice', async () => {
    const { node, turns } = createManualNode()
    const log: string[] = []
    const Logger = defineServer({
      init: (name: string) => name,
      cast: {
        log: ({ state }) => {
          log.push(state)
          return state
        },
      },
    })
    const starting = Promise.all([node.start(Logger, 'a'), node.start(Logger, 'b')])
    turns.runSoon()
    const refs = await starting
    turns.runSoon()
    for (const ref of refs) for (let i = 0; i < 1000; i++) ref.cast('log')
    turns.runSoon()
    expect(log.length).toBe(2000)
    const runs = log.join('').match(/a+|b+/g) ?? []
    expect(Math.max(...runs.map((run) => run.length))).toBeLessThanOrEqual(64)
  })
})

describe('priorities', () => {
  test('ready processes of high priority run first, low ones last', () => {
    const { node, turns } = createManualNode()
    const log: string[] = []
    for (const priority of ['low', 'normal', 'high', 'low', 'normal', 'high'] as const) {
      node.spawn(() => void log.push(priority), { priority })
    }
    turns.runSoon()
    expect(log).toEqual(['high', 'high', 'normal', 'normal', 'low', 'low'])
  })

  test('while others wait, low processes get one turn in eight', () => {
    const { node, turns } = createManualNode()
    let turn = 0
    const low: number[] = []
    const count = (priority: 'low' | 'normal') => {
      node.spawn(
        () => {
          turn++
          if (priority === 'low') low.push(turn)
        },
        { priority },
      )
    }
    for (let i = 0; i < 4; i++) count('low')
    for (let i = 0; i < 32; i++) count('normal')
    turns.runSoon()
    expect(low).toEqual([8, 16, 24, 32])
  })

  test('within one priority it is first come, first served', () => {
    const { node, turns } = createManualNode()
    const log: number[] = []
    for (let i = 0; i < 300; i++) node.spawn(() => void log.push(i))
    turns.runSoon()
    expect(log).toEqual(Array.from({ length: 300 }, (_, i) => i))
  })
})

describe('a seeded scheduler', () => {
  async function order(seed: number): Promise<string> {
    const world = createWorld({ seed })
    const node = world.createNode()
    const log: number[] = []
    for (let i = 0; i < 10; i++) node.spawn(() => void log.push(i))
    await world.settle()
    return log.join(' ')
  }

  test('chooses among ready processes, the same for the same seed', async () => {
    expect(await order(1)).toBe(await order(1))
    const orders = new Set<string>()
    for (let seed = 0; seed < 20; seed++) orders.add(await order(seed))
    expect(orders.size).toBeGreaterThan(15)
  })

  test('loses and repeats nobody', async () => {
    for (let seed = 0; seed < 20; seed++) {
      expect(
        (await order(seed))
          .split(' ')
          .map(Number)
          .sort((a, b) => a - b),
      ).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    }
  })
})

test('nothing runs on the stack of whoever makes it ready', () => {
  const { node, turns } = createManualNode()
  let ran = false
  const pid = node.spawn(async (self) => {
    await self.receive()
    ran = true
  })
  turns.runSoon()
  node.send(pid, 'now')
  expect(ran).toBe(false)
  expect(turns.runSoon()).toBe(1)
})
