// The bench command: `npm run -s bench -- ROOM... [--json] [--rounds N] [--only ROW]`. Exit codes: 0 the table was
// made, whether or not its goals are met; 1 a contender failed or left work undone; 64 wrong usage.

import { parseArgs } from 'node:util'
import { machine } from './harness/machine.ts'
import { profile } from './harness/profile.ts'
import { type Header, jsonLines, table } from './harness/report.ts'
import type { Contender, Room, RowSpec } from './harness/room.ts'
import { ContenderFailure, runRounds } from './harness/rounds.ts'
import { type Row, rowOf } from './harness/rows.ts'
import { local } from './local/room.ts'
import { raft } from './raft/room.ts'
import { simulation } from './simulation/room.ts'
import { storage } from './storage/room.ts'

import { threads } from './threads/room.ts'

const rooms: readonly Room[] = [local, raft, simulation, storage, threads]
const DEFAULT_ROUNDS = 5

const usage = `Usage: npm run -s bench -- ROOM... [--json] [--rounds N] [--only ROW]...

Runs each room's contenders in processes of their own, in interleaved rounds, and prints a row per measure: ours, each
peer, the goal, the ratio, and whether the goal is met. An absent peer is shown as absent.

  ROOM          ${rooms.map(({ name }) => name).join(', ')}
  --rounds N    rounds, 1 to 100 (default ${DEFAULT_ROUNDS}${rooms.flatMap(({ name, rounds }) => (rounds === undefined ? [] : `; ${name} ${rounds}`)).join('')})
  --only ROW    only the rows whose name is ROW or starts with ROW-; may be repeated
  --json        JSON lines instead of the table: a header, then a line per row
  --help        this text
`

interface Options {
  readonly rooms: readonly Room[]
  readonly rounds: number | undefined
  readonly only: readonly string[]
  readonly json: boolean
}

class UsageError extends Error {}

function parse(args: readonly string[]): Options | 'help' {
  const { values, positionals } = parseOrFail(args)
  if (values.help) return 'help'
  if (positionals.length === 0) throw new UsageError('no ROOM given')
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  if (rounds !== undefined && (!Number.isInteger(rounds) || rounds < 1 || rounds > 100))
    throw new UsageError(`--rounds ${values.rounds}: a whole number from 1 to 100 is allowed`)
  const asked = positionals.map((name) => {
    const room = rooms.find((it) => it.name === name)
    if (!room) throw new UsageError(`ROOM ${name}: known are ${rooms.map((it) => it.name).join(', ')}`)
    return room
  })
  return { rooms: asked, rounds, only: values.only ?? [], json: values.json ?? false }
}

function parseOrFail(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        rounds: { type: 'string' },
        only: { type: 'string', multiple: true },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

async function runRoom(room: Room, options: Options): Promise<void> {
  const specs = selectRows(room, options.only)
  const wanted = new Set(specs.flatMap(({ reading }) => reading.workloads))
  const workloads = room.workloads.filter(({ name }) => wanted.has(name))
  const atStart = machine()
  const { present, versions, absent } = await probe(room)
  const count = options.rounds ?? room.rounds ?? DEFAULT_ROUNDS
  const rounds = await runRounds(room, { rounds: count, present, workloads, progress })
  const rows: Row[] = []
  for (const spec of specs) rows.push(await profiled(room, spec, rowOf(room, spec, rounds)))
  const header: Header = {
    room: room.name,
    rounds: count,
    machine: atStart,
    contenders: versions,
    absent,
    lacks: lacking(present, new Set(workloads.map(({ task, name }) => task ?? name))),
    notes: room.notes ?? [],
  }
  progress('')
  process.stdout.write(options.json ? jsonLines(header, rows) : table(header, rows))
}

function selectRows(room: Room, only: readonly string[]): readonly RowSpec[] {
  if (only.length === 0) return room.rows
  const chosen = room.rows.filter(({ name }) => only.some((it) => name === it || name.startsWith(`${it}-`)))
  if (chosen.length === 0)
    throw new UsageError(
      `--only ${only.join(' ')}: room ${room.name} has ${room.rows.map(({ name }) => name).join(', ')}`,
    )
  return chosen
}

async function probe(room: Room) {
  const present: Contender[] = []
  const versions: Record<string, string> = {}
  const absent: Record<string, string> = {}
  for (const contender of room.contenders) {
    const found = await contender.probe()
    if ('absent' in found) absent[contender.name] = found.absent
    else {
      present.push(contender)
      versions[contender.name] = found.version
    }
  }
  return { present, versions, absent }
}

function lacking(present: readonly Contender[], tasks: ReadonlySet<string>): Header['lacks'] {
  const of = ({ name, lacks }: Contender) =>
    [name, Object.fromEntries(Object.entries(lacks).filter(([task]) => tasks.has(task)))] as const
  return Object.fromEntries(present.map(of).filter(([, why]) => Object.keys(why).length > 0))
}

/** Gives an unmet row its profile. */
async function profiled(room: Room, spec: RowSpec, row: Row): Promise<Row> {
  const workload = room.workloads.find(({ name }) => name === spec.reading.workloads[0])
  if (row.met !== false || !workload) return row
  progress(`profile  ${workload.name}`)
  return { ...row, profile: await profile(room.contenders[0], workload, row.unit === 'B' ? 'heap' : 'cpu') }
}

/** On a terminal, one line that is written over; elsewhere nothing. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
}

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parse(args)
    if (options === 'help') process.stdout.write(usage)
    else for (const room of options.rooms) await runRoom(room, options)
    return 0
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n\n${usage}`)
      return 64
    }
    if (!(error instanceof ContenderFailure)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
