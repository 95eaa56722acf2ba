// The crash tests of the storage room: power cuts, rebuilt from a recording, and processes killed with SIGKILL.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { SeededRandom } from 'espalier/testing'
import { inParallel } from '../conformance/parallel.ts'
import { type DiskTrace, readDiskTrace, straceOptions } from './disk-trace.ts'
import { acknowledgedBefore, chooseCut, lastNumbers, writeImage } from './power-cut.ts'
import type { RecoveryCase } from './storage-recovery.ts'

export interface CrashOptions {
  readonly seed: number
  /** The planted bug, if any: `ack-at-put`. */
  readonly sabotage: string | undefined
  readonly print: (line: string) => void
}

/** Changes of each log, and updates of the key-value store, in one run. */
const length = 40
const cutsPerRecording = 50
const casesPerProcess = 10

const program = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url))

/** Cuts the power `count` times. Answers how many recoveries went wrong. */
export async function cutPower(count: number, options: CrashOptions): Promise<number> {
  let failures = 0
  for (let done = 0; done < count; done += cutsPerRecording) {
    const seed = options.seed + done / cutsPerRecording
    const cuts = Math.min(cutsPerRecording, count - done)
    failures += await withFolder((folder) => cutOneRecording(folder, seed, cuts, options))
  }
  return failures
}

async function cutOneRecording(folder: string, seed: number, cuts: number, options: CrashOptions): Promise<number> {
  const trace = await record(join(folder, 'recorded'), seed, options.sabotage)
  const random = new SeededRandom(seed).fork('power cuts')
  let loose = 0
  const cases = Array.from({ length: cuts }, (_, number): RecoveryCase & { cut: number } => {
    const path = join(folder, `cut-${number}`)
    const cut = chooseCut(trace, random)
    loose += writeImage(trace, cut, random, path)
    return { path, cut, acknowledged: acknowledgedBefore(trace, cut) }
  })
  const problems = await recoverAll(seed, cases)
  problems.forEach((problem, at) => {
    if (problem !== null) options.print(`  seed ${seed}, cut at line ${cases[at]?.cut} of the trace: ${problem}`)
  })
  const failures = problems.filter((problem) => problem !== null).length
  const { writes, syncs, output } = trace
  options.print(
    `seed ${seed}: ${writes.length} writes, ${syncs} syncs, ${output.length} acknowledgements; ${cuts} power cuts, ` +
      `${loose} writes at the mercy of chance; ${failures} failures`,
  )
  return failures
}

async function record(path: string, seed: number, sabotage: string | undefined): Promise<DiskTrace> {
  const file = `${path}.trace`
  const argv = [
    ...straceOptions,
    '-o',
    file,
    process.execPath,
    program('storage-workload'),
    path,
    seed,
    length,
    sabotage ?? '',
  ]
  const child = spawn('strace', argv.map(String), { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'close').catch((error: unknown) => {
    throw new Error('strace could not be started: apt-get install strace', { cause: error })
  })
  if (code !== 0) throw new Error(`the recorded process ended with ${code}`)
  return readDiskTrace(readFileSync(file, 'latin1'), path)
}

/** Kills a working process `count` times. Answers how many recoveries went wrong. */
export async function kill(count: number, options: CrashOptions): Promise<number> {
  const random = new SeededRandom(options.seed).fork('kills')
  const runs = Array.from({ length: count }, (_, at) => ({ seed: options.seed + at, after: random.below(length * 4) }))
  let acknowledgements = 0
  const outcomes = await inParallel(2, runs, ({ seed, after }) =>
    withFolder(async (folder) => {
      const path = join(folder, 'killed')
      const acknowledged = await killAfter(path, seed, after, options.sabotage)
      acknowledgements += Object.values(acknowledged).reduce((sum, number) => sum + number, 0)
      const [problem = null] = await recoverAll(seed, [{ path, acknowledged }])
      if (problem !== null) options.print(`  seed ${seed}, killed after ${after} acknowledgements: ${problem}`)
      return problem
    }),
  )
  const failures = outcomes.filter((problem) => problem !== null).length
  options.print(`${count} kills, ${acknowledgements} acknowledgements; ${failures} failures`)
  return failures
}

async function killAfter(
  path: string,
  seed: number,
  after: number,
  sabotage: string | undefined,
): Promise<Record<string, number>> {
  const argv = [program('storage-workload'), path, seed, length, sabotage ?? '']
  const child = spawn(process.execPath, argv.map(String), { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (lines.length > after) child.kill('SIGKILL')
  }
  await closed
  return lastNumbers(lines)
}

/** Recovers each case in a child process; one that dies is reported for the case it was at. */
async function recoverAll(seed: number, cases: readonly RecoveryCase[]): Promise<(string | null)[]> {
  const groups: RecoveryCase[][] = []
  for (let at = 0; at < cases.length; at += casesPerProcess) groups.push(cases.slice(at, at + casesPerProcess))
  return (await inParallel(2, groups, (group) => recoverGroup(seed, group))).flat()
}

async function recoverGroup(seed: number, cases: readonly RecoveryCase[]): Promise<(string | null)[]> {
  const problems: (string | null)[] = []
  while (problems.length < cases.length) {
    const left = JSON.stringify(cases.slice(problems.length).map(({ path, acknowledged }) => ({ path, acknowledged })))
    const argv = [program('storage-recovery'), seed, length, left].map(String)
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'ignore'] })
    const closed = once(child, 'close')
    for await (const line of createInterface({ input: child.stdout })) problems.push(parseProblem(line))
    const [code, signal] = await closed
    if (problems.length < cases.length) problems.push(`the recovering process died (${signal ?? code})`)
  }
  return problems
}

function parseProblem(line: string): string | null {
  const problem: unknown = JSON.parse(line)
  return typeof problem === 'string' ? problem : null
}

async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-crash-'))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
