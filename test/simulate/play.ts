// One schedule under one seed, and its line.

import { closeSync, openSync, writeSync } from 'node:fs'
import type { Node } from 'espalier'
import {
  drawEvent,
  drawEvents,
  type FailedRun,
  type Run,
  runSchedule,
  type Schedule,
  type ScheduleRun,
  type TraceEvent,
} from 'espalier/testing'
import { SampleGroup } from 'espalier/testing/sample'
import type { CommandOptions } from './options.ts'

export interface Played extends ScheduleRun {
  readonly group: SampleGroup | undefined
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

/** Plays a schedule of the sample protocol. */
export async function play(
  schedule: Schedule,
  options: Pick<CommandOptions, 'sabotage'> & { readonly seed?: number },
  trace?: TraceFile,
): Promise<Played> {
  const { sabotage, seed = schedule.seed } = options
  const bug = sabotage === 'lost-ack' ? sabotage : undefined
  let group: SampleGroup | undefined
  const nodes = nodesOf(schedule)
  trace?.line(`${schedule.name} seed=${seed}`)
  const onEvent = trace === undefined ? undefined : (event: TraceEvent) => trace.line(drawEvent(event, nodes, 60))
  const played = await runSchedule(
    schedule,
    (world, given) => {
      group = new SampleGroup(world, given, { bug, onBoot: sabotage === 'ambient' ? readRealClock : undefined })
      return group
    },
    { seed, ...(onEvent === undefined ? {} : { onEvent }) },
  )
  return { ...played, group }
}

function readRealClock(node: Node): void {
  node.spawn(() => void Date.now())
}

export function lineOf(name: string, { run, why }: ScheduleRun): string {
  if (why !== undefined) return `FAIL ${name}: ${why} seed=${run.seed} hash=${run.hash}`
  return `ok ${name} seed=${run.seed} events=${run.events} vt=${Math.round(run.virtualMs)}ms hash=${run.hash}`
}

/** The last events of a failed run, in a column for each node. */
export function lastEvents(run: Run | FailedRun, nodes: readonly string[]): string[] {
  return 'last' in run ? drawEvents(run.last, nodes) : []
}
