// What the machines of one flow say to each other, and what a client of the flow hears.

import type { Pid } from '../../src/index.ts'
import type { FlowSpec } from '../flow/flow-spec.ts'
import type { Plan } from '../planner/plan.ts'
import type { FlowRecord, TaskOutcome, TaskRecord } from '../receipt/receipt.ts'

export type Outcome<T> = { readonly ok: T } | { readonly error: string }

export interface OrchestratorProtocol {
  readonly cast: {
    /** From a helper as it begins, for the first time or restarted. */
    joined(helper: Helper): void
    /** From the spec parser. */
    parsed(result: Outcome<FlowSpec>): void
    /** From the planner. */
    planned(result: Outcome<Plan>): void
    /** From the executor, as it goes. */
    progress(event: TaskProgress): void
    /** From the executor, at the end. */
    executed(result: Execution): void
    /** From the monitor. */
    alert(text: string): void
    /** From the client: end the flow in order. */
    stop(reason: string): void
  }
}

/** A machine that works for an orchestrator. */
export interface Helper {
  readonly kind: 'spec parser' | 'planner' | 'executor' | 'monitor'
  readonly pid: Pid
}

export interface Execution {
  readonly outcome: 'succeeded' | 'failed' | 'stopped'
  readonly tasks: readonly TaskRecord[]
}

export interface TaskProgress {
  readonly taskId: string
  readonly role: string
  readonly agent: string
  readonly state: 'running' | 'retrying' | TaskOutcome
  /** From 1; 0 if the task ended without having begun. */
  readonly attempt: number
  readonly durationMs: number
  /** Why it did not succeed; empty if it did. */
  readonly reason: string
  /** The end of the output of an attempt that did not succeed. */
  readonly tail: string
}

/** A message from a flow to its client. */
export type FlowEvent =
  | { readonly kind: 'phase'; readonly flowId: string; readonly phase: string; readonly orchestrator: Pid }
  | { readonly kind: 'plan'; readonly flowId: string; readonly plan: Plan }
  | { readonly kind: 'task'; readonly flowId: string; readonly task: TaskProgress }
  | { readonly kind: 'alert'; readonly flowId: string; readonly text: string }
  | { readonly kind: 'finished'; readonly flowId: string; readonly result: FlowResult }

export interface FlowResult {
  readonly record: FlowRecord
  /** Why the flow did not get as far as its tasks; empty if it did. */
  readonly problem: string
  readonly receipt: { readonly id: string; readonly count: number; readonly digest: string }
}
