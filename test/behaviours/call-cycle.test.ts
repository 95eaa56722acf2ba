import { defineServer, ExitError, noReply, type Ref, reply, sendRequest } from 'espalier'
import { createWorld } from 'espalier/testing'
import { expect, test } from 'vitest'

type Chain = {
  readonly call: { pass(on: readonly Ref<Chain>[]): string; ping(): 'pong' }
}

// Passes the call on to the first of a list, within 100 ms less at each stage unless told otherwise.
const link = (name: string, timeoutMs: number) =>
  defineServer<Chain>()({
    name,
    init: () => undefined,
    call: {
      pass: async ({ self, state }, on) => {
        const [first, ...rest] = on
        if (first === undefined) return reply('end', state)
        return reply(await self.call(first, 'pass', rest, { timeoutMs }), state)
      },
      ping: ({ state }) => reply('pong', state),
    },
  })

const failed = (promise: Promise<unknown>) =>
  promise.then(
    () => new Error('no error'),
    (error: unknown) => error,
  )

test('a call that timed out in a cycle names who waits for whom, in which call', async () => {
  const world = createWorld()
  const errors: unknown[] = []
  const node = world.createNode({
    onReport: (report) => {
      if (report.kind === 'crash' && typeof report.reason === 'object') errors.push(report.reason)
    },
  })
  const a = await world.run(node.start(link('a', 100), undefined, { name: 'first' }))
  const b = await world.run(node.start(link('b', 200), undefined, { label: 'middle' }))
  const c = await world.run(node.start(link('c', 300)))
  await world.run(failed(a.call('pass', [b, c, a])))
  const [crash] = errors as { error: ExitError }[]
  const error = crash?.error
  if (error === undefined) throw new Error('no crash')
  expect(error).toBeInstanceOf(ExitError)
  expect(error.reason).toBe('timeout')
  expect(error.cycle?.map(({ pid, tag }) => [pid, tag])).toEqual([
    [a, 'pass'],
    [b, 'pass'],
    [c, 'pass'],
  ])
  expect(error.message).toContain(`first ${a} -pass→ middle ${b} -pass→ c ${c} -pass→ first ${a}`)
})

test('a callee that is merely slow, or waits for somebody else, makes no cycle', async () => {
  const world = createWorld()
  const errors: unknown[] = []
  const node = world.createNode({
    onReport: (report) => {
      if (report.kind === 'crash') errors.push((report.reason as { error: unknown }).error)
    },
  })
  const Slow = defineServer<Chain>()({
    init: () => undefined,
    call: {
      pass: async ({ self, state }) => {
        await self.sleep(1000)
        return reply('late', state)
      },
      ping: ({ state }) => reply('pong', state),
    },
  })
  const slow = await world.run(node.start(Slow))
  const a = await world.run(node.start(link('a', 100)))
  const b = await world.run(node.start(link('b', 200)))
  await world.run(failed(a.call('pass', [b, slow])))
  await world.settle()
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatchObject({ reason: 'timeout', cycle: undefined })
})

test('a callee that has asked the caller something, and does not wait for it, makes no cycle', async () => {
  const world = createWorld()
  const node = world.createNode()
  const Lazy = defineServer<{ readonly call: { ask(whom: Ref<Chain>): string } }>()({
    init: () => undefined,
    call: {
      ask: ({ self, state }, whom) => {
        sendRequest(self, whom, 'ping')
        return noReply(state)
      },
    },
  })
  const lazy = await world.run(node.start(Lazy))
  const Asker = defineServer<Chain>()({
    init: () => undefined,
    call: {
      pass: async ({ self, state }) => reply(await self.call(lazy, 'ask', selfRef(), { timeoutMs: 100 }), state),
      ping: ({ state }) => reply('pong', state),
    },
  })
  const asker: Ref<Chain> = await world.run(node.start(Asker))
  const selfRef = () => asker
  const error = await world.run(failed(asker.call('pass', [])))
  expect(error).toMatchObject({ reason: { error: { reason: 'timeout', cycle: undefined } } })
})
