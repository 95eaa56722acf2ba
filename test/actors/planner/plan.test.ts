import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AgentDeclaration } from '../../../actors/flow/agents-file.ts'
import type { FlowSpec } from '../../../actors/flow/flow-spec.ts'
import { type Plan, PlanError, type PlannedTask, planFlow } from '../../../actors/planner/plan.ts'
import { flowOf } from '../flow/arbitrary-flow.ts'

const agent = (id: string, role: string, concurrency = 1, estimatedMs = 1000): AgentDeclaration => ({
  id,
  role,
  capabilities: [],
  concurrency,
  estimatedMs,
  runner: { kind: 'module', url: 'file:///x.js', export: 'run' },
})
const task = (id: string, role: string, dependsOn: string[] = [], priority = 0) => ({
  id,
  role,
  dependsOn,
  priority,
  timeoutMs: 1000,
})
const flow = (parallel: number, ...tasks: FlowSpec['tasks']): FlowSpec => ({ tasks, parallel, timeoutMs: 1000 })
const times = (plan: Plan) => plan.tasks.map(({ id, agent, startMs, endMs }) => [id, agent, startMs, endMs])

test('a diamond: waves, critical path and costs', () => {
  const agents = [agent('x', 'x', 1, 100), agent('y', 'y', 2, 300)]
  const plan = planFlow(
    flow(4, task('a', 'x'), task('b', 'x', ['a']), task('c', 'y', ['a']), task('d', 'x', ['b', 'c'])),
    agents,
  )
  expect(times(plan)).toEqual([
    ['a', 'x', 0, 100],
    ['c', 'y', 100, 400],
    ['b', 'x', 100, 200],
    ['d', 'x', 400, 500],
  ])
  expect(plan.tasks.map(({ id, wave }) => [id, wave])).toEqual([
    ['a', 0],
    ['c', 1],
    ['b', 1],
    ['d', 2],
  ])
  expect(plan.criticalPath).toEqual(['a', 'c', 'd'])
  expect(plan.cost).toEqual({ totalMs: 600, criticalPathMs: 500, makespanMs: 500 })
})

test('work is shared out by least load', () => {
  const agents = [agent('slow', 'x', 1, 300), agent('fast', 'x', 1, 100), agent('other', 'y')]
  const tasks = ['a', 'b', 'c', 'd'].map((id) => task(id, 'x'))
  const plan = planFlow(flow(2, ...tasks), agents)
  expect(times(plan)).toEqual([
    ['a', 'slow', 0, 300],
    ['b', 'fast', 0, 100],
    ['c', 'fast', 100, 200],
    ['d', 'fast', 200, 300],
  ])
})

test('priority goes first, then the longer chain behind, then the order written', () => {
  const tasks = [task('a', 'x'), task('b', 'x'), task('c', 'x', [], 5), task('d', 'x', ['b'])]
  const plan = planFlow(flow(1, ...tasks), [agent('x', 'x')])
  expect(plan.tasks.map(({ id }) => id)).toEqual(['c', 'b', 'a', 'd'])
})

test('an excluded agent gets nothing; if none is left the role is named', () => {
  const agents = [agent('one', 'x'), agent('two', 'x')]
  const spec = flow(2, task('a', 'x'), task('b', 'x'))
  expect(planFlow(spec, agents, { exclude: ['one'] }).tasks.map((each) => each.agent)).toEqual(['two', 'two'])
  expect(() => planFlow(spec, agents, { exclude: ['one', 'two'] })).toThrow(
    new PlanError('ERR_PLAN_NO_AGENT', 'no agent for the role "x" (excluded: one, two)'),
  )
  expect(() => planFlow(spec, [agent('y', 'y')])).toThrow('no agent for the role "x" (none is declared)')
})

describe('properties', () => {
  const roles = ['x', 'y', 'z'] as const
  const agents = fc
    .array(
      fc.record({
        role: fc.constantFrom(...roles),
        concurrency: fc.integer({ min: 1, max: 3 }),
        estimatedMs: fc.integer({ min: 1, max: 20 }),
      }),
      { maxLength: 5 },
    )
    .map((more) => [
      ...roles.map((role) => agent(`first-${role}`, role, 1, 10)),
      ...more.map(({ role, concurrency, estimatedMs }, at) => agent(`more-${at}`, role, concurrency, estimatedMs)),
    ])
  const inputs = [flowOf(fc.constantFrom(...roles)), agents] as const

  /** The claims a schedule must keep; each returns what breaks it. */
  const breaches = (spec: FlowSpec, team: readonly AgentDeclaration[], plan: Plan): string[] => {
    const byId = new Map(plan.tasks.map((each) => [each.id, each]))
    const runningAt = (at: number) => plan.tasks.filter((each) => each.startMs <= at && at < each.endMs)
    const found: string[] = []
    if (plan.tasks.length !== spec.tasks.length || byId.size !== spec.tasks.length) found.push('not every task once')
    for (const each of plan.tasks) {
      const who = team.find((member) => member.id === each.agent)
      if (who?.role !== each.role) found.push(`${each.id}: wrong role`)
      for (const id of each.dependsOn) {
        const needed = byId.get(id)
        if (needed === undefined || needed.endMs > each.startMs) found.push(`${each.id} before ${id}`)
        if (needed === undefined || needed.wave >= each.wave) found.push(`${each.id}: wave not after ${id}`)
      }
      const running = runningAt(each.startMs)
      if (running.length > spec.parallel) found.push(`more than ${spec.parallel} at ${each.startMs}`)
      const same = running.filter((other) => other.agent === each.agent).length
      if (same > (who?.concurrency ?? 0)) found.push(`${each.agent} over its limit at ${each.startMs}`)
    }
    return found
  }

  test('feasibility: tasks after their dependencies, no agent and no flow over its limit', () => {
    fc.assert(
      fc.property(...inputs, (spec, team) => {
        expect(breaches(spec, team, planFlow(spec, team))).toEqual([])
      }),
    )
  })

  test('red: a plan that starts everything at once is seen', () => {
    const broken = (plan: Plan): Plan => ({
      ...plan,
      tasks: plan.tasks.map((each): PlannedTask => ({ ...each, startMs: 0, endMs: 10 })),
    })
    const spec = flow(1, task('a', 'x'), task('b', 'x', ['a']))
    expect(breaches(spec, [agent('x', 'x')], broken(planFlow(spec, [agent('x', 'x')])))).toEqual([
      'more than 1 at 0',
      'x over its limit at 0',
      'b before a',
      'more than 1 at 0',
      'x over its limit at 0',
    ])
  })

  test('bounds: critical path ≤ makespan ≤ total', () => {
    fc.assert(
      fc.property(...inputs, (spec, team) => {
        const { cost, criticalPath } = planFlow(spec, team)
        expect(cost.criticalPathMs).toBeLessThanOrEqual(cost.makespanMs)
        expect(cost.makespanMs).toBeLessThanOrEqual(cost.totalMs)
        const byId = new Map(spec.tasks.map((each) => [each.id, each]))
        for (const [at, id] of criticalPath.slice(1).entries()) {
          expect(byId.get(id)?.dependsOn).toContain(criticalPath[at])
        }
      }),
    )
  })

  test('determinism: the same input gives the same plan', () => {
    fc.assert(
      fc.property(...inputs, (spec, team) => {
        expect(planFlow(spec, team)).toEqual(planFlow(structuredClone(spec), structuredClone(team)))
      }),
    )
  })
})
