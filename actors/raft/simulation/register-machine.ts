// The register map as a replicated state machine, which keeps score: every command carries a number of its own, and a
// journal that all replicas share notes where each was applied. What two replicas, or two lives of one, apply
// differently, and what is applied twice, is found when it happens.

import { type RegisterInput, registerMap } from '../../../src/simulation/register-map.ts'
import type { Json } from '../../../src/simulation/schedule-fields.ts'
import { crc32c } from '../../../src/storage/crc32c.ts'
import type { ApplyContext, StateMachine } from '../../consensus/state-machine.ts'
import type { RaftInvariant } from './rules.ts'

export interface RegisterState {
  readonly registers: Map<string, Json>
  /** A running digest of all that was applied, and the place of the last. */
  chain: number
  index: number
}

/** A command as clients send it. `number`: of the operation, unique in the run; 0 for reads, which may be repeated. */
export interface RegisterCommand {
  readonly number: number
  readonly input: RegisterInput
}

export function encodeRegisterCommand(command: RegisterCommand): Uint8Array {
  return Buffer.from(JSON.stringify(command))
}

export function decodeAnswer(bytes: Uint8Array): Json {
  return JSON.parse(Buffer.from(bytes).toString()) as Json
}

/** What all replicas have applied, by place and by operation. */
export class ApplyJournal {
  readonly #broken: (rule: RaftInvariant, why: string) => void
  readonly #chains = new Map<number, number>()
  readonly #places = new Map<number, number>()
  readonly #sessions = new Map<number, number>()

  constructor(broken: (rule: RaftInvariant, why: string) => void) {
    this.#broken = broken
  }

  applied(node: string, state: RegisterState, { number, input }: RegisterCommand): void {
    this.#check(node, state, 'applies')
    if (number === 0) return
    const place = this.#places.get(number)
    if (place === undefined) this.#places.set(number, state.index)
    else if (place !== state.index) {
      const what = `${input.op} number ${number}`
      this.#broken(
        'exactly once per (session, serial)',
        `${node} applies ${what} at ${state.index}, and it was applied at ${place}`,
      )
    }
  }

  restored(node: string, state: RegisterState): void {
    if (state.index > 0) this.#check(node, state, 'restores')
  }

  /** `digest`: of the table of sessions behind `index`. */
  sessions(node: string, index: number, digest: number): void {
    const known = this.#sessions.get(index)
    if (known === undefined) this.#sessions.set(index, digest)
    else if (known !== digest)
      this.#broken('state-machine safety', `${node} has other sessions behind ${index} than others had there`)
  }

  #check(node: string, { index, chain }: RegisterState, does: string): void {
    const known = this.#chains.get(index)
    if (known === undefined) this.#chains.set(index, chain)
    else if (known !== chain)
      this.#broken('state-machine safety', `${node} ${does} ${index}, and has another state than others had there`)
  }
}

/** The machine of one node. `onState` is handed the state object of each life, which then changes in place. */
export function createRegisterMachine(
  node: string,
  journal: ApplyJournal,
  onState: (state: RegisterState) => void,
): StateMachine<RegisterState> {
  return {
    name: 'register-map',
    version: 1,
    init() {
      const state: RegisterState = { registers: new Map(), chain: 0, index: 0 }
      onState(state)
      return state
    },
    apply(state, bytes, { index }: ApplyContext) {
      const command = JSON.parse(Buffer.from(bytes).toString()) as RegisterCommand
      const { input } = command
      const applied = registerMap.apply(state.registers.get(input.key) ?? null, input)
      if (input.op !== 'get') state.registers.set(input.key, applied.state)
      state.chain = crc32c(bytes, (state.chain ^ index) >>> 0)
      state.index = index
      journal.applied(node, state, command)
      return Buffer.from(JSON.stringify(applied.output))
    },
    query(state, bytes) {
      const { input } = JSON.parse(Buffer.from(bytes).toString()) as RegisterCommand
      return Buffer.from(JSON.stringify(state.registers.get(input.key) ?? null))
    },
    snapshot({ registers, chain, index }) {
      const bytes = Buffer.from(JSON.stringify({ registers: [...registers], chain, index }))
      const half = bytes.length >> 1
      return [bytes.subarray(0, half), bytes.subarray(half)]
    },
    restore(bytes) {
      const saved = JSON.parse(Buffer.from(bytes).toString()) as {
        readonly registers: readonly [string, Json][]
        readonly chain: number
        readonly index: number
      }
      const state: RegisterState = { registers: new Map(saved.registers), chain: saved.chain, index: saved.index }
      journal.restored(node, state)
      onState(state)
      return state
    },
  }
}
