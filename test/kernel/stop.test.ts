import { defineServer, ExitError } from 'espalier'
import { createWorld } from 'espalier/testing'
import { expect, test } from 'vitest'

test('a stop that takes too long rejects with timeout, and the process goes on ending', async () => {
  const world = createWorld()
  const node = world.createNode()
  const Slow = defineServer({ init: () => 0, terminate: ({ self }) => self.sleep(100) })
  const server = await world.run(node.start(Slow))
  const outcome = await world.run(server.stop('shutdown', { timeoutMs: 30 }).catch((error: unknown) => error))
  expect(outcome).toBeInstanceOf(ExitError)
  expect(outcome).toMatchObject({ reason: 'timeout', code: 'ERR_TIMEOUT' })
  expect([node.now(), node.isAlive(server)]).toEqual([30, true])
  await world.advance(70)
  expect(node.isAlive(server)).toBe(false)
})
