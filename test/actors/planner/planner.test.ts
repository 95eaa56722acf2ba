import type { Ref } from 'espalier'
import { beforeEach, expect, test, vi } from 'vitest'
import type { Agent } from '../../../actors/agent/agent.ts'
import type { AgentDeclaration } from '../../../actors/flow/agents-file.ts'
import type { OrchestratorProtocol } from '../../../actors/orchestrator/protocol.ts'
import { Planner } from '../../../actors/planner/planner.ts'
import { Registry, registryName } from '../../../actors/registry/registry.ts'
import { commandAgent, Stage } from '../stage.ts'
import { states } from '../state-trace.ts'

vi.mock('../../../src/behaviours/statem-results.ts', async (original) =>
  (await import('../state-trace.ts')).traced(await original()),
)

beforeEach(() => {
  states.length = 0
})

/** Plans a flow of one task for each role. Agents that are `present` have a process. */
async function plan(roles: readonly string[], agents: readonly AgentDeclaration[], present: readonly string[]) {
  const stage = new Stage()
  const registry = await stage.run(stage.node.start(Registry, undefined, { name: registryName }))
  for (const { id, role, concurrency } of agents.filter((agent) => present.includes(agent.id))) {
    const pid = stage.probe().pid as Ref<typeof Agent>
    await stage.run(registry.call('register', { id, role, concurrency, pid }))
  }
  const owner = stage.probe()
  const tasks = roles.map((role, at) => ({ id: `t${at + 1}`, role, dependsOn: [], priority: 0, timeoutMs: 1000 }))
  const spec = { tasks, parallel: 2, timeoutMs: 1000 }
  const start = { spec, agents, owner: owner.pid as Ref<OrchestratorProtocol> }
  const planner = await stage.run(stage.node.start(Planner, start))
  await stage.world.settle()
  expect(owner.casts('joined')).toEqual([{ kind: 'planner', pid: planner }])
  expect([stage.node.processes().includes(planner), stage.crashes]).toEqual([false, []])
  return owner.casts('planned')[0]
}

const two = [commandAgent('first', { role: 'r' }), commandAgent('second', { role: 'r' })]

test('a plan: idle, analyzing, assigning, routing, complete', async () => {
  expect(await plan(['r', 'r'], two, ['first', 'second'])).toMatchObject({
    ok: { tasks: [{ agent: 'first' }, { agent: 'second' }] },
  })
  expect(states).toEqual(['idle', 'analyzing', 'assigning', 'routing', 'complete'])
})

test('an agent without a process is left out where another can do the work', async () => {
  expect(await plan(['r', 'r'], two, ['second'])).toMatchObject({
    ok: { tasks: [{ agent: 'second' }, { agent: 'second' }] },
  })
})

test('and planned all the same where none can: it may be on its way back', async () => {
  expect(await plan(['r'], two, [])).toMatchObject({ ok: { tasks: [{ agent: 'first' }] } })
})

test('red: a role that nobody has: error', async () => {
  expect(await plan(['q'], two, ['first'])).toEqual({ error: 'no agent for the role "q" (none is declared)' })
  expect(states).toEqual(['idle', 'analyzing', 'assigning', 'error'])
})
