import { defineServer, isCrash, supervisor } from 'espalier'
import { createWorld } from 'espalier/testing'
import { expect, test } from 'vitest'

const Idle = defineServer({ init: () => 0 })

function stage() {
  const world = createWorld()
  const node = world.createNode()
  return { node, run: world.run.bind(world) }
}

test('an init that answers ignore is no failure, and leaves nothing behind', async () => {
  const { node, run } = stage()
  const Absent = supervisor((): 'ignore' => 'ignore')
  expect(await run(node.tryStart(Absent, undefined, { name: 'absent' }))).toBe('ignore')
  expect([node.processes(), node.registered()]).toEqual([[], []])
})

test('a supervisor under a name that is taken answers who has it', async () => {
  const { node, run } = stage()
  const Tree = supervisor({ children: [{ id: 'a', start: [Idle] }] })
  const first = await run(node.start(Tree, undefined, { name: 'tree' }))
  expect(node.whereis('tree')).toBe(first)
  expect(await run(node.tryStart(Tree, undefined, { name: 'tree' }))).toEqual({ error: { already_started: first } })
  expect(node.processes()).toHaveLength(2)
})

test('an init that throws or returns nonsense fails the start with OTP’s term', async () => {
  const { node, run } = stage()
  const boom = new Error('boom')
  const Throws = supervisor(() => {
    throw boom
  })
  const thrown = await run(node.tryStart(Throws))
  if (typeof thrown === 'string' || !('error' in thrown)) throw new Error('started')
  expect(isCrash(thrown.error) && thrown.error.error).toBe(boom)
  const Nonsense = supervisor(() => 'nonsense' as never)
  expect(await run(node.tryStart(Nonsense))).toEqual({ error: { bad_return: 'nonsense' } })
  expect(node.processes()).toEqual([])
})
