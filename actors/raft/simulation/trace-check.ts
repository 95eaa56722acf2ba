// Traces of a group: the named transitions of its replicas, one JSON object a line in order of time, judged by the
// specification.

import type { Effect } from '../core/effect.ts'
import type { Incarnation, LogPosition, ReplicaId } from '../core/entry.ts'
import type { RecoveredState } from '../core/options.ts'
import { Specification, type TraceLine } from './specification.ts'

/** The verdict on a trace. */
export interface TraceVerdict {
  /** Lines that the specification allows, from the first one on. */
  readonly allowed: number
  /** Why it rejects the next one; undefined if it allows all. */
  readonly why: string | undefined
}

/** Replays lines of JSON against a new {@link Specification}. Empty lines do not count. */
export function checkTrace(lines: Iterable<string>): TraceVerdict {
  const specification = new Specification()
  let allowed = 0
  for (const text of lines) {
    if (text === '') continue
    const line = parseLine(text)
    const why = line === undefined ? 'not a line of a trace' : specification.accept(line)
    if (why !== undefined) return { allowed, why }
    allowed++
  }
  return { allowed, why: undefined }
}

function parseLine(text: string): TraceLine | undefined {
  try {
    const line: unknown = JSON.parse(text)
    const isLine =
      typeof line === 'object' && line !== null && 'node' in line && 'incarnation' in line && 'event' in line
    return isLine ? (line as TraceLine) : undefined
  } catch {
    return undefined
  }
}

/** What a trace has of the effects of one step, in their order. */
export function linesOf(node: ReplicaId, incarnation: Incarnation, effects: readonly Effect[]): TraceLine[] {
  const lines: TraceLine[] = []
  for (const effect of effects) {
    if (effect.type === 'transition') lines.push({ node, incarnation, event: effect.transition })
    else if (effect.type === 'configuration') {
      const { configuration, at } = effect
      lines.push({ node, incarnation, event: { name: 'members', configuration, at } })
    }
  }
  return lines
}

/** The line that a life begins with. */
export function startOf(node: ReplicaId, incarnation: Incarnation, recovered: RecoveredState): TraceLine {
  const { hardState, snapshot, entries, claimed } = recovered
  const base = snapshot?.last ?? { index: 0, term: 0 }
  const last: LogPosition = entries.at(-1) ?? base
  return {
    node,
    incarnation,
    event: {
      name: 'start',
      term: hardState?.term ?? 0,
      votedFor: hardState?.votedFor,
      snapshot: { index: base.index, term: base.term },
      last: { index: last.index, term: last.term },
      commit: hardState?.commit ?? 0,
      isDamaged: claimed !== undefined,
      ...floorOf(hardState?.voteFloor, claimed),
    },
  }
}

/** The higher of both: the term decides, then the index. */
function floorOf(kept: LogPosition | undefined, claimed: LogPosition | undefined): { floor?: LogPosition } {
  const [a, b] = [kept ?? claimed, claimed ?? kept]
  if (a === undefined || b === undefined) return {}
  const floor = a.term > b.term || (a.term === b.term && a.index > b.index) ? a : b
  return { floor: { index: floor.index, term: floor.term } }
}
