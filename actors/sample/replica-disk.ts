// What a replica keeps over a power cut: its promise and its state, as one transaction each time.

import type { Json } from '../../src/simulation/schedule-fields.ts'
import { type KeyValueChanges, KeyValueStore } from '../../src/storage/key-value-store.ts'
import type { TransactionalStore } from '../../src/storage/store.ts'
import { type Answered, EMPTY, type Entry, type RegisterState } from './register-state.ts'

export interface Saved {
  readonly promised: number
  readonly state: RegisterState
}

export class ReplicaDisk {
  readonly #store: KeyValueStore
  readonly #registers = new Names('r/')
  readonly #sessions = new Names('s/')

  constructor(store: TransactionalStore) {
    this.#store = new KeyValueStore(store, 'replica')
  }

  async read(): Promise<Saved> {
    const registers: Record<string, Json> = {}
    const sessions: Record<string, Answered> = {}
    let [promised, epoch, seq, chain] = [0, EMPTY.epoch, EMPTY.seq, EMPTY.chain]
    for await (const { key, value } of this.#store.scan()) {
      const name = Buffer.from(key).toString()
      const text = Buffer.from(value).toString()
      if (name === 'head') [promised = 0, epoch = 0, seq = 0, chain = 0] = text.split(' ').map(Number)
      else if (name.startsWith('r/')) registers[name.slice(2)] = JSON.parse(text) as Json
      else sessions[name.slice(2)] = answeredOf(text)
    }
    return { promised, state: { epoch, seq, chain, registers, sessions } }
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
        changes.put(this.#registers.of(input.key), JSON.stringify(state.registers[input.key] ?? null))
        this.#putAnswered(changes, session, state.sessions[session])
      }
    })
  }

  /** Puts `state` in place of `old`. */
  replace(promised: number, state: RegisterState, old: RegisterState): Promise<void> {
    return this.#store.update((changes) => {
      putHead(changes, promised, state)
      for (const key of Object.keys(old.registers))
        if (!(key in state.registers)) changes.delete(this.#registers.of(key))
      for (const name of Object.keys(old.sessions))
        if (!(name in state.sessions)) changes.delete(this.#sessions.of(name))
      for (const [key, value] of Object.entries(state.registers))
        changes.put(this.#registers.of(key), JSON.stringify(value))
      for (const [name, answered] of Object.entries(state.sessions)) this.#putAnswered(changes, name, answered)
    })
  }

  /** The request's number, a space, what was answered. */
  #putAnswered(changes: KeyValueChanges, session: string, answered: Answered | undefined): void {
    if (answered === undefined) return
    changes.put(this.#sessions.of(session), `${answered.serial} ${JSON.stringify(answered.output)}`)
  }
}

/** The names that a prefix makes: to put one together anew for each write would cost as much as the write. */
class Names {
  readonly #prefix: string
  readonly #names = new Map<string, string>()

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  of(name: string): string {
    let joined = this.#names.get(name)
    if (joined === undefined) {
      joined = this.#prefix + name
      this.#names.set(name, joined)
    }
    return joined
  }
}

function putHead(changes: KeyValueChanges, promised: number, { epoch, seq, chain }: RegisterState): void {
  changes.put('head', `${promised} ${epoch} ${seq} ${chain}`)
}

function answeredOf(text: string): Answered {
  const space = text.indexOf(' ')
  return { serial: Number(text.slice(0, space)), output: JSON.parse(text.slice(space + 1)) as Json }
}
