import { createNode, defineServer, ExitError, ignore, noReply, type Ref, reply, stop, stopReply } from 'espalier'
import { expect, test } from 'vitest'

const Store = defineServer({
  init: () => ({ stock: 100 }),
  call: { take: ({ state }, n: number) => reply(n, { stock: state.stock - n }) },
})

const Counter = defineServer({
  init: (start: number) => ({ count: start }),
  call: {
    get: ({ state }) => reply(state.count, state),
    add: ({ state }, by: number) => reply(state.count + by, { count: state.count + by }),
    refill: async ({ self, state }, from: Ref<typeof Store>) => {
      const n = await self.call(from, 'take', 10)
      return reply(n, { count: state.count + n })
    },
    later: ({ self, state, from }) => {
      self.send(self.pid, { answer: from })
      return noReply<number, { count: number }>(state)
    },
    crash: () => {
      throw new Error('boom')
    },
    halt: ({ state }) => stop('shutdown', state),
  },
  cast: { reset: ({ state }) => ({ ...state, count: 0 }) },
  info: ({ self, state }, message) => {
    if (typeof message === 'object' && message !== null && 'answer' in message) self.reply(message.answer as never, 7)
    return state
  },
})

test('a call is answered with the type that its handler replies', async () => {
  const node = createNode({ name: 'shop' })
  const counter = await node.start(Counter, 10, { name: 'counter' })
  const total: number = await counter.call('add', 3)
  expect(total).toBe(13)
  counter.cast('reset')
  expect(await counter.call('get')).toBe(0)
  expect(node.whereis(Counter, 'counter')).toBe(counter)
  await node.stop()
})

test('a handler may await a call to another server', async () => {
  const node = createNode()
  const store = await node.start(Store)
  const counter = await node.start(Counter, 0)
  expect(await counter.call('refill', store)).toBe(10)
  expect(await counter.call('get')).toBe(10)
  await node.stop()
})

test('a call can be answered later, from another handler', async () => {
  const node = createNode()
  const counter = await node.start(Counter, 0)
  expect(await counter.call('later')).toBe(7)
  await node.stop()
})

test('a server that fails ends, and its callers fail with its exit reason', async () => {
  const node = createNode()
  const counter = await node.start(Counter, 0)
  const failed = await counter.call('crash').catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(ExitError)
  expect(node.isAlive(counter)).toBe(false)
  expect(await counter.call('get').catch((error: ExitError) => error.code)).toBe('ERR_NOPROC')
  const other = await node.start(Counter, 0)
  expect(await other.call('halt').catch((error: ExitError) => error.reason)).toBe('shutdown')
  await node.stop()
})

test('a reply with stop comes after terminate has run', async () => {
  const seen: string[] = []
  const Last = defineServer({
    init: () => 0,
    call: { halt: ({ state }) => stopReply('normal', 'answered', state) },
    terminate: async ({ self }) => {
      await self.sleep(1)
      seen.push('terminated')
    },
  })
  const node = createNode()
  const last = await node.start(Last)
  seen.push(await last.call('halt'))
  expect(seen).toEqual(['terminated', 'answered'])
  await node.stop()
})

test('a server whose init says ignore ends normally, and hurts nobody it is linked to', async () => {
  const Absent = defineServer({ init: () => ignore() })
  const node = createNode()
  const seen: unknown[] = []
  node.spawn(async (self) => {
    self.trapExit = true
    seen.push(await self.tryStartLink(Absent), await self.receive())
  })
  await node.idle()
  expect(seen).toMatchObject(['ignore', { reason: 'normal' }])
  await node.stop()
})
