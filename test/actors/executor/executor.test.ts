import type { Ref } from 'espalier'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Agent } from '../../../actors/agent/agent.ts'
import { Executor } from '../../../actors/executor/executor.ts'
import type { AgentDeclaration } from '../../../actors/flow/agents-file.ts'
import type { Execution, OrchestratorProtocol, TaskProgress } from '../../../actors/orchestrator/protocol.ts'
import { planFlow } from '../../../actors/planner/plan.ts'
import { Registry, registryName } from '../../../actors/registry/registry.ts'
import { commandAgent, type Probe, Stage } from '../stage.ts'
import { states } from '../state-trace.ts'

vi.mock('../../../src/behaviours/statem-results.ts', async (original) =>
  (await import('../state-trace.ts')).traced(await original()),
)

interface Task {
  readonly id: string
  readonly role: string
  readonly dependsOn?: readonly string[]
  readonly timeoutMs?: number
}

let stage: Stage
let owner: Probe
let executor: Ref<typeof Executor>
const agents = new Map<string, Ref<typeof Agent>>()

beforeEach(async () => {
  states.length = 0
  agents.clear()
  stage = new Stage()
  owner = stage.probe()
  await stage.run(stage.node.start(Registry, undefined, { name: registryName }))
})

async function startAgent(declaration: AgentDeclaration): Promise<void> {
  agents.set(declaration.id, await stage.run(stage.node.start(Agent, { declaration, ports: stage.ports })))
}

async function execute(tasks: readonly Task[], declarations: readonly AgentDeclaration[], parallel = 2): Promise<void> {
  for (const declaration of declarations) await startAgent(declaration)
  const spec = tasks.map((task) => ({ dependsOn: [], priority: 0, timeoutMs: 60_000, ...task }))
  const plan = planFlow({ tasks: spec, parallel, timeoutMs: 60_000 }, declarations)
  const start = { flowId: 'flow-1', plan, beganMs: stage.node.now(), owner: owner.pid as Ref<OrchestratorProtocol> }
  executor = await stage.run(stage.node.start(Executor, start))
  await stage.world.settle()
}

const progress = () => (owner.casts('progress') as TaskProgress[]).map(({ taskId, state }) => `${taskId} ${state}`)
const execution = () => owner.casts('executed')[0] as Execution
const outcomes = () => Object.fromEntries(execution().tasks.map((task) => [task.id, task.outcome]))
const kill = async (id: string) => {
  const agent = agents.get(id)
  if (agent !== undefined) stage.node.sendExit(agent, 'kill')
  await stage.world.settle()
}
const a = commandAgent('a')
const b = commandAgent('b')

describe('an executor', () => {
  test('carries out a plan: idle, then dispatching, executing, monitoring for each task, then complete', async () => {
    stage.children.onSpawn = (child) => child.exit(0, 'done')
    await execute(
      [
        { id: 'first', role: 'a' },
        { id: 'second', role: 'b', dependsOn: ['first'] },
      ],
      [a, b],
    )
    expect(states).toEqual([
      'idle',
      ...['dispatching', 'executing', 'monitoring'],
      ...['dispatching', 'executing', 'monitoring'],
      'complete',
    ])
    expect(owner.casts('joined')).toEqual([{ kind: 'executor', pid: executor }])
    expect(progress()).toEqual(['first running', 'first succeeded', 'second running', 'second succeeded'])
    expect(execution()).toMatchObject({
      outcome: 'succeeded',
      tasks: [
        { id: 'first', role: 'a', outcome: 'succeeded', attempts: [{ agent: 'a', output: { bytes: 4 } }] },
        { id: 'second', role: 'b', outcome: 'succeeded', attempts: [{ agent: 'b', output: { bytes: 4 } }] },
      ],
    })
    expect(stage.node.processes()).not.toContain(executor)
  })

  test('runs at most so many tasks at once, and gives the room of one that ends to the next', async () => {
    const wide = commandAgent('a', { concurrency: 10 })
    await execute(
      ['t1', 't2', 't3'].map((id) => ({ id, role: 'a' })),
      [wide],
    )
    expect(stage.children.alive).toHaveLength(2)
    stage.children.of('t2').exit(0)
    await stage.world.settle()
    expect(stage.children.alive.map(({ command }) => command.env?.ESPALIER_TASK)).toEqual(['t1', 't3'])
  })

  test('ends in error when a task fails, skips what depends on it and finishes the rest', async () => {
    await execute(
      [
        { id: 'bad', role: 'a' },
        { id: 'behind', role: 'b', dependsOn: ['bad'] },
        { id: 'further', role: 'b', dependsOn: ['behind'] },
        { id: 'beside', role: 'b' },
      ],
      [a, b],
    )
    stage.children.of('bad').exit(1, '', 'line 1: wrong')
    stage.children.of('beside').exit(0)
    await stage.world.settle()
    expect(states.at(-1)).toBe('error')
    expect(outcomes()).toEqual({ bad: 'failed', behind: 'skipped', further: 'skipped', beside: 'succeeded' })
    expect(progress()).toEqual(expect.arrayContaining(['bad failed', 'behind skipped', 'further skipped']))
    expect(owner.casts('progress')).toContainEqual(
      expect.objectContaining({ taskId: 'bad', state: 'failed', tail: 'line 1: wrong', attempt: 1 }),
    )
  })
})

describe('a time-out', () => {
  test('ends the child, and the task is timed_out', async () => {
    await execute([{ id: 't', role: 'a', timeoutMs: 5000 }], [a])
    await stage.world.advance(4999)
    expect(stage.children.of('t').alive).toBe(true)
    await stage.world.advance(1)
    expect(stage.children.of('t').stops).toBe(1)
    expect(execution()).toMatchObject({
      outcome: 'failed',
      tasks: [
        {
          outcome: 'timed_out',
          attempts: [{ outcome: 'timed_out', durationMs: 5000, reason: 'timed out after 5000 ms' }],
        },
      ],
    })
  })

  test('does not run while a task waits for its agent', async () => {
    const tasks = ['t1', 't2'].map((id) => ({ id, role: 'a', timeoutMs: 5000 }))
    await execute(tasks, [commandAgent('a', { concurrency: 1 })])
    expect(progress()).toEqual(['t1 running'])
    await stage.world.advance(4000)
    stage.children.of('t1').exit(0)
    await stage.world.advance(4000)
    stage.children.of('t2').exit(0)
    await stage.world.settle()
    expect(outcomes()).toEqual({ t1: 'succeeded', t2: 'succeeded' })
    expect(execution().tasks[1]?.attempts).toMatchObject([{ startMs: 4000, durationMs: 4000 }])
  })

  test('is over for the flow even if the module does not heed its signal', async () => {
    stage.modules.set('file:///deaf.js', { work: () => new Promise(() => {}) })
    const deaf = commandAgent('a', { runner: { kind: 'module', url: 'file:///deaf.js', export: 'work' } })
    await execute([{ id: 't', role: 'a', timeoutMs: 5000 }], [deaf])
    await stage.world.advance(5000)
    expect(outcomes()).toEqual({ t: 'timed_out' })
  })
})

describe("when an agent's process is killed", () => {
  test('its task is begun again on the restarted one, and the child of the first attempt is gone', async () => {
    await execute([{ id: 't', role: 'a' }], [a])
    await kill('a')
    expect(stage.children.alive).toEqual([])
    await startAgent(a)
    await stage.world.advance(500)
    stage.children.of('t').exit(0)
    await stage.world.settle()
    expect(progress()).toEqual(['t running', 't retrying', 't running', 't succeeded'])
    expect(execution().tasks[0]?.attempts).toMatchObject([
      { outcome: 'failed', reason: 'the agent "a" ended: "killed"' },
      { outcome: 'succeeded' },
    ])
  })

  test('three times, the task has failed', async () => {
    await execute([{ id: 't', role: 'a' }], [a])
    for (const _attempt of [1, 2, 3]) {
      await kill('a')
      await startAgent(a)
      await stage.world.advance(500)
    }
    expect(stage.children.spawned).toHaveLength(3)
    expect(outcomes()).toEqual({ t: 'failed' })
  })

  test('and does not come back, the task has failed, and says so', async () => {
    await execute([{ id: 't', role: 'a' }], [a])
    await kill('a')
    await stage.world.advance(5000)
    expect(execution().tasks[0]).toMatchObject({
      outcome: 'failed',
      attempts: [{}, { reason: 'the agent "a" has no process' }, { reason: 'the agent "a" has no process' }],
    })
  })
})

describe('stop', () => {
  test('ends what runs, begins no more, and reports every task as stopped', async () => {
    await execute(
      ['t1', 't2', 't3'].map((id) => ({ id, role: 'a' })),
      [commandAgent('a', { concurrency: 2 })],
    )
    executor.cast('stop', 'SIGTERM')
    await stage.world.settle()
    expect(stage.children.alive).toEqual([])
    expect(stage.children.spawned).toHaveLength(2)
    expect(execution()).toMatchObject({
      outcome: 'stopped',
      tasks: [
        { outcome: 'stopped', attempts: [{ outcome: 'stopped', reason: 'stopped: SIGTERM' }] },
        { outcome: 'stopped', attempts: [{}] },
        { outcome: 'stopped', attempts: [] },
      ],
    })
  })

  test('does not make a success of one that ends well while it is stopped', async () => {
    await execute([{ id: 't', role: 'a' }], [a])
    const child = stage.children.of('t')
    child.heedsStop = false
    executor.cast('stop', 'SIGTERM')
    await stage.world.settle()
    child.exit(0)
    await stage.world.settle()
    expect(outcomes()).toEqual({ t: 'stopped' })
  })

  test('and the loss of the agent at once: stopped, not begun again', async () => {
    await execute([{ id: 't', role: 'a' }], [a])
    stage.children.of('t').heedsStop = false
    executor.cast('stop', 'SIGTERM')
    await kill('a')
    expect(outcomes()).toEqual({ t: 'stopped' })
  })
})

test('an executor whose orchestrator is gone ends, and its tasks with it', async () => {
  await execute([{ id: 't', role: 'a' }], [a])
  stage.node.sendExit(owner.pid, 'kill')
  await stage.world.settle()
  expect(stage.node.processes()).not.toContain(executor)
  expect([stage.children.alive, stage.crashes]).toEqual([[], []])
})
