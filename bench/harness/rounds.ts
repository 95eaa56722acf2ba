// Runs a room: every contender in a process of its own for every workload, round after round, the order of the
// contenders turning by one each round, so that a slow minute of the machine falls on all of them.

import { spawn } from 'node:child_process'
import type { Contender, Result, Results, Room, Workload } from './room.ts'
import type { Rounds } from './rows.ts'

const TIME_LIMIT_MS = 180_000

/** Raised when a contender dies, prints no result, or did not complete the work it was given. */
export class ContenderFailure extends Error {
  override readonly name = 'ContenderFailure'
}

export interface RoundsOptions {
  readonly rounds: number
  /** The contenders that are present. */
  readonly present: readonly Contender[]
  readonly workloads: readonly Workload[]
  readonly progress: (line: string) => void
}

export async function runRounds(room: Room, options: RoundsOptions): Promise<Rounds> {
  const rounds = new Map<string, Results[]>(room.contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < options.rounds; round += 1) {
    const turned = options.present.map((_, i, all) => all[(i + round) % all.length]).filter((it) => it !== undefined)
    const results = new Map<string, Map<string, Result>>(turned.map(({ name }) => [name, new Map()]))
    for (const workload of options.workloads) {
      for (const contender of turned) {
        if (round >= (contender.rounds ?? options.rounds)) continue
        if ((workload.task ?? workload.name) in contender.lacks) continue
        options.progress(`round ${round + 1}/${options.rounds}  ${workload.name}  ${contender.name}`)
        results.get(contender.name)?.set(workload.name, await runWorkload(contender, workload))
      }
    }
    for (const [name, byWorkload] of results) rounds.get(name)?.push(byWorkload)
  }
  return rounds
}

/** Runs one workload in a new process and checks that all of it was done. */
export async function runWorkload(
  contender: Contender,
  workload: Workload,
  nodeArgs: readonly string[] = [],
): Promise<Result> {
  const { file, args } = contender.command(workload)
  // Node may stand behind a command that says where it runs.
  const node = [file, ...args].indexOf(process.execPath)
  const { code, stdout, stderr } = await runProcess(
    file,
    args.toSpliced(Math.max(0, node), 0, ...nodeArgs),
    TIME_LIMIT_MS,
  )
  const fail = (what: string) =>
    new ContenderFailure(`${contender.name}, workload ${workload.name}: ${what}\n${stderr.slice(-2000)}`)
  if (code !== 0) throw fail(`exit code ${code}`)
  const result = parseResult(stdout)
  if (result === null) throw fail('printed no result')
  const due = workload.count * workload.repeats
  if (result.completed !== due) throw fail(`completed ${result.completed} of ${due} operations`)
  return result
}

function parseResult(stdout: string): Result | null {
  const line = stdout.trimEnd().split('\n').at(-1) ?? ''
  const { completed, elapsedNs, value, values, latenciesNs } = parseObject(line)
  if (typeof completed !== 'number') return null
  if (typeof elapsedNs === 'number') return { completed, elapsedNs }
  if (typeof value === 'number') return { completed, value }
  if (typeof values === 'object' && values !== null) return { completed, values: numbersOf(values) }
  if (Array.isArray(latenciesNs)) return { completed, latenciesNs: latenciesNs.map(Number) }
  return null
}

function numbersOf(values: object): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([key, number]) => [key, Number(number)]))
}

type Field = 'completed' | 'elapsedNs' | 'value' | 'values' | 'latenciesNs'

function parseObject(line: string): Partial<Record<Field, unknown>> {
  try {
    return line.startsWith('{') ? JSON.parse(line) : {}
  } catch {
    return {}
  }
}

export interface Outcome {
  /** Null when the process was ended by a signal or could not be started. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end, or kills it after `limitMs`. Never rejects. */
export function runProcess(file: string, args: readonly string[], limitMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs, killSignal: 'SIGKILL' })
    const [out, err]: [Buffer[], Buffer[]] = [[], []]
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes))
    child.stderr.on('data', (bytes: Buffer) => err.push(bytes))
    const text = (bytes: Buffer[]) => Buffer.concat(bytes).toString('utf8')
    child.on('error', (error) => resolve({ code: null, stdout: text(out), stderr: error.message }))
    child.on('close', (code) => resolve({ code, stdout: text(out), stderr: text(err) }))
  })
}
