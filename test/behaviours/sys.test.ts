import {
  createNode,
  defineServer,
  defineStatem,
  ExitError,
  next,
  type Report,
  reply,
  type Self,
  type SupervisorState,
  statem,
  supervisor,
  sys,
} from 'espalier'
import { createWorld } from 'espalier/testing'
import { describe, expect, test } from 'vitest'

const Counter = defineServer({
  name: 'counter',
  init: (start: number) => ({ count: start }),
  call: {
    get: ({ state }) => reply(state.count, state),
    slowly: async ({ self, state }) => {
      await self.sleep(100)
      return reply(state.count, state)
    },
  },
  cast: { add: ({ state }, by: number) => ({ count: state.count + by }) },
  terminate: ({ self, state }) => {
    if (self.whereis('witness') !== undefined) self.send('witness', `ended at ${state.count}`)
  },
})

const Door = defineStatem({
  name: 'door',
  init: () => statem.initial('shut', { opened: 0 }),
  states: {
    shut: { cast: { open: ({ data }) => statem.next('open', { opened: data.opened + 1 }) } },
    open: { cast: { shut: ({ data }) => statem.next('shut', data) } },
  },
})

const Tree = supervisor({ label: 'tree', intensity: 1, children: [{ id: 'counter', start: [Counter, 1], name: 'c' }] })

const reasonOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof ExitError ? error.reason : error),
  )

describe('state', () => {
  test('of a server, a state machine and a supervisor can be seen, each inside its loop', async () => {
    const node = createNode()
    const counter = await node.start(Counter, 3)
    counter.cast('add', 4)
    expect(await sys.getState(node, counter)).toEqual({ count: 7 })
    expect(await sys.getState(node, await node.start(Door))).toEqual({ state: 'shut', data: { opened: 0 } })
    const tree = await node.start(Tree)
    const { flags, children } = await sys.getState<SupervisorState>(node, tree)
    expect(flags).toMatchObject({ strategy: 'one_for_one', intensity: 1, periodMs: 5000, autoShutdown: 'never' })
    expect(children).toEqual(await tree.call('which_children'))
    await node.stop()
  })

  test('can be replaced', async () => {
    const node = createNode()
    const counter = await node.start(Counter, 3)
    const doubled = await sys.replaceState(node, counter, ({ count }: { count: number }) => ({ count: count * 2 }))
    expect(doubled).toEqual({ count: 6 })
    expect(await counter.call('get')).toBe(6)
    const door = await node.start(Door)
    await sys.replaceState(node, door, () => ({ state: 'open', data: { opened: 9 } }))
    door.cast('shut')
    expect(await sys.getState(node, door)).toEqual({ state: 'shut', data: { opened: 9 } })
    await node.stop()
  })

  test('stays as it was when its replacement throws; the asker is told, the process goes on', async () => {
    const node = createNode()
    const error = new Error('no')
    const broken = () => {
      throw error
    }
    for (const pid of [await node.start(Counter, 3), await node.start(Door), await node.start(Tree)]) {
      const before = await sys.getState(node, pid)
      expect(await reasonOf(sys.replaceState(node, pid, broken))).toMatchObject({ callback_failed: { error } })
      expect(await sys.getState(node, pid)).toEqual(before)
    }
    await node.stop()
  })

  test("a supervisor's flags can be replaced, but not by wrong ones", async () => {
    const node = createNode()
    const tree = await node.start(Tree)
    const raise = (intensity: number) =>
      sys.replaceState<SupervisorState>(node, tree, (state) => ({ ...state, flags: { ...state.flags, intensity } }))
    expect(await reasonOf(raise(-1))).toEqual({ callback_failed: { supervisor_data: { invalid_intensity: -1 } } })
    expect((await raise(3)).flags.intensity).toBe(3)
    for (let crash = 0; crash < 3; crash++) {
      await reasonOf(sys.terminate(node, 'c', 'boom'))
      await node.idle()
    }
    expect(node.isAlive(tree)).toBe(true)
    await sys.terminate(node, 'c', 'boom')
    await node.idle()
    expect(node.isAlive(tree)).toBe(false)
    await node.stop()
  })
})

describe('a suspended process', () => {
  test('answers system requests and nothing else, and loses nothing', async () => {
    const node = createNode()
    for (const [start, tag] of [
      [() => node.start(Counter, 0), 'add'],
      [() => node.start(Door), 'open'],
    ] as const) {
      const pid = await start()
      const before = await sys.getState(node, pid)
      expect(await sys.suspend(node, pid)).toBe('ok')
      ;(pid as { cast(tag: string, argument: unknown): boolean }).cast(tag, 5)
      await node.idle()
      expect(await sys.getState(node, pid)).toEqual(before)
      expect((await sys.getStatus(node, pid)).status).toBe('suspended')
      expect(await sys.resume(node, pid)).toBe('ok')
      expect(await sys.getState(node, pid)).not.toEqual(before)
    }
    await node.stop()
  })

  test('a supervisor restarts no child until it is resumed', async () => {
    const node = createNode()
    const tree = await node.start(Tree)
    await sys.suspend(node, tree)
    await sys.terminate(node, 'c', 'boom')
    await node.idle()
    expect(node.whereis('c')).toBeUndefined()
    await sys.resume(node, tree)
    await node.idle()
    expect(node.whereis('c')).toBeDefined()
    await node.stop()
  })

  test('can be ended', async () => {
    const node = createNode()
    const counter = await node.start(Counter, 0)
    await sys.suspend(node, counter)
    await counter.stop()
    expect(node.isAlive(counter)).toBe(false)
  })

  test('has no idle time-out, and a system request starts that time anew, as in gen_server', async () => {
    const world = createWorld()
    const node = world.createNode()
    const Idle = defineServer({ init: () => next(0, { timeoutMs: 100 }), info: ({ state }) => state + 1 })
    const idle = await world.run(node.start(Idle))
    const timeouts = () => world.run(sys.getState(node, idle))
    await world.advance(60)
    expect(await timeouts()).toBe(0)
    await world.advance(60)
    await world.run(sys.suspend(node, idle))
    await world.advance(1000)
    await world.run(sys.resume(node, idle))
    await world.advance(99)
    const counted = sys.getStatus(node, idle)
    expect(await world.run(counted)).toMatchObject({ state: 0 })
    await world.advance(101)
    expect(await timeouts()).toBe(1)
  })
})

test('terminate ends a process its own way, with the reason given', async () => {
  const node = createNode()
  const heard: unknown[] = []
  node.spawn(
    async (self) => {
      const counter = await self.start(Counter, 2)
      self.monitor(counter)
      await sys.terminate(self, counter, 'enough')
      heard.push(await self.receive(), await self.receive())
    },
    { name: 'witness' },
  )
  await node.idle()
  expect(heard).toEqual(['ended at 2', expect.objectContaining({ reason: 'enough' })])
})

test('a name will do; nobody has it: noproc. A raw process refuses, and nobody can ask itself', async () => {
  const node = createNode()
  await node.start(Counter, 1, { name: 'it' })
  expect(await sys.getState(node, 'it')).toEqual({ count: 1 })
  expect(await reasonOf(sys.getState(node, 'them'))).toBe('noproc')
  let raw: Promise<unknown> = Promise.resolve()
  const pid = node.spawn(async (self: Self) => {
    raw = reasonOf(sys.getState(self, self.pid))
    await self.receive()
  })
  await node.idle()
  expect(await raw).toBe('calling_self')
  expect(await reasonOf(sys.suspend(node, pid))).toBe('badarg')
  await node.stop()
})

describe('what a process notes', () => {
  test('statistics count messages in and out, without system requests, until they are switched off', async () => {
    const world = createWorld()
    const node = world.createNode()
    const counter = await world.run(node.start(Counter, 0))
    expect(await world.run(sys.statistics(node, counter, 'get'))).toBeUndefined()
    expect(await world.run(sys.statistics(node, counter, true))).toBe('ok')
    counter.cast('add', 1)
    await world.run(counter.call('get'))
    await world.advance(50)
    const counts = await world.run(sys.statistics(node, counter, 'get'))
    expect(counts).toMatchObject({ messagesIn: 2, messagesOut: 1 })
    expect((counts?.currentEpochMs ?? 0) - (counts?.startEpochMs ?? 0)).toBe(50)
    await world.run(sys.statistics(node, counter, false))
    expect(await world.run(sys.statistics(node, counter, 'get'))).toBeUndefined()
  })

  test('the log keeps the last events in a bounded ring', async () => {
    const node = createNode()
    const counter = await node.start(Counter, 0)
    await sys.log(node, counter, 3)
    counter.cast('add', 1)
    counter.cast('add', 2)
    await counter.call('get')
    const events = await sys.log(node, counter, 'get')
    expect(events.map(({ atMs: _, ...event }) => event)).toEqual([
      { kind: 'in', tag: 'get', message: undefined, from: undefined },
      { kind: 'out', act: 'reply', tag: 'get', message: 3, to: undefined },
      { kind: 'state', state: { count: 3 } },
    ])
    await sys.log(node, counter, false)
    expect(await sys.log(node, counter, 'get')).toEqual([])
    expect(() => sys.log(node, counter, 0)).toThrow("flag: expected true, false, 'get' or an integer from 1 to 100000")
    await node.stop()
  })

  test('each event reaches hooks and, traced, the reports; a hook that is done or fails hears no more', async () => {
    const reports: Report[] = []
    const node = createNode({ onReport: (report) => reports.push(report) })
    const door = await node.start(Door)
    let states: unknown[] = []
    const hook = {
      id: 'states',
      state: 0,
      hook: (seen: number, event: sys.TraceEvent) => {
        if (event.kind !== 'state') return seen
        states = [...states, event.state]
        return seen === 1 ? sys.done : seen + 1
      },
    }
    expect(await sys.install(node, door, hook)).toBe('ok')
    expect(await sys.install(node, door, hook)).toEqual({ error: 'already_installed' })
    const failing = { id: 'failing', state: 0, hook: () => JSON.parse('no') as number }
    await sys.install(node, door, failing)
    await sys.trace(node, door, true)
    door.cast('open')
    await node.idle()
    expect((await sys.getStatus(node, door)).debug).toEqual({
      statistics: false,
      trace: true,
      logCapacity: 0,
      hooks: ['states'],
    })
    door.cast('shut')
    await node.idle()
    await sys.noDebug(node, door)
    door.cast('open')
    await node.idle()
    expect(states).toMatchObject([{ state: 'open' }, { state: 'shut' }])
    const traced = reports.flatMap((report) => (report.kind === 'trace' ? [report.event.kind] : []))
    expect(traced).toEqual(['in', 'state', 'in', 'state'])
    await node.stop()
  })

  test('the state that a pending handler leads to is told when it is done', async () => {
    const world = createWorld()
    const node = world.createNode()
    const counter = await world.run(node.start(Counter, 4))
    await world.run(sys.log(node, counter, true))
    await world.run(counter.call('slowly'))
    const events = await world.run(sys.log(node, counter, 'get'))
    expect(events.map((event) => [event.kind, event.atMs - (events[0]?.atMs ?? 0)])).toEqual([
      ['in', 0],
      ['out', 100],
      ['state', 100],
    ])
  })
})
