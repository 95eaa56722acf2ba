// What a flow is, whichever way it was written. Plain data; every default is filled in.

/** One piece of work for one agent of a role. */
export interface TaskSpec {
  /** Unique in its flow. The text form numbers its tasks `task_1`, `task_2` … */
  readonly id: string
  readonly role: string
  /** Ids of tasks that must have succeeded before. */
  readonly dependsOn: readonly string[]
  /** Of the tasks that are ready, those of higher priority go first. */
  readonly priority: number
  /** How long one attempt may take, in milliseconds. */
  readonly timeoutMs: number
}

export interface FlowSpec {
  /** In the order written; never empty. */
  readonly tasks: readonly TaskSpec[]
  /** How many tasks may run at the same time. */
  readonly parallel: number
  /** The time-out of tasks that name none of their own, in milliseconds. */
  readonly timeoutMs: number
}

/** What holds where a flow says nothing. */
export const flowDefaults = { parallel: 2, timeoutMs: 300_000, priority: 0 } as const

/** The bounds of a flow. */
export const flowLimits = {
  /** UTF-8 bytes of the input. */
  maxInputBytes: 64 * 1024,
  maxTasks: 256,
  maxParallel: 64,
  /** A day. */
  maxTimeoutMs: 86_400_000,
  /** Priorities go from minus this to this. */
  maxPriority: 1000,
} as const

/** Words of the text form, which no role may be called. */
export const reservedWords: readonly string[] = ['parallel', 'timeout']

const namePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/

/** What {@link isName} and {@link isRole} take, for messages. */
export const nameRule = 'a letter, then letters, digits, ".", "_" or "-", 64 at most'

/** May `text` be the id of a task or an agent? */
export function isName(text: string): boolean {
  return namePattern.test(text)
}

/** May `text` be a role? A name that is no reserved word. */
export function isRole(text: string): boolean {
  return isName(text) && !reservedWords.includes(text)
}

/** The id of the task at `index` (from 0) where none is written. */
export function defaultTaskId(index: number): string {
  return `task_${index + 1}`
}
