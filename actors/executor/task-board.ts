// Where the tasks of a flow stand. Pure: the executor feeds it what happens, and asks it what to do.
//
// Invariants: a task begins only when all it depends on has succeeded; at most `parallel` run at once; every task ends
// with exactly one outcome; what depends on a task that did not succeed is skipped.

import type { Plan, PlannedTask } from '../planner/plan.ts'
import type { AttemptRecord, TaskOutcome, TaskRecord } from '../receipt/receipt.ts'

/** How often a task is begun again after its agent's process has ended under it. */
export const maxAttempts = 3

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
    const entries = [...this.#entries.values()]
    const free = this.#parallel - this.running.length
    const ready = entries.filter((entry) => entry.state === 'waiting' && this.#isReady(entry.task))
    return ready.slice(0, Math.max(0, free)).map((entry) => entry.task)
  }

  #isReady(task: PlannedTask): boolean {
    return task.dependsOn.every((id) => this.#entries.get(id)?.state === 'succeeded')
  }

  /** The tasks that run. */
  get running(): readonly PlannedTask[] {
    return [...this.#entries.values()].filter((entry) => entry.state === 'running').map((entry) => entry.task)
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

  begin(id: string, nowMs: number): void {
    const entry = this.#entry(id)
    entry.state = 'running'
    entry.startedMs = nowMs
  }

  /** The attempt has ended. Answers how long it took, in milliseconds. */
  end(
    id: string,
    outcome: Exclude<TaskOutcome, 'skipped'>,
    reason: string,
    output: AttemptRecord['output'],
    nowMs: number,
  ): number {
    const entry = this.#entry(id)
    const durationMs = this.#record(entry, outcome, reason, output, nowMs)
    entry.state = outcome
    if (outcome !== 'succeeded') this.#skipBehind(id, outcome === 'stopped' ? 'stopped' : 'skipped')
    return durationMs
  }

  /** The agent's process has ended under the attempt. True if the task is to be begun again. */
  lost(id: string, reason: string, output: AttemptRecord['output'], nowMs: number): boolean {
    const entry = this.#entry(id)
    if (entry.attempts.length + 1 >= maxAttempts) {
      this.end(id, 'failed', reason, output, nowMs)
      return false
    }
    this.#record(entry, 'failed', reason, output, nowMs)
    entry.state = 'waiting'
    return true
  }

  /** No task is begun any more. */
  stop(): void {
    for (const entry of this.#entries.values()) if (entry.state === 'waiting') entry.state = 'stopped'
  }

  outcome(): 'succeeded' | 'failed' | 'stopped' {
    const states = [...this.#entries.values()].map((entry) => entry.state)
    if (states.every((state) => state === 'succeeded')) return 'succeeded'
    return states.includes('stopped') ? 'stopped' : 'failed'
  }

  /** What a receipt says of the tasks. */
  records(): TaskRecord[] {
    return [...this.#entries.values()].map(({ task, attempts, state }) => {
      const outcome = state === 'waiting' || state === 'running' ? 'stopped' : state
      return { id: task.id, role: task.role, outcome, attempts }
    })
  }

  #record(entry: Entry, outcome: TaskOutcome, reason: string, output: AttemptRecord['output'], nowMs: number): number {
    const durationMs = Math.round(nowMs - entry.startedMs)
    const startMs = Math.round(entry.startedMs - this.#beganMs)
    entry.attempts.push({ agent: entry.task.agent, startMs, durationMs, outcome, reason, output })
    return durationMs
  }

  #skipBehind(id: string, outcome: 'skipped' | 'stopped'): void {
    for (const entry of this.#entries.values()) {
      if (entry.state !== 'waiting' || !entry.task.dependsOn.includes(id)) continue
      entry.state = outcome
      this.#skipBehind(entry.task.id, outcome)
    }
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id)
    if (entry === undefined) throw new RangeError(`no task ${JSON.stringify(id)}`)
    return entry
  }
}
