// What a replica keeps over a power cut: its promise and its state, as one transaction each time.

import type { Json } from '../../src/simulation/schedule-fields.ts'
import { type KeyValueChanges, KeyValueStore } from '../../src/storage/key-value-store.ts'
import type { TransactionalStore } from '../../src/storage/store.ts'
import { type Answered, EMPTY, type Entry, type RegisterState } from './register-state.ts'

export interface Saved {
  readonly promised: number
  readonly state: RegisterState
}

interface Head {
  readonly promised: number
  readonly epoch: number
  readonly seq: number
  readonly chain: number
}

export class ReplicaDisk {
  readonly #store: KeyValueStore

  constructor(store: TransactionalStore) {
    this.#store = new KeyValueStore(store, 'replica')
  }

  async read(): Promise<Saved> {
    const registers: Record<string, Json> = {}
    const sessions: Record<string, Answered> = {}
    let head: Head = { promised: 0, epoch: EMPTY.epoch, seq: EMPTY.seq, chain: EMPTY.chain }
    for await (const { key, value } of this.#store.scan()) {
      const name = Buffer.from(key).toString()
      const content: unknown = JSON.parse(Buffer.from(value).toString())
      if (name === 'head') head = content as Head
      else if (name.startsWith('r/')) registers[name.slice(2)] = content as Json
      else sessions[name.slice(2)] = content as Answered
    }
    const { promised, ...rest } = head
    return { promised, state: { ...rest, registers, sessions } }
  }

  /** Resolves once durable: only then may anybody be told. */
  promise(promised: number, state: RegisterState): Promise<void> {
    return this.#store.update((changes) => putHead(changes, promised, state))
  }

  /** Writes what `entries` have made of the state. */
  append(promised: number, state: RegisterState, entries: readonly Entry[]): Promise<void> {
    return this.#store.update((changes) => {
      putHead(changes, promised, state)
      for (const { session, input } of entries) {
        changes.put(`r/${input.key}`, json(state.registers[input.key] ?? null))
        changes.put(`s/${session}`, json(state.sessions[session]))
      }
    })
  }

  /** Puts `state` in place of `old`. */
  replace(promised: number, state: RegisterState, old: RegisterState): Promise<void> {
    return this.#store.update((changes) => {
      putHead(changes, promised, state)
      for (const key of Object.keys(old.registers)) if (!(key in state.registers)) changes.delete(`r/${key}`)
      for (const name of Object.keys(old.sessions)) if (!(name in state.sessions)) changes.delete(`s/${name}`)
      for (const [key, value] of Object.entries(state.registers)) changes.put(`r/${key}`, json(value))
      for (const [name, answered] of Object.entries(state.sessions)) changes.put(`s/${name}`, json(answered))
    })
  }
}

function putHead(changes: KeyValueChanges, promised: number, { epoch, seq, chain }: RegisterState): void {
  changes.put('head', json({ promised, epoch, seq, chain } satisfies Head))
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}
