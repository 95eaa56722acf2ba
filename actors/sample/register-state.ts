// What a replica of the sample register holds, and what a request does to it. Pure.

import type { RegisterInput } from '../../src/simulation/register-map.ts'
import { registerMap } from '../../src/simulation/register-map.ts'
import type { Json } from '../../src/simulation/schedule-fields.ts'

/** One request of a client session. */
export interface Entry {
  readonly session: string
  /** Counts the session's requests from 1. */
  readonly serial: number
  readonly input: RegisterInput
}

/** The last answer of a session: a request that comes again is answered from here, not applied again. */
export interface Answered {
  readonly serial: number
  readonly output: Json
}

export interface RegisterState {
  /** The epoch of the primary that this state was accepted from. */
  readonly epoch: number
  /** Entries applied since the beginning. */
  readonly seq: number
  /** A running digest of those entries: states with equal chains have equal histories. */
  readonly chain: number
  readonly registers: Readonly<Record<string, Json>>
  readonly sessions: Readonly<Record<string, Answered>>
}

export const EMPTY: RegisterState = { epoch: 0, seq: 0, chain: 0, registers: {}, sessions: {} }

/** The state after `entries`, each applied once per session and serial. */
export function applyEntries(state: RegisterState, entries: readonly Entry[]): RegisterState {
  const registers = { ...state.registers }
  const sessions = { ...state.sessions }
  let { seq, chain } = state
  for (const { session, serial, input } of entries) {
    const last = sessions[session]
    if (last === undefined || last.serial < serial) {
      const applied = registerMap.apply(registers[input.key] ?? null, input)
      registers[input.key] = applied.state
      sessions[session] = { serial, output: applied.output }
    }
    seq++
    chain = linkTo(chain, session, serial)
  }
  return { epoch: state.epoch, seq, chain, registers, sessions }
}

/** FNV-1a over the name and the number, begun where the chain stands. */
function linkTo(chain: number, session: string, serial: number): number {
  let hash = chain ^ 0x811c9dc5
  for (let i = 0; i < session.length; i++) hash = Math.imul(hash ^ session.charCodeAt(i), 0x01000193)
  return Math.imul(hash ^ serial, 0x01000193) >>> 0
}
