import { defineServer, ExitError, sys } from 'espalier'
import { createWorld } from 'espalier/testing'
import { expect, test } from 'vitest'

const Busy = defineServer({
  init: () => 0,
  cast: {
    work: ({ self, state }) => self.sleep(10_000).then(() => state + 1),
    note: ({ state }) => state + 1,
  },
})

test('a request waits its time for a process at work, by default 5000 ms', async () => {
  const world = createWorld()
  const node = world.createNode()
  const busy = await world.run(node.start(Busy))
  busy.cast('work')
  await world.settle()
  const failed = (asked: Promise<unknown>) => world.run(asked.catch((error: unknown) => error))
  const short = await failed(sys.getState(node, busy, { timeoutMs: 100 }))
  expect(short).toBeInstanceOf(ExitError)
  expect([short, node.now()]).toMatchObject([{ reason: 'timeout' }, 100])
  expect([await failed(sys.getState(node, busy)), node.now()]).toMatchObject([{ reason: 'timeout' }, 5100])
  expect(await world.run(sys.getState(node, busy))).toBe(1)
})

test('a hook that is removed hears no more, others do', async () => {
  const world = createWorld()
  const node = world.createNode()
  const busy = await world.run(node.start(Busy))
  const heard: string[] = []
  for (const id of ['a', 'b']) {
    const hook = (_: null, event: sys.TraceEvent) => {
      if (event.kind === 'in') heard.push(id)
      return null
    }
    await world.run(sys.install(node, busy, { id, hook, state: null }))
  }
  busy.cast('note')
  await world.settle()
  expect(await world.run(sys.remove(node, busy, 'a'))).toBe('ok')
  busy.cast('note')
  await world.settle()
  expect(heard).toEqual(['a', 'b', 'b'])
})
