// What voters owe to leaders: whoever has heard from one lets nobody take over until its own clock has gone on by the
// least election time-out (Raft thesis §4.2.3). Leases stand on that (§6.4.1): where one is held, fewer than a quorum of
// the voters are free. Kept from what replicas are told and by the clocks of their nodes; no core is asked.

import type { Configuration, Member } from '../core/configuration.ts'
import type { Effect } from '../core/effect.ts'
import type { Input } from '../core/input.ts'
import type { LogRecord } from './log-record.ts'
import { keyOf, type ReplicaRecord } from './replica-record.ts'
import type { Violation } from './rules.ts'
import type { Judged } from './step-check.ts'
import { isQuorum, votersOf } from './voters.ts'

/** What of a replica's options the promise depends on. */
export interface PromiseTerms {
  readonly leastElectionMs: number
  readonly mostElectionMs: number
  readonly heartbeatMs: number
  readonly checkQuorum: boolean
  readonly leaseReads: boolean
  readonly maxClockDrift: number
}

/** The clocks and the options of the nodes that are judged. */
export interface Surroundings {
  /** What the node's own clock shows now, in milliseconds. */
  readonly clockOf: (node: string) => number
  /** The true time, in milliseconds. */
  readonly trueMs: () => number
  readonly termsOf: (node: string) => PromiseTerms
}

/** When a leader was last heard, by the replica's own clock and in truth. */
interface Contact {
  readonly ownMs: number
  readonly trueMs: number
}

export class PromiseCheck {
  readonly #around: Surroundings
  readonly #contacts = new Map<string, Contact>()
  readonly #clocks = new Map<string, number>()

  constructor(around: Surroundings) {
    this.#around = around
  }

  /** A life begins. Where leases stand on it, what was promised in the life before is owed still. */
  started({ key, node }: ReplicaRecord): void {
    if (!this.#around.termsOf(node).leaseReads) this.#contacts.delete(key)
  }

  /** Judges a step by what held before it; `record` and its configuration are as they are after it. */
  stepped(record: ReplicaRecord, { input, effects }: Pick<Judged, 'input' | 'effects'>): Violation | undefined {
    const { key, node } = record
    const clock = this.#around.clockOf(node)
    const isSetBack = clock < (this.#clocks.get(node) ?? clock)
    this.#clocks.set(node, clock)
    if (this.#contacts.has(key) && (isSetBack || input?.type === 'clockJumped')) this.#hear(key, node)
    const broken = this.#given(record, input, effects)
    const isHeard =
      input?.type === 'message' &&
      (input.message.kind === 'append' || input.message.kind === 'snapshot') &&
      input.message.term === record.term &&
      record.role === 'follower'
    if (isHeard) this.#hear(key, node)
    return broken
  }

  /** A lease is held: whether a quorum of every set of voters is free to elect somebody else. */
  leased(leader: ReplicaRecord, configuration: Configuration): Violation | undefined {
    const isFree = ({ id, incarnation }: Member) => {
      const key = keyOf(id, incarnation)
      return key !== leader.key && !this.#isBound(key, id) && !this.#isSet(key, id)
    }
    if (!isQuorum(configuration, isFree)) return undefined
    const free = [
      ...new Set(
        votersOf(configuration)
          .flat()
          .filter(isFree)
          .map(({ id }) => id),
      ),
    ].join(', ')
    return { rule: 'leases', why: `${leader.key} reads under a lease, and ${free} may elect another leader` }
  }

  #given(record: ReplicaRecord, input: Input | undefined, effects: readonly Effect[]): Violation | undefined {
    const { key, node, log } = record
    const isBound = this.#around.termsOf(node).checkQuorum && this.#isBound(key, node)
    const message = input?.type === 'message' ? input.message : undefined
    for (const effect of effects) {
      if (effect.type === 'send' && effect.message.kind === 'preVoteReply' && effect.message.granted) {
        if (isBound) return promised(record, 'grants a pre-vote')
        if (message?.kind === 'preVote' && isLonger(log, message.last)) {
          return {
            rule: 'specification',
            why: `${key} grants a pre-vote to ${message.from}, whose log is behind its own`,
          }
        }
      }
      if (effect.type !== 'transition') continue
      const isOrdered = effect.transition.name === 'becomeCandidate' && message?.kind === 'timeoutNow'
      if (isOrdered && (log.lastIndex !== message.last.index || log.last.term !== message.last.term)) {
        return { rule: 'specification', why: `${key} obeys an order to stand that was given for another log` }
      }
      if (!isBound) continue
      const isVote = effect.transition.name === 'grantVote' && message?.kind === 'vote' && !message.transfer
      if (isVote) return promised(record, 'votes')
      const stands = effect.transition.name === 'becomeCandidate' && message?.kind !== 'timeoutNow'
      if (stands && this.#around.termsOf(node).leaseReads) return promised(record, 'stands for election')
    }
    return undefined
  }

  #isBound(key: string, node: string): boolean {
    const contact = this.#contacts.get(key)
    if (contact === undefined) return false
    return this.#around.clockOf(node) - contact.ownMs < this.#around.termsOf(node).leastElectionMs
  }

  /** Its clock was set forward since: what it owes cannot be told any more, and clients must judge. */
  #isSet(key: string, node: string): boolean {
    const contact = this.#contacts.get(key)
    if (contact === undefined) return false
    const trueMs = this.#around.trueMs() - contact.trueMs
    return this.#around.clockOf(node) - contact.ownMs > trueMs * (1 + this.#around.termsOf(node).maxClockDrift) + 1
  }

  #hear(key: string, node: string): void {
    this.#contacts.set(key, { ownMs: this.#around.clockOf(node), trueMs: this.#around.trueMs() })
  }
}

function promised({ key }: ReplicaRecord, does: string): Violation {
  return { rule: 'leases', why: `${key} ${does} so soon after it has heard from a leader` }
}

function isLonger(log: LogRecord, other: { readonly index: number; readonly term: number }): boolean {
  const { index, term } = log.last
  return term !== other.term ? term > other.term : index > other.index
}
