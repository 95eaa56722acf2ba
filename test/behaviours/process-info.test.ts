import { createNode, defineServer, type ProcessInfo, processInfo, reply, sys } from 'espalier'
import { createWorld } from 'espalier/testing'
import { expect, test } from 'vitest'

const Worker = defineServer({
  name: 'worker',
  init: () => 0,
  call: {
    work: async ({ self, state }, ms: number) => {
      await self.sleep(ms)
      return reply('done', state)
    },
  },
  cast: { note: ({ state }) => state + 1 },
})

test('shows names, links, monitors, flags and parent', async () => {
  const node = createNode()
  const seen: (ProcessInfo | undefined)[] = []
  const parent = node.spawn(
    async (self) => {
      self.trapExit = true
      const worker = await self.startLink(Worker, undefined, { name: 'w', label: 'the worker', priority: 'high' })
      self.monitor(worker)
      seen.push(await processInfo(self, worker), await processInfo(self, self.pid))
      await self.receive()
    },
    { label: 'parent' },
  )
  await node.idle()
  const worker = node.whereis('w')
  expect(seen).toEqual([
    {
      pid: worker,
      name: 'w',
      label: 'the worker',
      definition: 'worker',
      status: 'waiting',
      handling: undefined,
      mailboxLength: 0,
      postponed: 0,
      links: [parent],
      monitors: [],
      monitoredBy: [parent],
      trapExit: false,
      priority: 'high',
      parent,
      messages: undefined,
    },
    expect.objectContaining({ status: 'running', trapExit: true, monitors: [worker], label: 'parent' }),
  ])
  await node.stop()
})

test('tells a process at work by the tag of what it handles, and how much waits', async () => {
  const world = createWorld()
  const node = world.createNode()
  const worker = await world.run(node.start(Worker))
  await world.run(sys.statistics(node, worker, true))
  const work = worker.call('work', 100)
  worker.cast('note')
  await world.settle()
  expect(await world.run(processInfo(node, worker))).toMatchObject({
    status: 'running',
    handling: 'work',
    mailboxLength: 1,
    messages: { in: 1, out: 0 },
  })
  await world.run(work)
  await world.settle()
  expect(await world.run(processInfo(node, worker))).toMatchObject({
    status: 'waiting',
    handling: undefined,
    mailboxLength: 0,
    messages: { in: 2, out: 1 },
  })
  await world.run(sys.suspend(node, worker))
  expect(await world.run(processInfo(node, worker))).toMatchObject({ status: 'suspended' })
})

test('comes behind the signals of the asker, and is undefined of a process that is no more', async () => {
  const node = createNode()
  const worker = await node.start(Worker)
  node.sendExit(worker, 'kill')
  expect(await processInfo(node, worker)).toBeUndefined()
})
