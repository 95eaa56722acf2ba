import { createNode, PubSub } from 'espalier'
import { expect, test } from 'vitest'
import { kill, Signal, spawnCollector, spawnIdle } from '../processes.ts'

const node = createNode({ name: 'pubsub' })

test('a broadcast reaches each subscriber of its topic once, and nobody else', async () => {
  const pubsub = new PubSub<readonly [string, number]>(node)
  const [a, b, c] = [spawnCollector(node), spawnCollector(node), spawnCollector(node)]
  expect(pubsub.subscribe(a.pid, ['room', 1])).toBe(true)
  expect(pubsub.subscribe(a.pid, ['room', 1])).toBe(false)
  pubsub.subscribe(b.pid, ['room', 1])
  pubsub.subscribe(c.pid, ['room', 2])
  expect(pubsub.broadcast(node, ['room', 1], 'hi')).toBe(2)
  await node.idle()
  expect([a, b, c].map(({ messages }) => messages)).toEqual([['hi'], ['hi'], []])
})

test('the sender may leave itself out, and its broadcasts stay in order', async () => {
  const pubsub = new PubSub(node)
  const listener = spawnCollector(node)
  pubsub.subscribe(listener.pid, 'news')
  let heard: unknown
  const sender = node.spawn(async (self) => {
    for (let i = 0; i < 100; i++) pubsub.broadcast(self, 'news', i, { except: self.pid })
    heard = await self.receive(() => true, { timeoutMs: 0 })
  })
  pubsub.subscribe(sender, 'news')
  await node.idle()
  expect(listener.messages).toEqual(Array.from({ length: 100 }, (_, i) => i))
  expect(heard).toBeUndefined()
})

test('who unsubscribes or ends is no subscriber any more', async () => {
  const pubsub = new PubSub(node, { maxSubscriptions: 2 })
  const [a, b] = [spawnIdle(node), spawnIdle(node)]
  pubsub.subscribe(a, 'x')
  pubsub.subscribe(b, 'x')
  expect(() => pubsub.subscribe(b, 'y')).toThrow(/full/)
  expect([pubsub.unsubscribe(a, 'x'), pubsub.unsubscribe(a, 'x')]).toEqual([true, false])
  await kill(node, b)
  expect([pubsub.subscribers('x'), pubsub.topics(), pubsub.broadcast(node, 'x', 1)]).toEqual([[], [], 0])
  expect(pubsub.subscribe(b, 'x')).toBe(false)
})

test('a handler that has been killed and goes on broadcasts nothing: the attempt is counted', async () => {
  const pubsub = new PubSub(node)
  const listener = spawnCollector(node)
  pubsub.subscribe(listener.pid, 'x')
  const [started, gate] = [new Signal(), new Signal()]
  const zombie = node.spawn(async (self) => {
    started.give()
    await gate.given
    pubsub.broadcast(self, 'x', 'from the dead')
  })
  await started.given
  await kill(node, zombie)
  const before = node.counters.fenced
  gate.give()
  await node.idle()
  await gate.given
  expect(listener.messages).toEqual([])
  expect(node.counters.fenced).toBe(before + 1)
})
