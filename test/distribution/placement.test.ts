// Supervisors whose children run on other nodes.

import {
  type ChildSpec,
  checkChildSpecs,
  createNode,
  type Host,
  type Node,
  type Pid,
  provideHost,
  type Ref,
  type Report,
  type SupervisorFlags,
  supervisor,
} from 'espalier'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { supervisorOf } from '../../src/behaviours/supervisor.ts'
import { MemoryCarrier } from '../../src/distribution/carriers/memory-carrier.ts'
import { Distribution } from '../../src/distribution/distribution.ts'
import { createSystemPorts } from '../../src/system/index.ts'
import { until } from '../kernel/until.ts'
import { spawnIdle } from '../processes.ts'
import { mesh, modules, type Stage, world } from './stages.ts'
import { Counter, Homeless, LastWords, Missing, Odd, Tree } from './workers.ts'

type AnySpec = ChildSpec<typeof Counter>

const treeOf = (children: readonly unknown[], flags: SupervisorFlags = {}) =>
  supervisorOf('tree', () => ({ ...flags, children }))

const counter = (more: object = {}) => ({ id: 'counter', start: [Counter, 1], on: 'far', ...more })

describe.each([
  ['over a mesh', mesh],
  ['in a simulated world', world],
])('a child on another node, %s', (_where, createStage) => {
  let stage: Stage
  let reports: Report[]
  beforeEach(() => {
    stage = createStage()
    reports = []
    stage.near.onReport((report) => reports.push(report))
  })
  afterEach(() => stage.close())

  const farNames = () => stage.far.registered().map(([name]) => name)
  const failures = () =>
    reports.flatMap((report) => (report.kind === 'supervisor' ? [[report.event, report.child, report.reason]] : []))
  const start = (children: readonly unknown[], flags?: SupervisorFlags) =>
    stage.run(stage.near.start(treeOf(children, flags)))

  test('is started there, and restarted there when it crashes', async () => {
    const tree = await start([counter({ name: 'counter' })])
    const first = stage.near.at(Counter, 'far', 'counter')
    expect(await stage.run(first.call('where'))).toBe('far')
    first.cast('add', 5)
    expect(await stage.run(first.call('get'))).toBe(6)
    expect(await stage.run(tree.call('count_children'))).toMatchObject({ active: 1 })
    first.cast('crash', 'over')
    await stage.settle()
    expect(await stage.run(first.call('get'))).toBe(1)
    expect(failures()).toMatchObject([['child_terminated', 'counter', { error: { message: 'over' } }]])
    expect(await stage.run(tree.call('get_childspec', 'counter'))).toMatchObject({ ok: { id: 'counter', on: 'far' } })
  })

  test('ends with noconnection when its node is lost, and is started there again', async () => {
    await start([counter({ name: 'counter' })], { intensity: 3 })
    const before = stage.far.whereis('counter')
    await stage.cut()
    await stage.settle()
    await stage.settle()
    const after = stage.far.whereis('counter')
    expect(failures()[0]).toEqual(['child_terminated', 'counter', 'noconnection'])
    expect([before?.nodeName, after?.nodeName, before === after]).toEqual(['far', 'far', false])
    expect(await stage.run(stage.near.at(Counter, 'far', 'counter').call('get'))).toBe(1)
  })

  test('children start and end in order, wherever they are', async () => {
    const words: unknown[] = []
    const witness = stage.near.spawn(async (self) => {
      for (;;) words.push(await self.receive())
    })
    const spec = (id: string, on: string) => ({ id, start: [LastWords, witness], on, name: id })
    const tree = await start([spec('one', 'far'), spec('two', 'same'), spec('three', 'far')])
    const started = reports.flatMap((report) => (report.kind === 'progress' ? [report.child] : []))
    expect(started).toEqual(['one', 'two', 'three'])
    await stage.run(tree.stop())
    await stage.settle()
    expect(words).toEqual(['far', 'near', 'far'].map((where) => ['last words', where, 'shutdown']))
    expect([farNames(), failures()]).toEqual([['$node'], []])
  })

  test('a whole tree runs elsewhere as one child, and its end is waited for', async () => {
    const tree = await start([{ id: 'tree', start: [Tree], on: 'far' }])
    expect(await stage.run(tree.call('which_children'))).toMatchObject([{ id: 'tree', type: 'supervisor' }])
    expect(stage.far.processes()).toHaveLength(3)
    await stage.run(tree.stop())
    expect(stage.far.processes()).toHaveLength(1)
  })

  test('rest_for_one takes children of another node with it', async () => {
    await start([{ id: 'a', start: [Counter, 1], name: 'a' }, counter({ id: 'b', name: 'b' })], {
      strategy: 'rest_for_one',
    })
    const b = stage.far.whereis('b')
    stage.near.at(Counter, 'near', 'a').cast('crash', 'over')
    await stage.settle()
    expect(stage.far.whereis('b')?.nodeName).toBe('far')
    expect(stage.far.whereis('b')).not.toBe(b)
  })

  test('that cannot be started fails the tree as any child does', async () => {
    const failed = (children: readonly unknown[]) => stage.run(stage.near.tryStart(treeOf(children)))
    expect(await failed([counter({ on: 'nowhere' })])).toEqual({
      error: { shutdown: { failed_to_start_child: 'counter', reason: 'noconnection' } },
    })
    expect(await failed([{ id: 'missing', start: [Missing, 1], on: 'far' }])).toMatchObject({
      error: { shutdown: { reason: { error: { code: 'ERR_TEST_MISSING' } } } },
    })
    expect(await failed([{ id: 'own', start: [Counter, 1], on: { thread: 'own' } }])).toMatchObject({
      error: { shutdown: { reason: { error: { code: 'ERR_NO_HOST' } } } },
    })
    expect(await failed([{ id: 'odd', start: [Odd, 'throw'], on: 'far' }])).toMatchObject({
      error: { shutdown: { reason: { error: { message: 'not today' } } } },
    })
  })

  test('a simple_one_for_one supervisor starts its children elsewhere', async () => {
    const pool = await start([counter()], { strategy: 'simple_one_for_one' })
    const { ok: child } = (await stage.run(pool.call('start_child', 7))) as { ok: Ref<typeof Counter> }
    expect(await stage.run(child.call('get'))).toBe(7)
    child.cast('crash', 'over')
    await stage.settle()
    expect(await stage.run(pool.call('count_children'))).toMatchObject({ active: 1 })
    expect(stage.far.processes()).toHaveLength(2)
  })
})

describe('the spec is refused, with the field', () => {
  const refusal = (spec: object) => checkChildSpecs([spec])
  test.each([
    ['a definition that cannot be loaded', { id: 'x', start: [Homeless], on: 'far' }, 'start'],
    ['a definition of elsewhere on the own node', { id: 'x', start: [Missing, 1] }, 'on'],
    ['what is no placement', counter({ on: 7 }), 'on'],
    ['what is no node', counter({ on: 'a b' }), 'on'],
    ['what is no thread', counter({ on: { thread: 'other' } }), 'on'],
    ['an empty pool', counter({ on: { pool: [] } }), 'on'],
    ['what is no policy', counter({ on: { pool: ['far'], policy: 'random' } }), 'on'],
    ['what is no answer to a node that is down', counter({ on: { node: 'far', whenDown: 'cry' } }), 'on'],
    [
      'an argument that cannot cross',
      { id: 'x', start: [Counter, { each: [() => {}] }], on: 'far' },
      'start[1].each[0]',
    ],
    ['a class instance in it', { id: 'x', start: [Counter, [new URL('file:///a')]], on: 'far' }, 'start[1][0]'],
    ['a node in the options of start', { id: 'x', start: [Homeless, undefined, { on: 'far' }] }, 'start'],
  ])('%s', (_what, spec, field) => {
    expect(refusal(spec)).toMatchObject({ error: { invalid_placement: { field } } })
  })

  test('what is right passes, and arguments are checked by type', () => {
    const spec: AnySpec = { id: 'x', start: [Counter, 1], on: { pool: 'workers', policy: 'least_loaded' } }
    expect(checkChildSpecs([spec, counter({ on: { node: 'far', whenDown: 'wait' } })])).toBe('ok')
    // @ts-expect-error: a counter starts with a number
    supervisor({ children: [{ id: 'x', start: [Counter, 'one'], on: 'far' }] })
  })
})

describe('several nodes', () => {
  const carrier = new MemoryCarrier(createSystemPorts().turns)
  let nodes: Map<string, { readonly node: Node; readonly mesh: Distribution }>
  let near: Node
  const add = (name: string): Node => {
    const node = createNode({ name })
    nodes.set(name, { node, mesh: new Distribution(node, { carrier, modules }) })
    return node
  }
  const lose = async (name: string) => {
    const gone = nodes.get(name)
    nodes.delete(name)
    gone?.mesh.close()
    await gone?.node.stop()
  }
  beforeEach(() => {
    nodes = new Map()
    near = add('near')
    for (const name of ['a', 'b', 'c']) add(name)
  })
  afterEach(async () => {
    for (const name of [...nodes.keys()]) await lose(name)
  })

  const pool = (count: number, on: unknown) =>
    near.start(
      treeOf(
        Array.from({ length: count }, (_, i) => ({ id: `${i}`, start: [Counter, i], on })),
        { intensity: 20 },
      ),
    )
  /** How many counters live on each node of the pool: the node's own service does not count. */
  const spread = (node: string) => nodes.get(node)?.node.processes().length ?? 0

  test('round robin: each start takes the next node, and passes over one that is not there', async () => {
    const dynamic = await near.start(
      treeOf([{ id: 'x', start: [Counter, 0], on: { pool: ['a', 'nowhere', 'b', 'c'] } }], {
        strategy: 'simple_one_for_one',
      }),
    )
    const places: unknown[] = []
    for (let i = 0; i < 8; i++) {
      const started = await dynamic.call('start_child', i)
      places.push('ok' in started && started.ok?.nodeName)
    }
    expect(places).toEqual(['a', 'b', 'b', 'c', 'a', 'b', 'b', 'c'])
  })

  test('least loaded: each start takes the node with the fewest processes', async () => {
    for (let i = 0; i < 3; i++) spawnIdle(nodes.get('a')?.node ?? near)
    spawnIdle(nodes.get('b')?.node ?? near)
    await pool(5, { pool: ['a', 'b', 'c', 'nowhere'], policy: 'least_loaded' })
    // The idle ones, and each node's service: 4, 2, 1. The five level that out.
    expect(['a', 'b', 'c'].map(spread)).toEqual([4, 4, 4])
  })

  test('a node that is lost: its children come back on the others of the pool', async () => {
    await pool(6, { pool: ['a', 'b', 'c'] })
    expect(['a', 'b', 'c'].map(spread)).toEqual([3, 3, 3])
    await lose('a')
    await until(() => spread('b') + spread('c') === 8)
    expect(nodes.has('a')).toBe(false)
  })

  test('a node for which a child waits: the restart takes place when it is back, however long that takes', async () => {
    const tree = await near.start(treeOf([counter({ on: { node: 'a', whenDown: 'wait' } })], { intensity: 1 }))
    await lose('a')
    for (let i = 0; i < 3; i++) await new Promise((resolve) => near.after(300, () => resolve(undefined)))
    expect(await tree.call('which_children')).toMatchObject([{ id: 'counter', child: 'restarting' }])
    const again = add('a')
    await until(() => again.processes().length === 2)
    expect(await tree.call('count_children')).toMatchObject({ active: 1 })
  })

  test('a node that stays away: the supervisor retries by its rules, and gives up', async () => {
    const tree = await near.start(treeOf([counter({ on: 'a' })], { intensity: 3 }))
    const reports: Report[] = []
    near.onReport((report) => reports.push(report))
    await lose('a')
    await until(() => !near.isAlive(tree))
    expect(reports.flatMap((report) => (report.kind === 'supervisor' ? [report.event] : []))).toEqual([
      'child_terminated',
      'start_error',
      'start_error',
      'start_error',
      'shutdown',
    ])
  })

  test('pools by name and threads of their own are the host’s', async () => {
    const seen: unknown[] = []
    const host: Host = {
      pool: (name) => (name === 'workers' ? ['b'] : undefined),
      openOwn: async (child) => {
        seen.push(['open', child.id])
        return {
          nodeName: 'c',
          started: (pid: Pid) => seen.push(['started', pid.nodeName]),
          failed: () => seen.push(['failed']),
        }
      },
    }
    provideHost(near, host)
    const tree = await near.start(
      treeOf([
        { id: 'pooled', start: [Counter, 1], on: { pool: 'workers' } },
        { id: 'own', start: [Counter, 2], on: { thread: 'own' }, restart: 'temporary' },
      ]),
    )
    const children = await tree.call('which_children')
    expect(children.map(({ id, child }) => [id, child instanceof Object && child.nodeName])).toEqual([
      ['own', 'c'],
      ['pooled', 'b'],
    ])
    const failing = await near.tryStart(treeOf([{ id: 'odd', start: [Odd, 'throw'], on: { thread: 'own' } }]))
    expect(failing).toHaveProperty('error')
    expect(seen).toEqual([['open', 'own'], ['started', 'c'], ['open', 'odd'], ['failed']])
    expect(await near.tryStart(treeOf([{ id: 'x', start: [Counter, 1], on: { pool: 'others' } }]))).toMatchObject({
      error: { shutdown: { reason: { error: { code: 'ERR_NO_POOL' } } } },
    })
  })
})
