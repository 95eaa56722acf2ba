// Seeds of a protocol: each draws a schedule and runs it. The first failure is shrunk and printed; what the runs have
// visited is added up, and what none of many has visited is a failure too.

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
import { Totals } from 'espalier/testing/raft'
import type { CommandOptions } from './options.ts'
import { lastEvents, lineOf, nodesOf, type Played, play, TraceFile } from './play.ts'
import { type ProtocolName, protocolOf } from './protocols.ts'
import { runSeeds as runAll } from './seed-pool.ts'

/** Steps that a failure may do without: everything but the load and what ends the storm. */
type Step = Schedule['steps'][number]

/** From so many seeds on, everything that is counted must have happened. */
const MANY = 50

/** Runs the seeds; true if all passed. */
export async function runSeeds(protocol: ProtocolName, options: CommandOptions): Promise<boolean> {
  const { sabotage, seed, seeds, jobs, print } = options
  if (options.trace !== undefined) return runTraced(protocol, options, new TraceFile(options.trace))
  const totals = new Totals()
  let failed = 0
  let events = 0
  let first: number | undefined
  let isCounted = false
  await runAll(seed, seeds, { protocol, sabotage }, jobs, (result) => {
    print(result.line)
    events += result.events
    if (result.totals !== undefined) {
      totals.merge(result.totals)
      isCounted = true
    }
    if (!result.isGood) {
      failed++
      first ??= result.seed
    }
    return result.isGood || !options.bail
  })
  if (first !== undefined && !options.bail) await explain(protocol, first, options)
  const isComplete = !isCounted || printTotals(totals, events, options)
  print(`${seeds - failed} passed, ${failed} failed`)
  return failed === 0 && isComplete
}

/** One after the other, with every event written down. */
async function runTraced(protocol: ProtocolName, options: CommandOptions, trace: TraceFile): Promise<boolean> {
  let failed = 0
  for (let seed = options.seed; seed < options.seed + options.seeds; seed++) {
    const played = await play(protocolOf(protocol).draw(seed), options, trace)
    options.print(lineOf(protocol, played))
    if (played.why !== undefined) failed++
  }
  trace.close()
  options.print(`${options.seeds - failed} passed, ${failed} failed`)
  return failed === 0
}

/** True unless so many seeds have left something out. */
function printTotals(totals: Totals, events: number, { print, seeds, sabotage }: CommandOptions): boolean {
  print(`events: ${events}`)
  for (const [name, count] of Object.entries(totals.toJSON())) print(`${name}: ${count}`)
  const missing = totals.missing()
  if (missing.length === 0 || seeds < MANY || sabotage !== undefined) return true
  print(`FAIL never happened: ${missing.join(', ')}`)
  return false
}

async function explain(protocol: ProtocolName, seed: number, options: CommandOptions): Promise<void> {
  const { sabotage } = options
  const schedule = protocolOf(protocol).draw(seed)
  const played = await play(schedule, { sabotage })
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
  print(`the first failure, seed ${seed}, without the steps it does not need; no other is shrunk:`)
  print(`  ${failureOf(last)?.message}`)
  print(`  steps needed: ${least.length} of ${storm.length}`)
  for (const step of least) print(`    ${JSON.stringify(step)}`)
  for (const line of lastEvents(last.run, nodesOf(schedule))) print(`  ${line}`)
  draw(last, schedule, options)
  const flag = options.sabotage === undefined ? '' : ` --break ${options.sabotage}`
  print(`  again: npm run -s simulate -- --schedule ${path}${flag}`)
}

function draw(played: Played, schedule: Schedule, { out, print }: CommandOptions): void {
  const judged = checkLinearizability(played.history, registerMap)
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
