// One schedule under one seed, and its line.

import { closeSync, openSync, writeSync } from 'node:fs'
import {
  drawEvent,
  drawEvents,
  type FailedRun,
  type Json,
  type Operation,
  type RegisterInput,
  type Run,
  runSchedule,
  type Schedule,
  type ScheduleRun,
  type TraceEvent,
} from 'espalier/testing'
import type { Totals } from 'espalier/testing/raft'
import { isProtocol, type ProtocolName, protocolOf } from './protocols.ts'

export interface Played extends ScheduleRun {
  /** What the clients saw. */
  readonly history: readonly Operation<RegisterInput, Json>[]
  /** What was visited, if the protocol counts that. */
  readonly totals: Totals | undefined
}

/** Writes every event into a file, until closed. */
export class TraceFile {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'w')
  }

  line(text: string): void {
    writeSync(this.#file, `${text}\n`)
  }

  close(): void {
    closeSync(this.#file)
  }
}

export function nodesOf(schedule: Schedule): string[] {
  return Array.from({ length: schedule.nodes }, (_, i) => `n${i + 1}`)
}

/** Throws for a protocol that is not here, and for a break that it does not have. */
export function protocolNameOf(schedule: Schedule, sabotage: string | undefined): ProtocolName {
  const name = schedule.protocol
  if (!isProtocol(name)) throw new Error(`protocol ${name} is not here yet; known: sample, raft`)
  if (sabotage !== undefined && !(sabotage in protocolOf(name).breaks))
    throw new Error(`${name} has no break ${sabotage}`)
  return name
}

export async function play(
  schedule: Schedule,
  options: { readonly sabotage?: string | undefined; readonly seed?: number },
  trace?: TraceFile,
): Promise<Played> {
  const { sabotage, seed = schedule.seed } = options
  const protocol = protocolOf(protocolNameOf(schedule, sabotage))
  const { create, history, totals } = protocol.make(sabotage)
  const nodes = nodesOf(schedule)
  trace?.line(`${schedule.name} seed=${seed}`)
  const onEvent = trace === undefined ? undefined : (event: TraceEvent) => trace.line(drawEvent(event, nodes, 60))
  const played = await runSchedule(schedule, create, {
    seed,
    ...protocol.runOptions,
    ...(onEvent === undefined ? {} : { onEvent }),
  })
  return { ...played, history: history(), totals }
}

export function lineOf(name: string, { run, why }: ScheduleRun): string {
  if (why !== undefined) return `FAIL ${name}: ${why} seed=${run.seed} hash=${run.hash}`
  return `ok ${name} seed=${run.seed} events=${run.events} vt=${Math.round(run.virtualMs)}ms hash=${run.hash}`
}

/** The last events of a failed run, in a column for each node. */
export function lastEvents(run: Run | FailedRun, nodes: readonly string[]): string[] {
  return 'last' in run ? drawEvents(run.last, nodes) : []
}
