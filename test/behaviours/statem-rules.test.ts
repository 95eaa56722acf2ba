import { defineHandleEvent, defineStatem, ExitError, type Report, statem } from 'espalier'
import { createWorld } from 'espalier/testing'
import { expect, test } from 'vitest'

const {
  changeCallbackModule,
  initial,
  keep,
  keepStateAndData,
  next,
  nextEvent,
  popCallbackModule,
  postpone,
  pushCallbackModule,
  repeatStateAndData,
  reply,
  stop,
} = statem

/** How a machine ended, as its starter, its `terminate` and a monitor see it. */
async function endOf(handleEvent: Parameters<typeof defineHandleEvent<string, number>>[0]['handleEvent'], tag = 'go') {
  const world = createWorld()
  const node = world.createNode()
  let told: unknown
  const Mortal = defineHandleEvent({
    init: () => initial<string, number>('a', 1),
    stateEnter: true,
    handleEvent,
    terminate: ({ state, data }, reason) => {
      told = { state, data, reason }
    },
  })
  const machine = await world.run(node.start(Mortal))
  const error = await world.run(machine.call(tag).catch((failed: ExitError) => failed))
  return { told, exit: error instanceof ExitError ? error.reason : error }
}

test('terminate is told what was thrown, the process ends with the stack too', async () => {
  const boom = new Error('boom')
  const { told, exit } = await endOf((_context, event) => {
    if (event.type === 'call') throw boom
    return keepStateAndData()
  })
  expect(told).toEqual({ state: 'a', data: 1, reason: boom })
  expect(exit).toEqual({ error: boom, stack: boom.stack })
})

test('an enter handler that throws leaves the machine where it was', async () => {
  const { told } = await endOf(({ state }, event) => {
    if (event.type === 'enter' && state === 'b') throw new Error('no way in')
    return event.type === 'call' ? next('b', 2) : keepStateAndData()
  })
  expect(told).toMatchObject({ state: 'a', data: 1 })
})

const asEvent = (_action: statem.Action) => keepStateAndData(_action)

test.each([
  ['postpone()', asEvent(postpone()), { bad_state_enter_action_from_state_function: 'postpone' }],
  [
    'an inserted event',
    asEvent(nextEvent('internal', 'i')),
    { bad_state_enter_action_from_state_function: { next_event: 'internal', content: 'i' } },
  ],
  [
    'another state',
    next('c', 3),
    { bad_state_enter_return_from_state_function: { next_state: 'c', data: 3, actions: [] } },
  ],
  ['garbage', 'garbage' as never, { bad_return_from_state_function: 'garbage' }],
  ['no action', asEvent('garbage' as never), { bad_action_from_state_function: 'garbage' }],
  ['nothing to pop', asEvent(popCallbackModule()), { bad_action_from_state_function: 'pop_callback_module' }],
])('an enter call that returns %s ends the machine', async (_what, result, error) => {
  const { told, exit } = await endOf(({ state }, event) => {
    if (event.type === 'call') return next('b', 2)
    return state === 'b' ? result : keepStateAndData()
  })
  expect(told).toEqual({ state: 'b', data: 2, reason: error })
  expect(exit).toEqual({ error, stack: '' })
})

test('a start that fails tells why', async () => {
  const world = createWorld()
  const node = world.createNode()
  const failing = (init: () => never) => world.run(node.tryStart(defineStatem({ init, states: {} })))
  const boom = new Error('boom')
  expect(await world.run(node.tryStart(defineStatem({ init: () => statem.ignore(), states: { a: {} } })))).toBe(
    'ignore',
  )
  expect(await world.run(node.tryStart(defineStatem({ init: () => stop('no'), states: { a: {} } })))).toEqual({
    error: 'no',
  })
  expect(
    await failing(() => {
      throw boom
    }),
  ).toEqual({ error: boom })
  expect(await failing(() => 'garbage' as never)).toEqual({ error: { bad_return_from_init: 'garbage' } })
  expect(node.processes()).toEqual([])
})

const Lamp = defineStatem({
  name: 'lamp',
  init: () => initial('off', [] as string[]),
  states: {
    off: {
      enter: ({ data }, previous) => keep([...data, `off from ${previous}`]),
      cast: { press: ({ data }) => next('on', data), later: () => keepStateAndData(postpone()) },
    },
    on: {
      enter: ({ data }, previous) => keep([...data, `on from ${previous}`]),
      cast: {
        press: ({ data }) => next('off', data),
        again: () => repeatStateAndData(),
        later: ({ data }) => keep([...data, 'later']),
      },
      internal: ({ data }, what: string) => keep([...data, what]),
    },
  },
  any: {
    call: { log: async ({ data, from }) => keep(data, reply(from, data)) },
    cast: { other: () => keepStateAndData(pushCallbackModule(Other)) },
  },
})

const Third = defineHandleEvent({
  name: 'third',
  init: () => initial('off', []),
  handleEvent: (_context, event) =>
    event.type === 'call' ? keepStateAndData(reply(event.from, 'third')) : keepStateAndData(popCallbackModule()),
})

const Other = defineHandleEvent({
  name: 'other',
  init: () => initial<string, null>('off', null),
  handleEvent: ({ data }, event) => {
    if (event.type === 'call') return keepStateAndData(reply(event.from, 'other'))
    if (event.type === 'cast' && event.tag === 'back') return keepStateAndData(popCallbackModule())
    if (event.type === 'cast' && event.tag === 'change') return keepStateAndData(changeCallbackModule(Third))
    if (event.type === 'cast' && event.tag === 'push')
      return next('on', data, popCallbackModule(), nextEvent('internal', 'i'))
    return keepStateAndData()
  },
})

test('enter handlers run at the start, at a change of state and at a repeat, and see the state before', async () => {
  const world = createWorld()
  const lamp = await world.run(world.createNode().start(Lamp))
  for (const tag of ['later', 'press', 'again', 'press'] as const) lamp.cast(tag)
  const log: string[] = await world.run(lamp.call('log'))
  expect(log).toEqual(['off from off', 'on from off', 'later', 'on from on', 'off from on'])
})

test('another definition takes over, and the first one returns', async () => {
  const world = createWorld()
  const lamp = await world.run(world.createNode().start(Lamp))
  lamp.cast('other')
  expect(await world.run(lamp.call('log'))).toBe('other')
  const foreign: { cast(tag: string): boolean } = lamp as never
  foreign.cast('change')
  expect(await world.run(lamp.call('log'))).toBe('third')
  foreign.cast('back')
  expect(await world.run(lamp.call('log'))).toEqual(['off from off'])
  lamp.cast('other')
  foreign.cast('push')
  // The definition that is in force after the actions makes the enter call.
  expect(await world.run(lamp.call('log'))).toEqual(['off from off', 'on from off', 'i'])
})

test('a call or cast that nobody handles ends the machine; a plain message is a dead letter', async () => {
  const world = createWorld()
  const reports: Report[] = []
  const node = world.createNode({ onReport: (report) => reports.push(report) })
  const lamp = await world.run(node.start(Lamp))
  node.send(lamp, 'hello')
  await world.settle()
  expect(reports).toMatchObject([{ kind: 'dead_letter', why: 'unhandled', message: 'hello' }])
  lamp.cast('again')
  await world.settle()
  expect(reports.at(-1)).toMatchObject({
    kind: 'crash',
    definition: 'lamp',
    handling: 'again',
    reason: { error: { code: 'ERR_UNHANDLED', message: 'lamp has no handler for cast "again" in state "off"' } },
  })
})

test('tags are looked up among the handlers only', async () => {
  const world = createWorld()
  const node = world.createNode()
  const lamp = await world.run(node.start(Lamp))
  const foreign: { call(tag: string): Promise<unknown> } = lamp as never
  const error = await world.run(foreign.call('constructor').catch((failed: ExitError) => failed))
  expect(error).toMatchObject({ reason: { error: { code: 'ERR_UNHANDLED' } } })
})

test('postponed events count against the bound of the mailbox, until they have been handled', async () => {
  const world = createWorld()
  const lamp = await world.run(world.createNode().start(Lamp, undefined, { mailbox: { capacity: 3 } }))
  const sent = []
  for (let i = 0; i < 5; i++) {
    sent.push(lamp.cast('later'))
    await world.settle()
  }
  expect(sent).toEqual([true, true, true, false, false])
})

test('the bound is free again once postponed events have been handled', async () => {
  const world = createWorld()
  const Gate = defineStatem({
    init: () => initial('shut', 0, nextEvent('cast', 'open')),
    states: {
      shut: { cast: { pass: () => keepStateAndData(postpone()), open: ({ data }) => next('open', data) } },
      open: {},
    },
    any: { cast: { pass: ({ data }) => keep(data + 1), shut: ({ data }) => next('shut', data) } },
  })
  const gate = await world.run(world.createNode().start(Gate, undefined, { mailbox: { capacity: 2 } }))
  await world.settle()
  for (let round = 0; round < 3; round++) {
    expect(gate.cast('shut')).toBe(true)
    expect(gate.cast('pass')).toBe(true)
    await world.settle()
    expect(gate.cast('open')).toBe(true)
    await world.settle()
  }
})

test('while a handler awaits, nothing else is handled', async () => {
  const world = createWorld()
  const order: string[] = []
  const Slow = defineStatem({
    init: () => initial('a', null),
    states: {
      a: {
        cast: {
          wait: async ({ self }) => {
            order.push('begin')
            await self.sleep(10)
            order.push('end')
            return keepStateAndData(nextEvent('internal', 'inserted'))
          },
          quick: () => {
            order.push('quick')
            return keepStateAndData()
          },
        },
        internal: (_context, what: string) => {
          order.push(what)
          return keepStateAndData()
        },
      },
    },
  })
  const slow = await world.run(world.createNode().start(Slow))
  slow.cast('wait')
  slow.cast('quick')
  await world.advance(20)
  expect(order).toEqual(['begin', 'end', 'inserted', 'quick'])
})
