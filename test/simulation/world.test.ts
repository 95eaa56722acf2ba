import { defineServer, next, type noReply, reply, type Self } from 'espalier'
import { createWorld } from 'espalier/testing'
import { expect, test } from 'vitest'

const Patient = defineServer({
  init: () => next(0, { timeoutMs: 1000 }),
  call: {
    count: ({ state }) => reply(state, state, { timeoutMs: 1000 }),
    hang: (): Promise<ReturnType<typeof noReply<number, number>>> => new Promise(() => {}),
  },
  info: ({ state }) => next(state + 1, { timeoutMs: 1000 }),
})

test('nothing runs until the world settles', async () => {
  const world = createWorld()
  const node = world.createNode()
  let ran = false
  node.spawn(() => {
    ran = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(ran).toBe(false)
  await world.settle()
  expect(ran).toBe(true)
})

test('time passes only by advance, and stops at each timer on its way', async () => {
  const world = createWorld()
  const node = world.createNode()
  const started = node.start(Patient)
  await world.settle()
  const patient = await started
  await world.advance(999)
  const before = patient.call('count')
  await world.settle()
  expect(await before).toBe(0)
  // The call has put the time-out off.
  await world.advance(10_000)
  const after = patient.call('count')
  await world.settle()
  expect(await after).toBe(10)
  expect(node.now()).toBe(10_999)
})

test('a handler that awaits what never comes does not keep the world from settling', async () => {
  const world = createWorld()
  const node = world.createNode()
  const started = node.start(Patient)
  await world.settle()
  const failed = (await started)
    .call('hang', undefined, { timeoutMs: 50 })
    .catch((error: { reason: unknown }) => error.reason)
  await world.settle()
  await world.advance(Number.POSITIVE_INFINITY)
  expect(await failed).toBe('timeout')
  expect(world.time.nowMs).toBe(50)
})

test('a seed chooses the order of ready processes, the same one each time', async () => {
  const orderOf = async (seed?: number) => {
    const world = createWorld(seed === undefined ? {} : { seed })
    const node = world.createNode()
    const order: number[] = []
    const body = (i: number) => async (self: Self) => {
      order.push(i)
      await self.receive()
      order.push(i)
    }
    const pids = Array.from({ length: 10 }, (_, i) => node.spawn(body(i)))
    await world.settle()
    for (const pid of pids) node.send(pid, 'go')
    await world.settle()
    return order.join()
  }
  expect(await orderOf(1)).toBe(await orderOf(1))
  expect(await orderOf(1)).not.toBe(await orderOf(2))
  expect(await orderOf()).toBe('0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9')
})
