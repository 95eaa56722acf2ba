import { defineHandleEvent, OptionError, type Self, statem } from 'espalier'
import { createWorld, type World } from 'espalier/testing'
import { expect, test } from 'vitest'

const { cancel, eventTimeout, initial, keepStateAndData, next, nextEvent, stateTimeout, timeout, update } = statem

type Script = (self: Self) => statem.Action[]

/** A machine that notes what happens and when, and carries out the actions that it is sent. */
async function observed(world: World, script: Record<string, Script>) {
  const node = world.createNode()
  const seen: string[] = []
  const Observed = defineHandleEvent({
    init: () => initial<string, null>('a', null),
    handleEvent: ({ self, state }, event) => {
      const type = event.type === 'timeout' ? event.tag : event.type
      seen.push(`${self.now()} ${state} ${type} ${event.content}`)
      const actions = event.type === 'cast' ? (script[event.tag]?.(self) ?? []) : []
      return event.type === 'cast' && event.tag === 'go'
        ? next(state === 'a' ? 'b' : 'a', null, ...actions)
        : keepStateAndData(...actions)
    },
  })
  const machine = await world.run(node.start(Observed))
  return { machine, node, seen }
}

test('a state time-out ends with its state, a generic one outlives it', async () => {
  const world = createWorld()
  const { machine, seen } = await observed(world, { s: () => [stateTimeout(50, 's'), timeout('g', 60, 'g')] })
  machine.cast('s')
  await world.advance(20)
  machine.cast('go')
  await world.advance(100)
  expect(seen).toEqual(['0 a cast undefined', '20 a cast undefined', '60 b g g'])
})

test('a state time-out started together with the change of state belongs to the new state', async () => {
  const world = createWorld()
  const { machine, seen } = await observed(world, { go: () => [stateTimeout(50, 'new')] })
  machine.cast('go')
  await world.advance(100)
  expect(seen).toEqual(['0 a cast undefined', '50 b state_timeout new'])
})

test('any event cancels the event time-out', async () => {
  const world = createWorld()
  const { machine, node, seen } = await observed(world, { s: () => [eventTimeout(50, 'quiet')] })
  machine.cast('s')
  await world.advance(40)
  machine.cast('x')
  await world.advance(100)
  machine.cast('s')
  await world.advance(100)
  expect(seen.at(-1)).toBe('190 a event_timeout quiet')
  expect(seen).toHaveLength(4)
  expect(node.timers.size).toBe(0)
})

test('an update changes the content and keeps the time', async () => {
  const world = createWorld()
  const { machine, seen } = await observed(world, {
    s: () => [timeout('g', 50, 'old')],
    u: () => [update({ timeout: 'g' }, 'new')],
  })
  machine.cast('s')
  await world.advance(30)
  machine.cast('u')
  await world.advance(100)
  expect(seen.at(-1)).toBe('50 a g new')
})

test('time-outs 0 come before the mailbox and set no timer', async () => {
  const world = createWorld()
  const { machine, node, seen } = await observed(world, { s: () => [timeout('g', 0, 1), stateTimeout(0, 2)] })
  machine.cast('s')
  machine.cast('x')
  while (seen.length === 0) world.scheduler.step()
  expect(node.timers.size).toBe(0)
  await world.settle()
  expect(seen.map((line) => line.slice(4))).toEqual(['cast undefined', 'g 1', 'state_timeout 2', 'cast undefined'])
})

test('a time-out in the mailbox that is cancelled there is not delivered', async () => {
  const world = createWorld()
  const { machine, seen } = await observed(world, {
    s: () => [timeout('g', 10, 'g'), timeout('h', 10, 'h')],
    c: () => [cancel({ timeout: 'g' }), update({ timeout: 'h' }, 'changed')],
  })
  machine.cast('s')
  await world.settle()
  machine.cast('c')
  world.time.step()
  await world.settle()
  expect(seen).toEqual(['0 a cast undefined', '10 a cast undefined', '10 a h changed'])
})

test('a time-out 0 that waits is replaced by one that takes its time', async () => {
  // OTP 25 loses both here and hands out a raw timer message.
  const world = createWorld()
  const { machine, seen } = await observed(world, {
    s: () => [stateTimeout(0, 'now'), nextEvent('cast', 'later')],
    later: () => [stateTimeout(40, 'later')],
  })
  machine.cast('s')
  await world.advance(100)
  expect(seen.at(-1)).toBe('40 a state_timeout later')
  expect(seen).toHaveLength(3)
})

test('an absolute time is one of the clock of self.now()', async () => {
  const world = createWorld()
  const { machine, seen } = await observed(world, {
    s: (self) => [timeout('g', self.now() + 30, 'g', { abs: true }), timeout('past', 1, 'p', { abs: true })],
  })
  await world.advance(20)
  machine.cast('s')
  await world.advance(100)
  expect(seen).toEqual(['20 a cast undefined', '21 a past p', '50 a g g'])
})

test('infinity cancels', async () => {
  const world = createWorld()
  const { machine, node } = await observed(world, {
    s: () => [stateTimeout(50)],
    i: () => [stateTimeout(Number.POSITIVE_INFINITY)],
  })
  machine.cast('s')
  machine.cast('i')
  await world.settle()
  expect(node.timers.size).toBe(0)
})

test.each([-1, Number.NaN, 2 ** 32])('%s milliseconds are refused where they are asked for', (ms) => {
  expect(() => stateTimeout(ms)).toThrow(OptionError)
})

test('a killed machine leaves no timer behind', async () => {
  const world = createWorld()
  const { machine, node } = await observed(world, {
    s: () => [stateTimeout(1e6), eventTimeout(1e6), timeout('g', 1e6)],
  })
  machine.cast('s')
  await world.settle()
  expect(node.timers.size).toBe(3)
  node.sendExit(machine, 'kill')
  await world.settle()
  expect(node.timers.size).toBe(0)
})

test('a full mailbox takes a time-out all the same, and drop_oldest does not drop it', async () => {
  const world = createWorld()
  const node = world.createNode()
  const seen: unknown[] = []
  const Full = defineHandleEvent({
    init: () => initial('a', null, timeout('g', 10, 'due')),
    handleEvent: async ({ self }, event) => {
      seen.push(event.content)
      await self.sleep(50)
      return keepStateAndData()
    },
  })
  const mailbox = { capacity: 2, overflow: 'drop_oldest' } as const
  const machine = await world.run(node.start(Full, undefined, { mailbox }))
  machine.cast('x', 1)
  await world.advance(20)
  for (const n of [2, 3, 4]) machine.cast('x', n)
  await world.advance(1000)
  expect(seen).toEqual([1, 'due', 4])
})
