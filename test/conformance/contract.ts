// The seam between the judge and what is judged: an engine runs one scenario and returns its trace.
// The judge never looks inside an engine, and an engine never sees the recorded trace.

import type { Scenario, Trace } from './scenario.ts'

/** How the engine under test is to run. */
export type EngineOptions = {
  /** Real timers instead of virtual time. Default false. */
  readonly realTime: boolean
  /** Worker threads the processes of a scenario are spread over. Default 1: everything in one node. */
  readonly threads: number
}

export type Engine = {
  /** How many scenarios may run at once: more than 1 where a run mostly sleeps. */
  readonly parallel: number
  /** Runs the scenario from a clean slate. Rejects when it cannot be run at all, for example when it never settles. */
  run(scenario: Scenario): Promise<Trace>
  close(): Promise<void>
}
