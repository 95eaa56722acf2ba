// The table for people and the lines for programs. Both come from the same rows.

import type { Machine } from './machine.ts'
import type { Row } from './rows.ts'

/** What stands above the rows of a room. */
export interface Header {
  readonly room: string
  readonly rounds: number
  readonly machine: Machine
  /** Version of each contender present. */
  readonly contenders: Readonly<Record<string, string>>
  /** Why each absent one is. */
  readonly absent: Readonly<Record<string, string>>
  /** Rows a present contender has no counterpart for, with the reason. */
  readonly lacks: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** What differs between the contenders' set-ups. */
  readonly notes: readonly string[]
}

/** JSON lines: the header, then a line per row. */
export function jsonLines(header: Header, rows: readonly Row[]): string {
  return [{ type: 'header', ...header }, ...rows.map((row) => ({ type: 'row', ...row }))]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('')
}

export function table(header: Header, rows: readonly Row[]): string {
  const { machine } = header
  const peers = Object.keys(rows[0]?.peers ?? {})
  const head = ['row', 'unit', 'ours', ...peers, 'goal', 'ratio', 'met']
  const body = rows.map((row) => [
    row.name,
    row.unit,
    withSpread(row.ours, Object.values(row.spread)[0] ?? null),
    ...peers.map((peer) => withSpread(row.peers[peer] ?? null, row.spread[peer] ?? null)),
    row.goal ? `${row.goal.text}${row.goal.value === null ? '' : ` = ${short(row.goal.value)}`}` : '',
    row.ratio === null ? '-' : row.ratio.toFixed(2),
    row.met === null ? '-' : row.met ? 'yes' : 'NO',
  ])
  return [
    `room ${header.room}: median of ${header.rounds} rounds [lowest, highest]`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.os}, Node ${machine.node}, load ${machine.load}`,
    ...Object.entries(header.contenders).map(([name, version]) => `${name}: ${version}`),
    ...Object.entries(header.absent).map(([name, reason]) => `${name}: absent, ${reason}`),
    '',
    ...align([head, ...body]),
    '',
    ...rows.flatMap(profileLines),
    ...lackLines(header.lacks),
    ...header.notes,
    '',
  ].join('\n')
}

function profileLines({ name, profile }: Row): string[] {
  if (!profile) return []
  const top = profile.top.map(({ where, share }) => `  ${(share * 100).toFixed(1).padStart(5)} %  ${where}`)
  return [`${name} is not met; ${profile.file}:`, ...top, '']
}

/** One line per task and reason, with the contenders that share it. */
function lackLines(lacks: Header['lacks']): string[] {
  const names = new Map<string, string[]>()
  for (const [name, why] of Object.entries(lacks)) {
    for (const [task, reason] of Object.entries(why)) {
      const line = `${task}: ${reason}`
      names.set(line, [...(names.get(line) ?? []), name])
    }
  }
  return [...names].map(([line, without]) => `not ${without.join(', ')}; ${line}`)
}

function withSpread(median: number | null, spread: readonly [number, number] | null): string {
  return median === null || !spread ? '-' : `${short(median)} [${short(spread[0])}, ${short(spread[1])}]`
}

/** Three significant digits, with k and M. */
export function short(n: number): string {
  const size = Math.abs(n)
  if (size >= 999_500) return `${(n / 1e6).toPrecision(3)}M`
  if (size >= 1e4) return `${(n / 1e3).toPrecision(3)}k`
  return size >= 1000 || n === 0 ? n.toFixed(0) : n.toPrecision(3)
}

function align(lines: readonly (readonly string[])[]): string[] {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
