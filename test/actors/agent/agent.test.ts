import type { Pid, Ref } from 'espalier'
import { beforeEach, describe, expect, test } from 'vitest'
import { Agent, isBegun } from '../../../actors/agent/agent.ts'
import { Registry, registryName } from '../../../actors/registry/registry.ts'
import { commandAgent, type Probe, Stage } from '../stage.ts'

let stage: Stage
let agent: Ref<typeof Agent>
let executor: Probe

beforeEach(async () => {
  stage = new Stage()
  await stage.run(stage.node.start(Registry, undefined, { name: registryName }))
  agent = await start(2)
  executor = stage.probe()
})

function start(concurrency: number, id = 'tester'): Promise<Ref<typeof Agent>> {
  const declaration = commandAgent(id, { concurrency })
  return stage.run(stage.node.start(Agent, { declaration, ports: stage.ports }))
}

/** Asks for an attempt at the task, and keeps the answer in `answers`. */
const answers = new Map<string, unknown>()
async function order(taskId: string, from: Pid = executor.pid): Promise<void> {
  answers.delete(taskId)
  const asked = { flowId: 'flow-1', taskId, role: 'tester', attemptId: `${taskId}/1`, executor: from }
  agent.call('run', asked, { timeoutMs: Number.POSITIVE_INFINITY }).then(
    (result) => answers.set(taskId, result),
    (error: unknown) => answers.set(taskId, error),
  )
  await stage.world.settle()
}
const load = () => stage.run(agent.call('load'))
const begun = (probe = executor) => probe.inbox.flatMap((message) => (isBegun(message) ? [message.begun] : []))

describe('an agent', () => {
  test('registers with its role, and its id is its own', async () => {
    const registry = stage.node.whereis(Registry, registryName)
    expect(await stage.run(registry?.call('find', 'tester') ?? Promise.reject())).toMatchObject({
      id: 'tester',
      role: 'tester',
      concurrency: 2,
      pid: agent,
    })
    await expect(start(1)).rejects.toThrow('{"already_registered":"tester"}')
  })

  test('does not start without a registry', async () => {
    const alone = new Stage()
    const declaration = commandAgent('x')
    await expect(alone.run(alone.node.start(Agent, { declaration, ports: alone.ports }))).rejects.toThrow('no_registry')
  })

  test('does as many tasks at once as declared, in the order asked; tells when it begins and answers when it is done', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await order(id)
    expect(await load()).toEqual({ running: 2, waiting: 2 })
    expect(begun()).toEqual(['a/1', 'b/1'])
    stage.children.of('b').exit(0, 'done')
    await stage.world.settle()
    expect(answers.get('b')).toMatchObject({ succeeded: true, output: { tail: 'done' } })
    expect(begun()).toEqual(['a/1', 'b/1', 'c/1'])
    stage.children.of('a').exit(1)
    stage.children.of('c').exit(0)
    await stage.world.settle()
    expect(answers.get('a')).toMatchObject({ succeeded: false })
    stage.children.of('d').exit(0)
    await stage.world.settle()
    expect(await load()).toEqual({ running: 0, waiting: 0 })
    expect([...answers.keys()].sort()).toEqual(['a', 'b', 'c', 'd'])
  })

  test('refuses more than 1024 waiting tasks', async () => {
    for (let at = 0; at < 1026; at += 1) void order(`t${at}`)
    await stage.world.settle()
    expect(await load()).toEqual({ running: 2, waiting: 1024 })
    await order('too-many')
    expect(answers.get('too-many')).toMatchObject({ succeeded: false, reason: 'the agent has too many tasks waiting' })
  })
})

describe('cancel', () => {
  test('stops a running task: it is answered, and the next begins, once nothing of it is left', async () => {
    for (const id of ['a', 'b', 'c']) await order(id)
    const child = stage.children.of('a')
    child.heedsStop = false
    agent.cast('cancel', 'a/1')
    await stage.world.settle()
    expect([child.stops, answers.has('a'), begun().includes('c/1')]).toEqual([1, false, false])
    child.die('SIGKILL')
    await stage.world.settle()
    expect([answers.get('a'), begun().includes('c/1')]).toMatchObject([{ succeeded: false }, true])
  })

  test('answers a waiting task at once, which never begins', async () => {
    for (const id of ['a', 'b', 'c']) await order(id)
    agent.cast('cancel', 'c/1')
    await stage.world.settle()
    expect(answers.get('c')).toMatchObject({ succeeded: false, reason: 'stopped before it began' })
    expect(stage.children.spawned).toHaveLength(2)
  })

  test('of what it does not know is no error', async () => {
    agent.cast('cancel', 'nothing')
    expect(await load()).toEqual({ running: 0, waiting: 0 })
  })
})

describe('no child outlives', () => {
  test('the executor that asked for it; what waits for that executor never begins', async () => {
    const other = stage.probe()
    await order('a')
    await order('b', other.pid)
    await order('c')
    await order('d', other.pid)
    stage.node.sendExit(executor.pid, 'kill')
    await stage.world.settle()
    expect(stage.children.spawned.map(({ command }) => command.env?.ESPALIER_TASK)).toEqual(['a', 'b', 'd'])
    expect(stage.children.alive.map(({ command }) => command.env?.ESPALIER_TASK)).toEqual(['b', 'd'])
    expect(await load()).toEqual({ running: 2, waiting: 0 })
  })

  test.each(['kill', 'shutdown'])('the agent, when it is ended by %s', async (reason) => {
    for (const id of ['a', 'b', 'c']) await order(id)
    stage.node.sendExit(agent, reason)
    await stage.world.settle()
    expect(stage.children.spawned).toHaveLength(2)
    expect(stage.children.alive).toEqual([])
    expect(answers.get('c')).toBeInstanceOf(Error)
  })

  test('the node', async () => {
    for (const id of ['a', 'b']) await order(id)
    void stage.node.stop()
    await stage.world.advance(6000)
    expect(stage.children.alive).toEqual([])
  })
})
