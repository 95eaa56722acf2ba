// CheckQuorum: a leader that no quorum has answered for two election time-outs leads no longer. Measured in heartbeats,
// which do not pass while a node stands still.

import type { Configuration } from '../core/configuration.ts'
import type { PromiseTerms } from './promise-check.ts'
import { keyOf, type ReplicaRecord } from './replica-record.ts'
import type { Violation } from './rules.ts'
import type { Judged } from './step-check.ts'
import { isQuorum } from './voters.ts'

interface Leading {
  readonly term: number
  /** Who has answered since a quorum last had. */
  readonly heard: Set<string>
  /** Heartbeats since then. */
  silent: number
}

export class QuorumCheck {
  readonly #termsOf: (node: string) => PromiseTerms
  readonly #leading = new Map<string, Leading>()

  constructor(termsOf: (node: string) => PromiseTerms) {
    this.#termsOf = termsOf
  }

  stepped(record: ReplicaRecord, { input, configuration }: Judged): Violation | undefined {
    const { key, node, role, term } = record
    const { checkQuorum, mostElectionMs, heartbeatMs } = this.#termsOf(node)
    if (role !== 'leader' || !checkQuorum || configuration === undefined) {
      this.#leading.delete(key)
      return undefined
    }
    const leading = this.#leadingOf(key, term)
    if (input?.type === 'message' && input.message.kind.endsWith('Reply') && input.message.term === term) {
      this.#hear(record, leading, configuration, keyOf(input.message.from, input.message.incarnation))
    } else if (input?.type === 'timeout' && input.timer === 'heartbeat') {
      this.#hear(record, leading, configuration, key)
      leading.silent += 1
      if (leading.silent > 2 + (2 * mostElectionMs) / heartbeatMs) {
        const why = `${key} leads on, and no quorum has answered for ${leading.silent} heartbeats`
        return { rule: 'quorum', why }
      }
    }
    return undefined
  }

  #leadingOf(key: string, term: number): Leading {
    const known = this.#leading.get(key)
    if (known?.term === term) return known
    const leading = { term, heard: new Set<string>(), silent: 0 }
    this.#leading.set(key, leading)
    return leading
  }

  #hear({ key }: ReplicaRecord, leading: Leading, configuration: Configuration, from: string): void {
    const { heard } = leading
    heard.add(from)
    const has = isQuorum(configuration, ({ id, incarnation }) => {
      const member = keyOf(id, incarnation)
      return member === key || heard.has(member)
    })
    if (!has) return
    heard.clear()
    leading.silent = 0
  }
}
