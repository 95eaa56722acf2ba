// Schedule files: `ok NAME …` or `FAIL NAME: why`, a line a run, and how many of each.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { deriveSeeds, parseSchedule } from 'espalier/testing'
import type { CommandOptions } from './options.ts'
import { lineOf, play, TraceFile } from './play.ts'

/** Runs the files and folders; true if all passed. */
export async function runFiles(options: CommandOptions): Promise<boolean> {
  const trace = options.trace === undefined ? undefined : new TraceFile(options.trace)
  let [passed, failed] = [0, 0]
  for (const path of options.paths.flatMap(filesIn)) {
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
    const schedule = parseSchedule(readFileSync(path, 'utf8'), path)
    for (const seed of deriveSeeds(schedule.seed, options.seeds)) {
      const played = await play(schedule, { sabotage: options.sabotage, seed }, trace)
      yield { line: lineOf(schedule.name, played), isGood: played.why === undefined }
    }
  } catch (error) {
    yield { line: `FAIL ${name}: ${error instanceof Error ? error.message : error}`, isGood: false }
  }
}

function filesIn(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
  } catch {
    return [path]
  }
  const names = readdirSync(path).filter((name) => name.endsWith('.json'))
  return names.sort().map((name) => join(path, name))
}
