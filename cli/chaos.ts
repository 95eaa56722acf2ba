// `espalier chaos raft`: torments a replicated group on worker threads of a process of its own, kills that process between
// rounds, starts it again on the same data, and judges what the clients saw.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../src/system/index.ts'
import { type ChaosFigures, ChaosRecord } from './chaos-record.ts'
import { type ChaosStart, SABOTAGE, type Sabotage, type Said } from './chaos-words.ts'
import { seconds } from './table.ts'

export interface ChaosOptions {
  /** How long to torment, such as `60s`. */
  readonly for: string
  readonly seed: string
  readonly break: string | undefined
}

/** About how long a process lives before it is killed. */
const ROUND_MS = 4000
/** How long a process may be without an acknowledgement when it is to kill itself. */
const LATE_MS = 10_000
/** How long the last process may take to answer every read. */
const END_LIMIT_MS = 90_000
const PROCESS = fileURLToPath(new URL('./chaos-process.js', import.meta.url))

/** Answers the exit code: 0 nothing is wrong, 1 something is, 2 wrong usage. */
export async function chaosRaftCommand(options: ChaosOptions): Promise<number> {
  const forMs = durationMs(options.for)
  const seed = Number(options.seed)
  const sabotage = options.break
  if (forMs === undefined) return wrong('--for', options.for, 'a time from 1s to 24h, such as 60s or 5m')
  if (!Number.isSafeInteger(seed) || seed < 0) return wrong('--seed', options.seed, 'a whole number')
  if (sabotage !== undefined && !isSabotage(sabotage)) {
    return wrong('--break', sabotage, SABOTAGE.join(', '))
  }
  const data = mkdtempSync(join(tmpdir(), 'espalier-chaos-'))
  try {
    return report(await torment({ data, seed, sabotage, forMs }))
  } finally {
    rmSync(data, { recursive: true, force: true, maxRetries: 3 })
  }
}

function wrong(option: string, value: string, allowed: string): number {
  process.stderr.write(`espalier: ${option} ${value}: expected ${allowed}\n`)
  return 2
}

function isSabotage(name: string): name is Sabotage {
  return SABOTAGE.some((known) => known === name)
}

function durationMs(text: string): number | undefined {
  const [, count = '', unit = ''] = /^(\d{1,6})(s|m|h)$/.exec(text) ?? []
  const ms = Number(count) * (unit === 's' ? 1000 : unit === 'm' ? 60_000 : 3_600_000)
  return ms >= 1000 && ms <= 86_400_000 ? ms : undefined
}

type Torment = Pick<ChaosStart, 'data' | 'seed' | 'sabotage'> & { readonly forMs: number }

async function torment({ forMs, ...start }: Torment): Promise<ChaosRecord> {
  const record = new ChaosRecord()
  const rounds = Math.max(2, Math.round(forMs / ROUND_MS))
  for (let round = 0; round < rounds; round += 1) {
    record.roundBegins()
    const limitMs = forMs / rounds
    // By itself at an acknowledgement, or from outside at any moment.
    const killAfterMs = round % 3 === 2 ? undefined : limitMs
    await runProcess({ ...start, round, killAfterMs, read: undefined }, record, limitMs + (killAfterMs ? LATE_MS : 0))
    record.roundEnds(systemClock.now())
    record.countKill()
  }
  record.readingBegins()
  await runProcess({ ...start, round: rounds, killAfterMs: undefined, read: record.keys }, record, END_LIMIT_MS)
  return record
}

/** Runs a process until it ends, or kills it once `limitMs` of its time under load have passed. Hears all that it says. */
async function runProcess(start: ChaosStart, record: ChaosRecord, limitMs: number): Promise<void> {
  const { read, ...plain } = start
  const argument = JSON.stringify(read === undefined ? plain : { ...plain, read: [] })
  const child = spawn(process.execPath, [PROCESS, argument], { stdio: ['pipe', 'pipe', 'inherit'] })
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  const closed = once(child, 'close')
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify(read ?? []))
  let limit = systemClock.setAlarm(limitMs + END_LIMIT_MS, end)
  let isLoaded = false
  for await (const line of createInterface({ input: child.stdout })) {
    const said = parse(line)
    if (said === undefined) continue
    record.heard(said, systemClock.now())
    if (isLoaded || said.kind !== 'answer' || read !== undefined) continue
    isLoaded = true
    limit.cancel()
    limit = systemClock.setAlarm(limitMs, end)
  }
  await closed
  limit.cancel()
  process.off('exit', end)
}

/** Undefined: the half of a line that the kill has left. */
function parse(line: string): Said | undefined {
  try {
    const said: Said = JSON.parse(line)
    return said
  } catch {
    return undefined
  }
}

function report(record: ChaosRecord): number {
  process.stdout.write(textOf(record.figures()))
  const problems = record.problems()
  for (const problem of problems) process.stdout.write(`${problem}\n`)
  if (problems.length === 0) {
    process.stdout.write('every acknowledged write is there, and the history is linearizable\n')
  }
  return problems.length === 0 ? 0 : 1
}

function textOf(figures: ChaosFigures): string {
  const { operations, acknowledged, unknown, failovers, faults, available, longestGapMs } = figures
  const broken = Object.entries(faults).map(([fault, count]) => `${count} × ${fault}`)
  return [
    `${operations} operations, ${acknowledged} writes acknowledged, ${unknown} outcomes unknown`,
    `broken: ${broken.join(', ') || 'nothing'}`,
    `availability: progress in ${(available * 100).toFixed(1)} % of the time under load, longest gap ${seconds(longestGapMs)}, ${failovers} leaders`,
    '',
  ].join('\n')
}
