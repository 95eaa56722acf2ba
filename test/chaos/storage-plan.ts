// What the crash tests do to a store, fixed by a seed: both the process that does it and the one that checks what is
// left compute it anew. Each change is numbered from 1 and writes its number, as metadata or value.

import { SeededRandom } from 'espalier/testing'

export const logNames = ['a', 'b', 'c'] as const
export const valueStore = 'values'

/** One change of a log. */
export type PlannedChange =
  | { readonly kind: 'change'; readonly truncateFrom: number; readonly entries: readonly Buffer[] }
  | { readonly kind: 'compact'; readonly through: number }

/** What a log holds after a change. */
export interface PlannedState {
  readonly firstIndex: number
  readonly entries: readonly Buffer[]
}

export interface LogPlan {
  readonly changes: readonly PlannedChange[]
  /** By number of the last change; state 0 is the empty log. */
  readonly states: readonly PlannedState[]
}

export function planLog(seed: number, name: string, length: number): LogPlan {
  const random = new SeededRandom(seed).fork(`log ${name}`)
  const changes: PlannedChange[] = []
  let state: PlannedState = { firstIndex: 1, entries: [] }
  const states = [state]
  for (let number = 1; number <= length; number += 1) {
    const { firstIndex, entries } = state
    const compacts = entries.length > 4 && random.chance(1, 8)
    if (compacts) {
      const dropped = random.between(1, entries.length - 1)
      changes.push({ kind: 'compact', through: firstIndex + dropped - 1 })
      state = { firstIndex: firstIndex + dropped, entries: entries.slice(dropped) }
    } else {
      const kept = random.chance(1, 5) ? random.below(entries.length + 1) : entries.length
      const added = Array.from({ length: random.below(4) }, (_, at) => payload(random, `${name} ${number} ${at}`))
      changes.push({ kind: 'change', truncateFrom: firstIndex + kept, entries: added })
      state = { firstIndex, entries: [...entries.slice(0, kept), ...added] }
    }
    states.push(state)
  }
  return { changes, states }
}

/** The value of the numbered update, which sets two keys to it. */
export function plannedValue(seed: number, number: number): Buffer {
  return payload(new SeededRandom(seed).fork(`value ${number}`), String(number))
}

/** A label, and filler up to a length that is sometimes more than an LMDB page. */
function payload(random: SeededRandom, label: string): Buffer {
  const length = random.chance(1, 4) ? random.below(9000) : random.below(400)
  const filler = Buffer.alloc(length)
  for (let at = 0; at + 4 <= length; at += 4) filler.writeUInt32LE(random.uint32(), at)
  return Buffer.concat([Buffer.from(`${label}:`), filler])
}
