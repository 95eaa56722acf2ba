import type { Ref } from 'espalier'
import { beforeEach, expect, test } from 'vitest'
import type { Agent } from '../../../actors/agent/agent.ts'
import { type RegisteredAgent, Registry, registryName } from '../../../actors/registry/registry.ts'
import { Stage } from '../stage.ts'

let stage: Stage
let registry: Ref<typeof Registry>

beforeEach(async () => {
  stage = new Stage()
  registry = await stage.run(stage.node.start(Registry, undefined, { name: registryName }))
})

const agent = (id: string, role = 'r'): RegisteredAgent => {
  return { id, role, concurrency: 1, pid: stage.probe().pid as Ref<typeof Agent> }
}
const register = (entry: RegisteredAgent) => stage.run(registry.call('register', entry))
const list = async () => (await stage.run(registry.call('list'))).map(({ id }) => id)

test('finds agents by id and lists them, all or by role, in the order of registration', async () => {
  const b = agent('b')
  for (const entry of [b, agent('a', 'other'), agent('c')]) expect(await register(entry)).toBe(true)
  expect(await stage.run(registry.call('find', 'b'))).toMatchObject(b)
  expect(await stage.run(registry.call('find', 'x'))).toBeUndefined()
  expect(await list()).toEqual(['b', 'a', 'c'])
  expect((await stage.run(registry.call('members', 'r'))).map(({ id }) => id)).toEqual(['b', 'c'])
})

test('an id has one living process: a second one is refused, the first may register again', async () => {
  const first = agent('a')
  expect(await register(first)).toBe(true)
  expect(await register(agent('a'))).toBe(false)
  expect(await register({ ...first, concurrency: 4 })).toBe(true)
  expect(await stage.run(registry.call('find', 'a'))).toMatchObject({ pid: first.pid, concurrency: 4 })
})

test('an agent that ends is taken out, and its id is free', async () => {
  const first = agent('a')
  await register(first)
  stage.node.sendExit(first.pid, 'kill')
  await stage.world.settle()
  expect(await list()).toEqual([])
  expect(await register(agent('a'))).toBe(true)
})

test('the end of an earlier process does not take out the one that has come in its place', async () => {
  const [first, second] = [agent('a'), agent('a')]
  await register(first)
  stage.node.sendExit(first.pid, 'kill')
  // No settling between: the end of the first may still be on its way.
  expect(await register(second)).toBe(true)
  await stage.world.settle()
  expect(await stage.run(registry.call('find', 'a'))).toMatchObject({ pid: second.pid })
})
