import { type BackoffOptions, checkChildSpecs, defineServer, type Node, reply, supervisor } from 'espalier'
import { createWorld } from 'espalier/testing'
import { expect, test } from 'vitest'

const Worker = defineServer({
  init: () => 0,
  call: { ping: ({ state }) => reply('pong', state) },
  cast: {
    crash: () => {
      throw new Error('boom')
    },
  },
})

const tree = (backoff: BackoffOptions, strategy: 'one_for_one' | 'one_for_all' = 'one_for_one') =>
  supervisor({
    strategy,
    intensity: 100,
    periodMs: 1_000_000,
    children: [
      { id: 'a', start: [Worker], name: 'a' },
      { id: 'b', start: [Worker], name: 'b', backoff },
    ],
  })

const crash = (node: Node, name: string) => node.whereis(Worker, name)?.cast('crash')

test('each wait is longer, up to the longest; a child that has run for so long begins anew', async () => {
  const world = createWorld()
  const node = world.createNode()
  await world.run(node.start(tree({ initialMs: 100, factor: 3, maxMs: 500, jitter: 0 })))
  for (const waitMs of [100, 300, 500, 500]) {
    crash(node, 'b')
    await world.advance(waitMs - 1)
    expect(node.whereis('b')).toBeUndefined()
    await world.advance(1)
    expect(node.whereis('b')).toBeDefined()
  }
  await world.advance(500)
  crash(node, 'b')
  await world.advance(100)
  expect(node.whereis('b')).toBeDefined()
})

test('without back-off a child is restarted at once, before any time has passed', async () => {
  const world = createWorld()
  const node = world.createNode()
  await world.run(node.start(tree({})))
  crash(node, 'a')
  await world.settle()
  expect(node.whereis('a')).toBeDefined()
})

test('while a child waits, the supervisor answers, restarts others, and can be stopped', async () => {
  const world = createWorld()
  const node = world.createNode()
  const top = await world.run(node.start(tree({ initialMs: 1000 })))
  crash(node, 'b')
  await world.settle()
  const children = await world.run(top.call('which_children'))
  expect(children.map(({ id, child }) => [id, child === 'restarting'])).toEqual([
    ['b', true],
    ['a', false],
  ])
  expect(await world.run(top.call('restart_child', 'b'))).toEqual({ error: 'restarting' })
  crash(node, 'a')
  await world.settle()
  expect(node.whereis('a')).toBeDefined()
  expect(node.timerCount).toBe(1)
  await world.run(top.stop())
  expect(node.processes()).toEqual([])
  expect(node.timerCount).toBe(0)
  await world.advance(Number.POSITIVE_INFINITY)
  expect(node.processes()).toEqual([])
})

test('a waiting child that is terminated, deleted and added again is not started twice', async () => {
  const world = createWorld()
  const node = world.createNode()
  const top = await world.run(node.start(tree({ initialMs: 1000, jitter: 0 })))
  crash(node, 'b')
  await world.settle()
  expect(await world.run(top.call('terminate_child', 'b'))).toBe('ok')
  expect(await world.run(top.call('delete_child', 'b'))).toBe('ok')
  expect(await world.run(top.call('start_child', { id: 'b', start: [Worker], name: 'b' }))).toHaveProperty('ok')
  const again = node.whereis('b')
  await world.advance(5000)
  expect(node.whereis('b')).toBe(again)
})

test('one_for_all stops the others at once and starts them with the child that waited', async () => {
  const world = createWorld()
  const node = world.createNode()
  await world.run(node.start(tree({ initialMs: 100, jitter: 0 }, 'one_for_all')))
  crash(node, 'b')
  await world.advance(99)
  expect(node.whereis('a')).toBeUndefined()
  await world.advance(1)
  expect([node.whereis('a'), node.whereis('b')]).not.toContain(undefined)
})

test('dynamic children wait each for itself', async () => {
  const world = createWorld()
  const node = world.createNode()
  const pool = await world.run(
    node.start(
      supervisor({
        strategy: 'simple_one_for_one',
        intensity: 100,
        children: [{ id: 'w', start: [Worker], backoff: { initialMs: 100, jitter: 0 } }],
      }),
    ),
  )
  const active = async () => (await world.run(pool.call('count_children'))).active
  for (let i = 0; i < 2; i++) await world.run(pool.call('start_child', undefined))
  for (const waitMs of [100, 200, 400]) {
    const [first] = await world.run(pool.call('which_children'))
    // The youngest incarnation is last: crash the one that was crashed before.
    const children = await world.run(pool.call('which_children'))
    const target = waitMs === 100 ? first : children.at(-1)
    if (typeof target?.child !== 'object') throw new Error('not running')
    node.sendExit(target.child, 'boom')
    await world.advance(waitMs - 1)
    expect(await active()).toBe(1)
    await world.advance(1)
    expect(await active()).toBe(2)
  }
})

test('jitter shortens a wait by at most its part, and comes from the seed', async () => {
  const waits: number[] = []
  for (const seed of [1, 1, 2, 3, 4, 5]) {
    const world = createWorld({ seed })
    const node = world.createNode()
    await world.run(node.start(tree({ initialMs: 1000, jitter: 0.5 })))
    crash(node, 'b')
    await world.settle()
    const start = node.now()
    while (node.whereis('b') === undefined) await world.advance(1)
    waits.push(node.now() - start)
  }
  expect(waits[0]).toBe(waits[1])
  expect(new Set(waits).size).toBeGreaterThan(3)
  for (const wait of waits) {
    expect(wait).toBeGreaterThanOrEqual(500)
    expect(wait).toBeLessThanOrEqual(1001)
  }
})

test('a wrong back-off is named', () => {
  for (const backoff of [{ initialMs: 0 }, { factor: 0.5 }, { jitter: 2 }, { initialMs: 10, maxMs: 5 }, 7, null]) {
    expect(checkChildSpecs([{ id: 'a', start: [Worker], backoff }])).toEqual({ error: { invalid_backoff: backoff } })
  }
})
