import { createNode } from 'espalier'
import { expect, test } from 'vitest'

test('an exit cascade has run its course before any process reads its mailbox', async () => {
  const node = createNode()
  const seen: unknown[] = []
  // The end of a is told to c, which monitors it, before it takes b, and b takes c: c must be gone before it reads.
  const a = node.spawn((self) => self.receive().then(() => self.exit('gone')))
  const b = node.spawn(async (self) => {
    self.link(a)
    await self.receive()
  })
  const c = node.spawn(async (self) => {
    self.link(b)
    self.monitor(a)
    seen.push(await self.receive())
  })
  await node.idle()
  node.send(a, 'go')
  await node.idle()
  expect([a, b, c].map((pid) => node.isAlive(pid))).toEqual([false, false, false])
  expect(seen).toEqual([])
  await node.stop()
})
