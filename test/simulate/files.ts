// Schedule files: `ok NAME …` or `FAIL NAME: why`, a line a run, and how many of each.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { deriveSeeds, parseSchedule } from 'espalier/testing'
import type { CommandOptions } from './options.ts'
import { lineOf, type Played, play, TraceFile } from './play.ts'

/** Runs the files and folders; true if all passed. */
export async function runFiles(options: CommandOptions): Promise<boolean> {
  const trace = options.trace === undefined ? undefined : new TraceFile(options.trace)
  let [passed, failed] = [0, 0]
  for (const path of options.paths.flatMap((given) => filesIn(given) ?? [given])) {
    for await (const { line, isGood } of runFile(path, options, trace)) {
      options.print(line)
      if (isGood) passed++
      else failed++
      if (failed > 0 && options.bail) break
    }
    if (failed > 0 && options.bail) break
  }
  trace?.close()
  options.print(`${passed} passed, ${failed} failed`)
  return failed === 0
}

async function* runFile(path: string, options: CommandOptions, trace: TraceFile | undefined) {
  const name = basename(path, '.json')
  try {
    if (isFolder(path)) throw new Error('no .json file in this folder')
    const schedule = parseSchedule(readFileSync(path, 'utf8'), path)
    for (const seed of deriveSeeds(schedule.seed, options.seeds)) {
      const played = await play(schedule, { sabotage: options.sabotage, seed }, trace)
      yield {
        line: lineOf(schedule.name, isUnfit(played) ? within(path, played) : played),
        isGood: played.why === undefined,
      }
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    yield { line: `FAIL ${name}: ${why.includes(path) ? why : `${path}: ${why}`}`, isGood: false }
  }
}

/** The run itself could not be made as the file wants it: what is wrong is wrong in the file. */
function isUnfit({ run, why }: Played): boolean {
  return why !== undefined && 'failure' in run && run.failure.kind === 'scenario'
}

function within(path: string, played: Played): Played {
  return { ...played, why: `${path}: ${played.why}` }
}

/** The schedules of a folder; undefined: there is none in it, or it is a file, or nothing at all. */
function filesIn(path: string): string[] | undefined {
  if (!isFolder(path)) return undefined
  const names = readdirSync(path).filter((name) => name.endsWith('.json'))
  return names.length === 0 ? undefined : names.sort().map((name) => join(path, name))
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
