// Planning: who does which task, and in what order. Pure: the same flow and agents give the same plan.
//
// List scheduling (Graham, "Bounds on Multiprocessing Timing Anomalies", 1969): time is played forward on estimates;
// whenever something can start, the ready task of the highest priority starts, of equal ones that with the longest
// chain of tasks waiting behind it, of equal ones that written first. It goes to the agent of its role with the least
// load. Estimates are guesses: what binds an executor is the order, the agents and the limits, not the times.

import { EspalierError } from '../../src/kernel/errors.ts'
import type { AgentDeclaration } from '../flow/agents-file.ts'
import type { FlowSpec, TaskSpec } from '../flow/flow-spec.ts'
import { listOf } from '../flow/nearest-word.ts'
import { bottomLevels, criticalPath, wavesOf } from '../flow/task-graph.ts'

/** Who does which task, in what order, and what that is expected to cost. */
export interface Plan {
  /** In the order in which they are expected to start. */
  readonly tasks: readonly PlannedTask[]
  /** How many tasks may run at the same time. */
  readonly parallel: number
  /** The ids of the dearest chain of dependencies, first task first. */
  readonly criticalPath: readonly string[]
  readonly cost: PlanCost
}

/** A task in its place in a plan. */
export interface PlannedTask extends TaskSpec {
  /** The id of the agent that does it. */
  readonly agent: string
  /** From 0: tasks of one wave do not depend on each other. */
  readonly wave: number
  /** Expected times in milliseconds after the start of the flow. */
  readonly startMs: number
  readonly endMs: number
}

/** Expected costs in milliseconds. `criticalPathMs` ≤ `makespanMs` ≤ `totalMs`. */
export interface PlanCost {
  /** All tasks one after the other. */
  readonly totalMs: number
  /** What no number of agents can beat. */
  readonly criticalPathMs: number
  /** From the first start to the last end, as planned. */
  readonly makespanMs: number
}

export interface PlanOptions {
  /** Ids of agents that get no task, because they failed or are out of service. Default: none. */
  readonly exclude?: readonly string[]
}

/** No agent is left for a role: code `ERR_PLAN_NO_AGENT`. */
export class PlanError extends EspalierError {}

/**
 * Plans a validated flow. A task costs the `estimatedMs` of its agent.
 * @throws PlanError if an agent of some role is missing
 */
export function planFlow(spec: FlowSpec, agents: readonly AgentDeclaration[], options: PlanOptions = {}): Plan {
  const exclude = options.exclude ?? []
  const team = agents.filter((agent) => !exclude.includes(agent.id)).map((agent) => new Member(agent))
  const cheapest = new Map<string, number>()
  for (const { role } of spec.tasks) {
    const costs = team.filter((member) => member.agent.role === role).map((member) => member.agent.estimatedMs)
    if (costs.length === 0) throw noAgent(role, agents, exclude)
    cheapest.set(role, Math.min(...costs))
  }
  const costOf = (task: TaskSpec) => cheapest.get(task.role) ?? 0
  const critical = criticalPath(spec.tasks, costOf)
  const tasks = schedule(spec, team, bottomLevels(spec.tasks, costOf))
  return {
    tasks,
    parallel: spec.parallel,
    criticalPath: critical.ids,
    cost: {
      totalMs: tasks.reduce((sum, task) => sum + task.endMs - task.startMs, 0),
      criticalPathMs: critical.cost,
      makespanMs: Math.max(0, ...tasks.map((task) => task.endMs)),
    },
  }
}

/** An agent and what the plan has given it so far. */
class Member {
  readonly agent: AgentDeclaration
  running = 0
  assignedMs = 0

  constructor(agent: AgentDeclaration) {
    this.agent = agent
  }

  /** Expected work per task it may do at once. */
  get load(): number {
    return this.assignedMs / this.agent.concurrency
  }
}

function schedule(spec: FlowSpec, team: readonly Member[], levels: ReadonlyMap<string, number>): PlannedTask[] {
  const waveOf = new Map(wavesOf(spec.tasks).flatMap((tasks, wave) => tasks.map((task) => [task.id, wave] as const)))
  const waiting = spec.tasks.toSorted(
    (a, b) => b.priority - a.priority || (levels.get(b.id) ?? 0) - (levels.get(a.id) ?? 0),
  )
  const planned: PlannedTask[] = []
  const running: { readonly task: PlannedTask; readonly member: Member }[] = []
  const done = new Set<string>()
  let now = 0
  for (;;) {
    for (let at = 0; at < waiting.length && running.length < spec.parallel; ) {
      const task = waiting[at]
      const member = task?.dependsOn.every((id) => done.has(id)) ? leastLoaded(team, task.role) : undefined
      if (task === undefined || member === undefined) {
        at += 1
        continue
      }
      waiting.splice(at, 1)
      const endMs = now + member.agent.estimatedMs
      const start = { ...task, agent: member.agent.id, wave: waveOf.get(task.id) ?? 0, startMs: now, endMs }
      member.running += 1
      member.assignedMs += member.agent.estimatedMs
      planned.push(start)
      running.push({ task: start, member })
    }
    if (running.length === 0) return planned
    now = Math.min(...running.map(({ task }) => task.endMs))
    for (const ended of running.filter(({ task }) => task.endMs === now)) {
      running.splice(running.indexOf(ended), 1)
      ended.member.running -= 1
      done.add(ended.task.id)
    }
  }
}

/** The agent of this role that may take one more task and has the least to do; of equals the first declared. */
function leastLoaded(team: readonly Member[], role: string): Member | undefined {
  let least: Member | undefined
  for (const member of team) {
    const free = member.agent.role === role && member.running < member.agent.concurrency
    if (free && (least === undefined || member.load < least.load)) least = member
  }
  return least
}

function noAgent(role: string, agents: readonly AgentDeclaration[], exclude: readonly string[]): PlanError {
  const out = agents.filter((agent) => agent.role === role && exclude.includes(agent.id)).map((agent) => agent.id)
  const why = out.length === 0 ? 'none is declared' : `excluded: ${listOf(out)}`
  return new PlanError('ERR_PLAN_NO_AGENT', `no agent for the role "${role}" (${why})`)
}
