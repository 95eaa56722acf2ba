// Reads without the log (Raft thesis §6.4): what is told to be readable shows everything that was committed when the read
// was asked for; and unless a lease stands for it, a quorum has answered the leader in a round sent since then.

import type { Configuration } from '../core/configuration.ts'
import type { Effect } from '../core/effect.ts'
import type { LogIndex, Term } from '../core/entry.ts'
import type { Input } from '../core/input.ts'
import { keyOf, type ReplicaRecord } from './replica-record.ts'
import type { Violation } from './rules.ts'
import type { Judged } from './step-check.ts'
import { isQuorum } from './voters.ts'

interface Asked {
  /** What was committed then. */
  readonly committed: LogIndex
  /** The last round that the replica had sent then. */
  readonly round: number
}

/** What one replica was asked, and who has answered it as the leader of its term. */
interface Reader {
  term: Term
  round: number
  /** The latest round that each member has answered. */
  readonly answered: Map<string, number>
  readonly asked: Map<number | string, Asked>
}

export class ReadCheck {
  readonly #readers = new Map<string, Reader>()

  started({ key }: ReplicaRecord): void {
    this.#readers.delete(key)
  }

  stepped(record: ReplicaRecord, { input, effects, committed, configuration }: Judged): Violation | undefined {
    const reader = this.#readerOf(record.key)
    if (input !== undefined) told(reader, input, committed)
    let isLeased = false
    for (const effect of effects) {
      if (effect.type === 'transition' && effect.transition.name === 'leaseRead') isLeased = true
      else if (effect.type === 'refused') for (const id of effect.ids) reader.asked.delete(id)
      else if (effect.type === 'send') sent(reader, effect)
      const served = servedBy(effect)
      if (served === undefined) continue
      for (const id of served.ids) {
        const asked = reader.asked.get(id)
        reader.asked.delete(id)
        if (asked === undefined) continue
        if (served.index < asked.committed) return stale(record, served.index, asked)
        // A follower's reads are the leader's to confirm.
        if (isLeased || (record.role !== 'leader' && typeof id === 'number')) continue
        if (!isConfirmed(record, reader, configuration, asked)) return unconfirmed(record, asked)
      }
    }
    return undefined
  }

  #readerOf(key: string): Reader {
    let reader = this.#readers.get(key)
    if (reader === undefined) {
      reader = { term: 0, round: 0, answered: new Map(), asked: new Map() }
      this.#readers.set(key, reader)
    }
    return reader
  }
}

function told(reader: Reader, input: Input, committed: LogIndex): void {
  const asked = { committed, round: reader.round }
  if (input.type === 'read') for (const id of input.ids) reader.asked.set(id, asked)
  if (input.type !== 'message') return
  const { message } = input
  if (message.kind === 'readIndex') {
    const request = requestOf(message.from, message.request)
    // A copy of a request is answered like the first.
    if (!reader.asked.has(request)) reader.asked.set(request, asked)
  } else if (message.kind === 'appendReply' && message.term === reader.term) {
    const key = keyOf(message.from, message.incarnation)
    reader.answered.set(key, Math.max(message.round, reader.answered.get(key) ?? 0))
  }
}

function sent(reader: Reader, { message }: Extract<Effect, { readonly type: 'send' }>): void {
  if (message.kind !== 'append') return
  if (message.term > reader.term) {
    reader.term = message.term
    reader.answered.clear()
  }
  reader.round = Math.max(reader.round, message.round)
}

/** The reads that an effect lets be served: the replica's own by number, followers' by request. */
function servedBy(
  effect: Effect,
): { readonly ids: readonly (number | string)[]; readonly index: LogIndex } | undefined {
  if (effect.type === 'readable') return effect
  if (effect.type !== 'send' || effect.message.kind !== 'readIndexReply' || effect.message.index === undefined)
    return undefined
  const { request, index } = effect.message
  return { ids: [requestOf(effect.to, request)], index }
}

function isConfirmed(
  record: ReplicaRecord,
  { answered }: Reader,
  configuration: Configuration | undefined,
  { round }: Asked,
): boolean {
  if (configuration === undefined) return true
  return isQuorum(configuration, ({ id, incarnation }) => {
    const key = keyOf(id, incarnation)
    return key === record.key || (answered.get(key) ?? 0) > round
  })
}

function stale({ key }: ReplicaRecord, index: LogIndex, { committed }: Asked): Violation {
  return {
    rule: 'reads',
    why: `${key} reads as of ${index}, and ${committed} was committed when the read was asked for`,
  }
}

function unconfirmed({ key }: ReplicaRecord, { round }: Asked): Violation {
  return { rule: 'reads', why: `${key} reads before a quorum has answered it in a round behind ${round}` }
}

function requestOf(from: string, request: number): string {
  return `${from} ${request}`
}
