// Carries out one plan: idle → dispatching → executing → monitoring → dispatching … → complete or error.
//
// Dispatching begins what is ready and hands it to agents; executing waits; monitoring takes note of one task's end and
// reports it. What a task's end brings in other states is postponed until the machine executes again.

import {
  Down,
  defineStatem,
  located,
  type Pid,
  type Ref,
  type Reference,
  type Self,
  showReason,
  statem,
} from '../../src/index.ts'
import { ExitError } from '../../src/kernel/exit-reason.ts'
import { type Agent, emptyDigest, isBegun } from '../agent/agent.ts'
import type { TaskResult } from '../agent/runner.ts'
import type { OrchestratorProtocol, TaskProgress } from '../orchestrator/protocol.ts'
import type { Plan, PlannedTask } from '../planner/plan.ts'
import { mayLive, registryAt } from '../registry/registry.ts'
import { TaskBoard, type TaskEnd } from './task-board.ts'

export interface ExecutorStart {
  readonly flowId: string
  readonly plan: Plan
  /** When the flow began, on the clock of the node where orchestrator and executor live. */
  readonly beganMs: number
  readonly owner: Ref<OrchestratorProtocol>
  /** The node of the registry. Default: this one. */
  readonly home?: string | undefined
}

export interface ExecutorProtocol {
  readonly cast: {
    /** End the running tasks and begin no more. */
    stop(reason: string): void
  }
}

/** An attempt under way. */
interface Attempt {
  readonly id: string
  readonly task: PlannedTask
  readonly agent: Ref<typeof Agent> | undefined
  /** Runs once the agent has begun. */
  timer?: Reference
  /** Why it was cut short, if it was. */
  cut?: { readonly outcome: 'timed_out' | 'stopped'; readonly reason: string }
}

interface Data extends ExecutorStart {
  readonly board: TaskBoard
  readonly attempts: Map<string, Attempt>
  readonly ownerMonitor: Reference
}

/** Messages of the executor to itself. */
class Ended {
  readonly attemptId: string
  readonly result: TaskResult
  constructor(attemptId: string, result: TaskResult) {
    this.attemptId = attemptId
    this.result = result
  }
}
class Lost {
  readonly attemptId: string
  readonly reason: string
  constructor(attemptId: string, reason: string) {
    this.attemptId = attemptId
    this.reason = reason
  }
}
class Overdue {
  readonly attemptId: string
  constructor(attemptId: string) {
    this.attemptId = attemptId
  }
}

/** How long an agent that has no process is given to come back, in milliseconds. */
const agentGraceMs = 500

const go = statem.nextEvent('internal', 'go')

export const Executor = located(
  import.meta.url,
  'Executor',
  defineStatem<ExecutorProtocol>()({
    name: 'flow_executor',
    init: (start: ExecutorStart, { self }) => {
      const ownerMonitor = self.monitor(start.owner)
      const board = new TaskBoard(start.plan, start.beganMs)
      return statem.initial('idle', { ...start, board, attempts: new Map(), ownerMonitor } satisfies Data as Data, go)
    },
    states: {
      idle: {
        internal: ({ self, data }) => {
          self.cast(data.owner, 'joined', { kind: 'executor', pid: self.pid })
          return statem.next('dispatching', data, go)
        },
      },
      dispatching: {
        internal: async ({ self, data }) => {
          for (const task of data.board.ready()) await begin(self, data, task)
          return statem.next('executing', data, go)
        },
        info: ({ data }, message) => otherwise(data, message),
        cast: { stop: () => statem.keepStateAndData(statem.postpone()) },
      },
      executing: {
        // A plan of which nothing could be begun is finished at once.
        internal: ({ data }) => (data.board.finished ? statem.next('monitoring', data, go) : statem.keepStateAndData()),
        info: ({ self, data }, message) => {
          if (isBegun(message)) {
            began(self, data, message.begun)
            return statem.keepStateAndData()
          }
          if (message instanceof Overdue) {
            cut(self, data.attempts.get(message.attemptId), 'timed_out')
            return statem.keepStateAndData()
          }
          if (message instanceof Ended || message instanceof Lost)
            return statem.next('monitoring', data, statem.nextEvent('internal', message))
          return otherwise(data, message)
        },
        cast: {
          stop: ({ self, data }, reason) => {
            for (const task of data.board.stop()) report(self, data, task, 'stopped', 0, `stopped: ${reason}`)
            for (const attempt of data.attempts.values()) cut(self, attempt, 'stopped', reason)
            return data.board.finished ? statem.next('monitoring', data, go) : statem.keepStateAndData()
          },
        },
      },
      monitoring: {
        internal: ({ self, data }, message: unknown) => {
          if (message instanceof Ended || message instanceof Lost) note(self, data, message)
          if (!data.board.finished) return statem.next('dispatching', data, go)
          return statem.next(data.board.outcome() === 'succeeded' ? 'complete' : 'error', data, go)
        },
        info: ({ data }, message) => otherwise(data, message),
        cast: { stop: () => statem.keepStateAndData(statem.postpone()) },
      },
      complete: { internal: ({ self, data }) => conclude(self, data) },
      error: { internal: ({ self, data }) => conclude(self, data) },
    },
    any: {
      info: ({ data }, message) => otherwise(data, message),
      cast: { stop: () => statem.keepStateAndData() },
    },
  }),
)

// The flow's owner is gone: nobody waits for this any more. The agents stop what they do for us when we end.
function otherwise(data: Data, message: unknown) {
  if (message instanceof Down && message.ref === data.ownerMonitor) return statem.stop('shutdown')
  return statem.keepStateAndData(statem.postpone())
}

async function begin(self: Self, data: Data, task: PlannedTask): Promise<void> {
  const agent = await agentOf(self, data.home, task.agent)
  data.board.begin(task.id, self.now())
  // Unique over restarts of this machine, which counts attempts anew.
  const id = `${data.flowId}/${task.id}/${data.board.attempt(task.id)}@${self.pid}`
  data.attempts.set(id, { id, task, agent })
  if (agent === undefined) {
    self.send(self.pid, new Lost(id, `the agent "${task.agent}" has no process`))
    return
  }
  const order = { flowId: data.flowId, taskId: task.id, role: task.role, attemptId: id, executor: self.pid as Pid }
  self.call(agent, 'run', order, { timeoutMs: Number.POSITIVE_INFINITY }).then(
    (result) => self.send(self.pid, new Ended(id, result)),
    (error: unknown) => {
      const why = error instanceof ExitError ? showReason(error.reason) : String(error)
      self.send(self.pid, new Lost(id, `the agent "${task.agent}" ended: ${why}`))
    },
  )
}

// A task's time begins when its agent begins it, not while it waits for one.
function began(self: Self, data: Data, attemptId: string): void {
  const attempt = data.attempts.get(attemptId)
  if (attempt === undefined || attempt.cut !== undefined) return
  const { task } = attempt
  attempt.timer = self.sendAfter(task.timeoutMs, self.pid, new Overdue(attemptId))
  data.board.began(task.id, self.now())
  report(self, data, task, 'running')
}

async function agentOf(self: Self, home: string | undefined, id: string): Promise<Ref<typeof Agent> | undefined> {
  for (const graceMs of [agentGraceMs, 0]) {
    const found = await self.call(registryAt(self, home), 'find', id).catch(() => undefined)
    if (found !== undefined && mayLive(self, found.pid)) return found.pid as Ref<typeof Agent>
    if (graceMs > 0) await self.sleep(graceMs)
  }
  return undefined
}

function cut(self: Self, attempt: Attempt | undefined, outcome: 'timed_out' | 'stopped', why = ''): void {
  if (attempt === undefined || attempt.cut !== undefined) return
  const reason = outcome === 'timed_out' ? `timed out after ${attempt.task.timeoutMs} ms` : `stopped: ${why}`
  attempt.cut = { outcome, reason }
  if (attempt.agent !== undefined) self.cast(attempt.agent, 'cancel', attempt.id)
}

function note(self: Self, data: Data, message: Ended | Lost): void {
  const attempt = data.attempts.get(message.attemptId)
  if (attempt === undefined) return
  data.attempts.delete(attempt.id)
  if (attempt.timer !== undefined) self.cancelTimer(attempt.timer)
  const { task } = attempt
  const nowMs = self.now()
  if (message instanceof Lost && attempt.cut === undefined) {
    const end = data.board.lost(task.id, message.reason, nothing, nowMs)
    if (end === undefined) return report(self, data, task, 'retrying', 0, message.reason)
    return reportEnd(self, data, task, end, message.reason, '')
  }
  const result = message instanceof Ended ? message.result : undefined
  const outcome = attempt.cut?.outcome ?? (result?.succeeded ? 'succeeded' : 'failed')
  const reason = outcome === 'succeeded' ? '' : (attempt.cut?.reason ?? result?.reason ?? '')
  const { tail = '', ...output } = result?.output ?? nothing
  const end = data.board.end(task.id, outcome, reason, output, nowMs)
  reportEnd(self, data, task, end, reason, outcome === 'succeeded' ? '' : tail)
}

function reportEnd(self: Self, data: Data, task: PlannedTask, end: TaskEnd, reason: string, tail: string): void {
  report(self, data, task, end.outcome, end.durationMs, reason, tail)
  const why = `"${task.id}" did not succeed`
  for (const behind of end.dropped)
    report(self, data, behind, end.outcome === 'stopped' ? 'stopped' : 'skipped', 0, why)
}

const nothing: { digest: string; bytes: number; dropped: number; tail?: string } = {
  digest: emptyDigest,
  bytes: 0,
  dropped: 0,
}

function report(
  self: Self,
  data: Data,
  task: PlannedTask,
  state: TaskProgress['state'],
  durationMs = 0,
  reason = '',
  tail = '',
): void {
  const { id, role, agent } = task
  const attempt = data.board.attempt(id)
  self.cast(data.owner, 'progress', { taskId: id, role, agent, state, attempt, durationMs, reason, tail })
}

function conclude(self: Self, data: Data) {
  self.cast(data.owner, 'executed', { outcome: data.board.outcome(), tasks: data.board.records() })
  return statem.stop('normal')
}
