// Seeds of the sample protocol: each draws a schedule and runs it. The first failure is shrunk and printed.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  checkLinearizability,
  drawHistory,
  type FailedRun,
  registerMap,
  type Schedule,
  shrinkList,
} from 'espalier/testing'
import { drawSchedule } from 'espalier/testing/sample'
import type { CommandOptions } from './options.ts'
import { lastEvents, lineOf, nodesOf, type Played, play, TraceFile } from './play.ts'

/** Steps that a failure may do without: everything but the load and what ends the storm. */
type Step = Schedule['steps'][number]

/** Runs the seeds; true if all passed. */
export async function runSeeds(options: CommandOptions): Promise<boolean> {
  const trace = options.trace === undefined ? undefined : new TraceFile(options.trace)
  const { sabotage } = options
  let failed = 0
  for (let seed = options.seed; seed < options.seed + options.seeds; seed++) {
    const schedule = drawSchedule(seed)
    const played = await play(schedule, { sabotage }, trace)
    options.print(lineOf('sample', played))
    if (played.why !== undefined && failed++ === 0) await explain(schedule, played, options)
  }
  trace?.close()
  options.print(`${options.seeds - failed} passed, ${failed} failed`)
  return failed === 0
}

async function explain(schedule: Schedule, played: Played, options: CommandOptions): Promise<void> {
  const { sabotage } = options
  const failure = failureOf(played)
  const storm = schedule.steps.filter((step) => isOfStorm(step, schedule))
  const rest = schedule.steps.filter((step) => !isOfStorm(step, schedule))
  const withSteps = (steps: readonly Step[]): Schedule => ({
    ...schedule,
    steps: [...rest, ...steps].sort((a, b) => a.at - b.at),
  })
  const fails = async (steps: readonly Step[]) => {
    const again = failureOf(await play(withSteps(steps), { sabotage }))
    return again?.kind === failure?.kind && again?.rule === failure?.rule
  }
  const least = await shrinkList(storm, fails)
  const shrunk = withSteps(least)
  const last = await play(shrunk, { sabotage })
  const path = write(options.out, `${schedule.name}.json`, `${JSON.stringify(shrunk, undefined, 2)}\n`)
  const { print } = options
  print(`  ${failureOf(last)?.message}`)
  print(`  steps needed: ${least.length} of ${storm.length}`)
  for (const step of least) print(`    ${JSON.stringify(step)}`)
  for (const line of lastEvents(last.run, nodesOf(schedule))) print(`  ${line}`)
  draw(last, schedule, options)
  const flag = options.sabotage === undefined ? '' : ` --break ${options.sabotage}`
  print(`  again: npm run -s simulate -- --schedule ${path}${flag}`)
}

function draw(played: Played, schedule: Schedule, { out, print }: CommandOptions): void {
  const judged = checkLinearizability(played.group?.history.operations() ?? [], registerMap)
  if (judged.verdict !== 'illegal') return
  const picture = drawHistory(judged.conflict, { title: `${schedule.name}, key ${judged.conflict.partition}` })
  print(`  what the clients saw: ${write(out, `${schedule.name}.svg`, picture)}`)
}

function isOfStorm(step: Step, schedule: Schedule): boolean {
  const calm = schedule.steps.find((other) => other.op === 'restart' && other.node === 'all')?.at
  return step.op !== 'load' && step.at < (calm ?? Number.POSITIVE_INFINITY)
}

function failureOf({ run }: Played): FailedRun['failure'] | undefined {
  return 'failure' in run ? run.failure : undefined
}

function write(folder: string, name: string, content: string): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
