import {
  checkChildSpecs,
  createNode,
  defineServer,
  type Node,
  type Ref,
  type Report,
  reply,
  supervisor,
} from 'espalier'
import { expect, test } from 'vitest'

const Counter = defineServer({
  name: 'counter',
  init: (start: number) => ({ count: start }),
  call: {
    get: ({ state }) => reply(state.count, state),
    add: ({ state }, by: number) => reply(state.count + by, { count: state.count + by }),
  },
  cast: {
    crash: () => {
      throw new Error('boom')
    },
  },
})

const counters = (strategy: 'one_for_one' | 'one_for_all' | 'rest_for_one') =>
  supervisor({
    strategy,
    intensity: 5,
    periodMs: 60_000,
    children: [
      { id: 'a', start: [Counter, 1], name: 'a' },
      { id: 'b', start: [Counter, 2], name: 'b' },
      { id: 'c', start: [Counter, 3], name: 'c' },
    ],
  })

function named(node: Node, name: string): Ref<typeof Counter> {
  const ref = node.whereis(Counter, name)
  if (ref === undefined) throw new Error(`nobody is ${name}`)
  return ref
}

for (const [strategy, restarted] of [
  ['one_for_one', ['b']],
  ['rest_for_one', ['b', 'c']],
  ['one_for_all', ['a', 'b', 'c']],
] as const) {
  test(`${strategy}: when b fails, ${restarted.join(', ')} start again`, async () => {
    const reports: Report[] = []
    const node = createNode({ onReport: (report) => reports.push(report) })
    await node.start(counters(strategy))
    const before = ['a', 'b', 'c'].map((name) => named(node, name))
    named(node, 'b').cast('crash')
    await node.idle()
    const after = ['a', 'b', 'c'].map((name) => named(node, name))
    expect(['a', 'b', 'c'].filter((_, i) => before[i] !== after[i])).toEqual(restarted)
    expect(await named(node, 'b').call('add', 3)).toBe(5)
    const started = reports.flatMap((report) => (report.kind === 'progress' ? [report.child] : []))
    expect(started).toEqual(['a', 'b', 'c', ...restarted])
    expect(reports.flatMap(({ kind }) => (kind === 'progress' ? [] : [kind]))).toEqual(['crash', 'supervisor'])
    await node.stop()
    expect(node.processes()).toEqual([])
  })
}

test('more restarts than the intensity allows end the supervisor with reason shutdown', async () => {
  const node = createNode()
  const tree = await node.start(
    supervisor({ intensity: 2, periodMs: 60_000, children: [{ id: 'a', start: [Counter, 1], name: 'a' }] }),
  )
  for (let i = 0; i < 3; i++) {
    named(node, 'a').cast('crash')
    await node.idle()
  }
  expect(node.isAlive(tree)).toBe(false)
  expect(node.whereis('a')).toBeUndefined()
})

test('the operations answer what supervisor(3) says', async () => {
  const node = createNode()
  const tree = await node.start(counters('one_for_one'))
  expect((await tree.call('which_children')).map((child) => child.id)).toEqual(['c', 'b', 'a'])
  expect(await tree.call('count_children')).toEqual({ specs: 3, active: 3, supervisors: 0, workers: 3 })
  expect(await tree.call('terminate_child', 'b')).toBe('ok')
  expect(await tree.call('delete_child', 'a')).toEqual({ error: 'running' })
  expect(await tree.call('restart_child', 'b')).toHaveProperty('ok')
  expect(await tree.call('terminate_child', 'nobody')).toEqual({ error: 'not_found' })
  await node.stop()
})

test('simple_one_for_one starts children of one kind with an argument each', async () => {
  const node = createNode()
  const pool = await node.start(
    supervisor({ strategy: 'simple_one_for_one', children: [{ id: 'n', start: [Counter, 0], restart: 'transient' }] }),
  )
  const started = await pool.call('start_child', 7)
  if (!('ok' in started) || started.ok === undefined) throw new Error('not started')
  expect(await pool.call('count_children')).toEqual({ specs: 1, active: 1, supervisors: 0, workers: 1 })
  expect(await pool.call('terminate_child', started.ok)).toBe('ok')
  await node.stop()
})

test('a wrong child spec is named as OTP names it', () => {
  expect(checkChildSpecs([{ id: 'a', start: [Counter, 1], restart: 'always' }])).toEqual({
    error: { invalid_restart_type: 'always' },
  })
})
