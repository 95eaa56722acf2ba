// Where the tasks of a flow stand. Pure: the executor feeds it what happens, and asks it what to do.
//
// Invariants
// - dependencies: a task begins only when all it depends on has succeeded;
// - width: at most `parallel` tasks run at once;
// - one outcome: a task that has ended stays as it ended, and once nothing runs and nothing is ready, every task has;
// - skipping: a task that was never begun is `skipped` only behind one that failed, `stopped` only in a stopped flow;
// - attempts: at most `maxAttempts` of a task, all but the last of them lost with their agent.

import type { Plan, PlannedTask } from '../planner/plan.ts'
import { type AttemptRecord, lineOf, type TaskOutcome, type TaskRecord } from '../receipt/receipt.ts'

/** How many attempts at a task there may be: another one follows when an agent's process has ended under one. */
export const maxAttempts = 3

/** What an attempt is worth when it ends. */
export type AttemptOutcome = Exclude<TaskOutcome, 'skipped'>

/** The end of a task, and the tasks that end with it because they never begin. */
export interface TaskEnd {
  readonly durationMs: number
  readonly outcome: TaskOutcome
  readonly dropped: readonly PlannedTask[]
}

interface Entry {
  readonly task: PlannedTask
  readonly attempts: AttemptRecord[]
  state: 'waiting' | 'running' | TaskOutcome
  startedMs: number
}

export class TaskBoard {
  readonly #entries: ReadonlyMap<string, Entry>
  readonly #parallel: number
  readonly #beganMs: number
  #stopped = false

  /** `beganMs`: when the flow began; the times of attempts are relative to it. */
  constructor(plan: Plan, beganMs: number) {
    this.#entries = new Map(
      plan.tasks.map((task) => [task.id, { task, attempts: [], state: 'waiting', startedMs: 0 } satisfies Entry]),
    )
    this.#parallel = plan.parallel
    this.#beganMs = beganMs
  }

  /** The tasks to begin now, in the order of the plan. */
  ready(): readonly PlannedTask[] {
    const free = this.#parallel - this.running.length
    const ready = this.#in('waiting').filter((task) => this.#isReady(task))
    return ready.slice(0, Math.max(0, free))
  }

  #isReady(task: PlannedTask): boolean {
    return task.dependsOn.every((id) => this.#entries.get(id)?.state === 'succeeded')
  }

  /** The tasks that run. */
  get running(): readonly PlannedTask[] {
    return this.#in('running')
  }

  /** True once every task has its outcome. */
  get finished(): boolean {
    return [...this.#entries.values()].every((entry) => entry.state !== 'waiting' && entry.state !== 'running')
  }

  /** The number of attempts made at a task, one under way included. */
  attempt(id: string): number {
    const entry = this.#entry(id)
    return entry.attempts.length + (entry.state === 'running' ? 1 : 0)
  }

  /** The task is handed to its agent. @throws RangeError for a task that is not ready */
  begin(id: string, nowMs: number): void {
    const entry = this.#entry(id)
    if (entry.state !== 'waiting' || !this.#isReady(entry.task)) throw new RangeError(`${id} is not ready`)
    entry.state = 'running'
    entry.startedMs = nowMs
  }

  /** The agent has taken the task up: its time counts from now. */
  began(id: string, nowMs: number): void {
    this.#running(id).startedMs = nowMs
  }

  /** The attempt has ended, and the task with it. */
  end(id: string, outcome: AttemptOutcome, reason: string, output: AttemptRecord['output'], nowMs: number): TaskEnd {
    const entry = this.#running(id)
    const durationMs = this.#record(entry, outcome, reason, output, nowMs)
    entry.state = outcome
    const dropped = outcome === 'succeeded' ? [] : this.#dropBehind(id, outcome === 'stopped' ? 'stopped' : 'skipped')
    return { durationMs, outcome, dropped }
  }

  /** The agent's process has ended under the attempt. Undefined if the task is to be begun again. */
  lost(id: string, reason: string, output: AttemptRecord['output'], nowMs: number): TaskEnd | undefined {
    const entry = this.#running(id)
    if (this.#stopped || entry.attempts.length + 1 >= maxAttempts)
      return this.end(id, this.#stopped ? 'stopped' : 'failed', reason, output, nowMs)
    this.#record(entry, 'failed', reason, output, nowMs)
    entry.state = 'waiting'
    return undefined
  }

  /** No task is begun any more. Answers those that never will be. */
  stop(): readonly PlannedTask[] {
    this.#stopped = true
    const dropped = this.#in('waiting')
    for (const { id } of dropped) this.#entry(id).state = 'stopped'
    return dropped
  }

  outcome(): 'succeeded' | 'failed' | 'stopped' {
    const states = [...this.#entries.values()].map((entry) => entry.state)
    if (states.every((state) => state === 'succeeded')) return 'succeeded'
    return states.includes('stopped') ? 'stopped' : 'failed'
  }

  /** What a receipt says of the tasks. One that has not ended counts as stopped. */
  records(): TaskRecord[] {
    return [...this.#entries.values()].map(({ task, attempts, state }) => {
      const outcome = state === 'waiting' || state === 'running' ? 'stopped' : state
      return { id: task.id, role: task.role, outcome, attempts: [...attempts] }
    })
  }

  #record(
    entry: Entry,
    outcome: AttemptOutcome,
    reason: string,
    output: AttemptRecord['output'],
    nowMs: number,
  ): number {
    const durationMs = Math.round(nowMs - entry.startedMs)
    const startMs = Math.round(entry.startedMs - this.#beganMs)
    entry.attempts.push({ agent: entry.task.agent, startMs, durationMs, outcome, reason: lineOf(reason), output })
    return durationMs
  }

  #dropBehind(id: string, outcome: 'skipped' | 'stopped'): PlannedTask[] {
    const dropped: PlannedTask[] = []
    for (const entry of this.#entries.values()) {
      if (entry.state !== 'waiting' || !entry.task.dependsOn.includes(id)) continue
      entry.state = outcome
      dropped.push(entry.task, ...this.#dropBehind(entry.task.id, outcome))
    }
    return dropped
  }

  #in(state: Entry['state']): PlannedTask[] {
    return [...this.#entries.values()].filter((entry) => entry.state === state).map((entry) => entry.task)
  }

  #running(id: string): Entry {
    const entry = this.#entry(id)
    if (entry.state !== 'running') throw new RangeError(`${id} does not run`)
    return entry
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id)
    if (entry === undefined) throw new RangeError(`no task ${JSON.stringify(id)}`)
    return entry
  }
}
