// Children placed on threads by their specs: in a pool, and on a thread of their own.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../kernel/until.ts'
import { type Echo, espalier, Fixture, workerModule } from './fixture.ts'

const LocatedEcho = espalier.definitionAt<import('espalier').Definition<undefined, Echo>>(
  workerModule('echo.mjs'),
  'LocatedEcho',
)

let fixture: Fixture
beforeEach(() => {
  fixture = new Fixture()
})
afterEach(() => fixture.stop())

async function treeOf(on: import('espalier').Placement, ids: readonly string[]) {
  const { node } = fixture
  const tree = await node.start(
    espalier.supervisor({ intensity: 5, children: ids.map((id) => ({ id, start: [LocatedEcho], on })) }),
  )
  const places = async () =>
    (await tree.call('which_children')).map(({ child }) =>
      child === undefined || child === 'restarting' ? child : child.nodeName,
    )
  return { tree, places }
}

describe('a child spec', () => {
  test('places children in turn on the threads of a pool', { timeout: 60_000 }, async () => {
    for (const name of ['one', 'two']) await fixture.threads.start(name, { pool: 'crew' })
    await fixture.threads.start('another')
    const { places } = await treeOf({ pool: 'crew' }, ['a', 'b', 'c', 'd'])
    expect((await places()).sort()).toEqual(['one', 'one', 'two', 'two'])
  })

  test('brings a child of a pool back on the thread that is left', { timeout: 60_000 }, async () => {
    const one = await fixture.threads.start('one', { pool: 'crew' })
    await fixture.threads.start('two', { pool: 'crew' })
    const { places } = await treeOf({ pool: 'crew' }, ['a', 'b'])
    await one.terminate()
    while ((await places()).join() !== 'two,two') await new Promise((resolve) => setImmediate(resolve))
  })

  test('gives a child a thread of its own, which ends with it', { timeout: 60_000 }, async () => {
    const { tree, places } = await treeOf({ thread: 'own' }, ['a'])
    const [first] = await places()
    expect(fixture.threads.list().map(({ name }) => name)).toEqual([first])
    await tree.call('terminate_child', 'a')
    await until(() => fixture.threads.list().length === 0)
    await tree.call('restart_child', 'a')
    const [second] = await places()
    expect(second).not.toBe(first)
    expect(fixture.threads.list().map(({ name }) => name)).toEqual([second])
  })

  test('names a pool that nobody has', async () => {
    await expect(treeOf({ pool: 'nobody' }, ['a'])).rejects.toThrow(/ERR_NO_POOL/)
  })
})
