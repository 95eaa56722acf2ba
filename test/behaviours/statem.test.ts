import { createNode, defineHandleEvent, defineStatem, ExitError, type From, type Ref, statem } from 'espalier'
import { expect, test } from 'vitest'

const { initial, keep, keepStateAndData, next, postpone, reply, stateTimeout, stop, stopAndReply } = statem

const Door = defineStatem({
  init: (code: string) => initial('locked', { code, tries: 0 }),
  states: {
    locked: {
      enter: ({ data }) => keep({ ...data, tries: 0 }),
      call: {
        open: ({ data, from }, code: string) =>
          code === data.code
            ? next('open', data, reply(from, true), stateTimeout(60_000, 'lock'))
            : keep({ ...data, tries: data.tries + 1 }, reply(from, false)),
      },
      cast: { push: () => keepStateAndData(postpone()) },
    },
    open: {
      cast: {
        push: ({ data }) => next('ajar', data),
        lock: ({ data }) => next('locked', data),
      },
      stateTimeout: ({ data }) => next('locked', data),
    },
    ajar: {},
  },
  any: {
    call: {
      where: ({ state, from }) => keepStateAndData(reply(from, state)),
      tries: async ({ data, from }) => keepStateAndData(reply(from, data.tries)),
      burn: ({ from }) => stopAndReply('fire', [reply(from, 'ashes')]),
    },
    cast: { explode: () => stop('bang') },
  },
})

test('a call is answered with the type that its handlers reply', async () => {
  const node = createNode()
  const door: Ref<typeof Door> = await node.start(Door, '1234')
  const opened: boolean = await door.call('open', '1111')
  expect(opened).toBe(false)
  const tries: number = await door.call('tries')
  expect(tries).toBe(1)
  expect(await door.call('open', '1234')).toBe(true)
  const where: 'locked' | 'open' | 'ajar' = await door.call('where')
  expect(where).toBe('open')
  const ashes: string = await door.call('burn')
  expect(ashes).toBe('ashes')
  await node.stop()
})

test('what a machine does not know, or takes otherwise, does not compile', async () => {
  const node = createNode()
  const door = await node.start(Door, '1234')
  const never = () => {
    // @ts-expect-error no such call
    door.call('shut')
    // @ts-expect-error the code is a string
    door.call('open', 7)
    // @ts-expect-error the code is missing
    door.call('open')
    // @ts-expect-error no such cast
    door.cast('open', '1234')
    // @ts-expect-error the argument of init is a string
    node.start(Door, 7)
    defineStatem({
      init: () => initial('on', 0),
      states: {
        on: {
          // @ts-expect-error no such state
          cast: { toggle: ({ data }) => next('of', data) },
        },
        off: {},
      },
    })
    defineStatem({
      // @ts-expect-error no such state
      init: () => initial('onn', 0),
      states: { on: {} },
    })
    defineStatem({
      init: () => initial('on', { n: 0 }),
      states: {
        on: {
          // @ts-expect-error the data is { n: number }
          cast: { toggle: () => keep({ n: '1' }) },
        },
      },
    })
    defineStatem({
      init: () => initial('on', 0),
      states: {
        on: {
          // @ts-expect-error no postponing in an enter handler
          enter: () => keepStateAndData(postpone()),
        },
      },
    })
    defineStatem({
      init: () => initial('on', 0),
      states: {
        off: {},
        on: {
          // @ts-expect-error no change of state in an enter handler
          enter: ({ data }) => next('off', data),
        },
      },
    })
  }
  expect(never).toBeTypeOf('function')
  await node.stop()
})

interface Till {
  readonly call: {
    readonly pay: (amount: number) => string
    readonly total: () => number
  }
  readonly cast: { readonly settle: () => void }
}

const TillMachine = defineStatem<Till>()({
  init: () => initial('idle', { waiting: [] as From<string>[], total: 0 }),
  states: {
    idle: {
      call: {
        pay: ({ data, from }, amount) => next('busy', { waiting: [...data.waiting, from], total: data.total + amount }),
      },
    },
    busy: {
      call: { pay: () => keepStateAndData(postpone()) },
      cast: {
        settle: ({ data }) =>
          next('idle', { ...data, waiting: [] }, ...data.waiting.map((from) => reply(from, 'thanks'))),
      },
    },
  },
  any: { call: { total: ({ data, from }) => keepStateAndData(reply(from, data.total)) } },
})

test('a protocol types what is answered later', async () => {
  const node = createNode()
  const till = await node.start(TillMachine)
  const paid: Promise<string> = till.call('pay', 3)
  const postponed = till.call('pay', 4)
  expect(await till.call('total')).toBe(3)
  till.cast('settle')
  expect(await paid).toBe('thanks')
  expect(await till.call('total')).toBe(7)
  till.cast('settle')
  expect(await postponed).toBe('thanks')
  const never = () => {
    defineStatem<Till>()({
      init: () => initial('idle', 0),
      states: {
        idle: {
          call: {
            // @ts-expect-error a total is a number
            total: ({ from }) => keepStateAndData(reply(from, 'much')),
          },
        },
      },
    })
    defineStatem<Till>()({
      init: () => initial('idle', 0),
      states: {
        idle: {
          // @ts-expect-error no such call in the protocol
          call: { refund: () => keepStateAndData() },
        },
      },
    })
  }
  expect(never).toBeTypeOf('function')
  await node.stop()
})

type Position = { readonly x: number; readonly y: number }
interface RobotProtocol {
  readonly call: { readonly where: () => Position }
  readonly cast: { readonly go: (to: Position) => void }
}

const Robot = defineHandleEvent<RobotProtocol>()({
  init: (at: Position) => initial<Position, Position[]>(at, []),
  stateEnter: true,
  handleEvent: ({ state, data }, event) => {
    switch (event.type) {
      case 'call':
        return keepStateAndData(reply(event.from, state))
      case 'cast':
        return next(event.content, data)
      case 'enter':
        return keep([...data, state])
      default:
        return keepStateAndData()
    }
  },
  terminate: ({ self, data }) => self.send('log', data),
})

test('states may be data, compared by structure', async () => {
  const node = createNode()
  const logged = new Promise((resolve) => {
    node.spawn(async (self) => resolve(await self.receive()), { name: 'log' })
  })
  const robot = await node.start(Robot, { x: 0, y: 0 })
  robot.cast('go', { x: 0, y: 0 })
  robot.cast('go', { x: 1, y: 0 })
  const { x }: Position = await robot.call('where')
  expect(x).toBe(1)
  await robot.stop()
  expect(await logged).toEqual([
    { x: 0, y: 0 },
    { x: 1, y: 0 },
  ])
  await node.stop()
})

test('callers of a machine that stops fail with its reason', async () => {
  const node = createNode()
  const till = await node.start(TillMachine)
  const paid = till.call('pay', 3).catch((error: ExitError) => error)
  await till.stop('closed')
  const error = await paid
  expect(error).toBeInstanceOf(ExitError)
  expect(error).toMatchObject({ reason: 'closed' })
  await node.stop()
})
