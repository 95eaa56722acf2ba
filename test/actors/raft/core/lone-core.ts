// One core, fed by hand: what it answers to exactly this input, at exactly this time.

import type { Configuration } from '../../../../actors/raft/core/configuration.ts'
import { encodeConfiguration } from '../../../../actors/raft/core/configuration-codec.ts'
import type { Effect } from '../../../../actors/raft/core/effect.ts'
import type { Entry, LogIndex, ReplicaId, Term } from '../../../../actors/raft/core/entry.ts'
import { encodeEntry } from '../../../../actors/raft/core/entry-codec.ts'
import type { Input } from '../../../../actors/raft/core/input.ts'
import type { Message } from '../../../../actors/raft/core/message.ts'
import type { CoreOptions, RecoveredState } from '../../../../actors/raft/core/options.ts'
import { RaftCore } from '../../../../actors/raft/core/raft-core.ts'

type Fields = Message extends infer M
  ? M extends Message
    ? Omit<M, 'incarnation'> & { readonly incarnation?: string }
    : never
  : never

export function voters(...ids: ReplicaId[]): Configuration {
  return { members: ids.map((id) => ({ id, incarnation: '', role: 'voter' })) }
}

export function entry(index: LogIndex, term: Term, text = `${index}/${term}`): Entry {
  const payload = new TextEncoder().encode(text)
  return encodeEntry({ index, term, kind: 'command', timeMs: 0, payload })
}

export function configurationEntry(index: LogIndex, term: Term, configuration: Configuration): Entry {
  return encodeEntry({ index, term, kind: 'configuration', timeMs: 0, payload: encodeConfiguration(configuration) })
}

/** The founding entry and one command a term: a log by its terms, as the paper draws them. */
export function logOf(configuration: Configuration, ...terms: Term[]): Entry[] {
  return [configurationEntry(1, 0, configuration), ...terms.map((term, at) => entry(at + 2, term))]
}

export class LoneCore {
  readonly core: RaftCore
  now = 0
  /** Effects of all steps since the last {@link clear}. */
  effects: Effect[] = []
  #persisted = 0

  constructor(options: Partial<CoreOptions> & { readonly recovered?: RecoveredState } = {}) {
    const none = { hardState: undefined, snapshot: undefined, entries: [], claimed: undefined }
    const isEmpty = options.recovered === undefined
    this.core = new RaftCore({
      id: 'n1',
      incarnation: '',
      founders: isEmpty ? voters('n1', 'n2', 'n3') : undefined,
      recovered: none,
      random: () => 0,
      nowMs: 0,
      ...options,
    })
    this.effects.push(...this.core.begin(0))
  }

  /** One that has this log and term on its disk. */
  static recovered(
    entries: readonly Entry[],
    term: Term,
    options: Partial<CoreOptions> & { readonly votedFor?: ReplicaId; readonly commit?: LogIndex } = {},
  ): LoneCore {
    const { votedFor, commit = 1, ...rest } = options
    const hardState = { term, votedFor, commit, voteFloor: undefined }
    return new LoneCore({ recovered: { hardState, snapshot: undefined, entries, claimed: undefined }, ...rest })
  }

  step(input: Input): readonly Effect[] {
    const effects = this.core.step(input, this.now)
    this.effects.push(...effects)
    return effects
  }

  /** Steps, and completes every write at once. */
  settle(input: Input): readonly Effect[] {
    const effects = [...this.step(input)]
    effects.push(...this.persist())
    return effects
  }

  receive(message: Fields): readonly Effect[] {
    return this.step({ type: 'message', message: { incarnation: '', ...message } as Message })
  }

  /** Completes all writes issued so far, and those that follow from it. */
  persist(): readonly Effect[] {
    const effects: Effect[] = []
    for (;;) {
      const last = this.effects.findLast((effect) => effect.type === 'persist')
      if (last?.type !== 'persist' || last.write <= this.#persisted) return effects
      this.#persisted = last.write
      effects.push(...this.step({ type: 'persisted', write: last.write }))
    }
  }

  /** Wins an election of the next term with the vote of n2. */
  lead(): this {
    this.persist()
    this.settle({ type: 'campaign' })
    const { term } = this.core
    if (this.core.role === 'preCandidate') {
      const { message } = sends(this.effects, 'preVote').at(-1) ?? {}
      if (message === undefined) throw new Error('no pre-vote')
      const { round, campaignTerm } = message
      this.receive({ kind: 'preVoteReply', from: 'n2', term, round, campaignTerm, granted: true })
      this.persist()
    }
    if (this.core.role === 'candidate') {
      this.receive({ kind: 'voteReply', from: 'n2', term: this.core.term, granted: true })
    }
    this.persist()
    if (this.core.role !== 'leader') throw new Error(`not elected: ${this.core.role}`)
    return this
  }

  /** The peer has everything. */
  acknowledge(from: ReplicaId, match = this.core.lastPosition.index, round = 1): readonly Effect[] {
    const { term } = this.core
    return this.receive({ kind: 'appendReply', from, term, round, outcome: { accepted: true, match } })
  }

  propose(text: string, id = 1): readonly Effect[] {
    return this.step({ type: 'propose', proposals: [{ id, payload: new TextEncoder().encode(text) }], epochMs: 1000 })
  }

  clear(): void {
    this.effects = []
  }
}

type SendOf<K extends Message['kind']> = { readonly to: ReplicaId; readonly message: Extract<Message, { kind: K }> }

export function sends<K extends Message['kind']>(effects: readonly Effect[], kind: K, to?: ReplicaId): SendOf<K>[] {
  const found: SendOf<K>[] = []
  for (const effect of effects) {
    if (effect.type !== 'send' || effect.message.kind !== kind || (to !== undefined && effect.to !== to)) continue
    found.push({ to: effect.to, message: effect.message as Extract<Message, { kind: K }> })
  }
  return found
}

export function ofType<T extends Effect['type']>(effects: readonly Effect[], type: T): Extract<Effect, { type: T }>[] {
  return effects.filter((effect): effect is Extract<Effect, { type: T }> => effect.type === type)
}
