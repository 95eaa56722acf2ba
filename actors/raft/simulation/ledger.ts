// What is committed, as the checker knows it: index by index the entry's term and checksum, and which leader committed
// it; and every entry that was ever made, with its predecessor. Written once, never changed: whoever says otherwise is
// wrong.

import type { Configuration } from '../core/configuration.ts'
import type { LogIndex, LogPosition, Term } from '../core/entry.ts'
import type { SnapshotDescription } from '../core/message.ts'
import type { Violation } from './rules.ts'

interface Committed {
  readonly term: Term
  readonly checksum: number
  /** The term of the leader that committed it. */
  readonly by: Term
}

interface Made {
  readonly checksum: number
  /** The term of the entry before. */
  readonly after: Term
}

const TERMS = 2 ** 24

export class Ledger {
  readonly #committed: Committed[] = []
  readonly #made = new Map<number, Made>()
  /** The configurations that entries carry, by place. */
  readonly #configurations = new Map<number, Configuration>()
  /** The committed ones, in order. */
  readonly #inForce: { readonly at: LogIndex; readonly value: Configuration }[] = []

  /** The committed configuration, and where it stands; undefined before the first replica has started. */
  get configuration(): { readonly at: LogIndex; readonly value: Configuration } | undefined {
    return this.#inForce.at(-1)
  }

  /** The last committed index. */
  get last(): LogIndex {
    return this.#committed.length
  }

  at(index: LogIndex): Committed | undefined {
    return this.#committed[index - 1]
  }

  /** The last index that leaders of terms below `term` have committed. */
  lastBefore(term: Term): LogIndex {
    let index = this.#committed.length
    while (index > 0 && (this.#committed[index - 1]?.by ?? 0) >= term) index--
    return index
  }

  commit(entry: Committed): void {
    this.#committed.push(entry)
    const carried = this.#configurations.get(entry.term + TERMS * this.last)
    if (carried !== undefined) this.#inForce.push({ at: this.last, value: carried })
  }

  /** Notes an entry. Undefined, or what the one of that index and term was known to be. */
  make(position: LogPosition, checksum: number, after: Term): 'another entry' | 'another predecessor' | undefined {
    const key = position.term + TERMS * position.index
    const made = this.#made.get(key)
    if (made === undefined) this.#made.set(key, { checksum, after })
    else if (made.checksum !== checksum) return 'another entry'
    else if (made.after !== after) return 'another predecessor'
    return undefined
  }

  /** The first configuration that anybody says; later ones are known when they are committed. */
  begin(at: LogIndex, value: Configuration): void {
    if (this.#inForce.length === 0) this.#inForce.push({ at, value })
  }

  /** What is not true of a snapshot that somebody has taken: its membership is that of its last entry. */
  untruthOf(taker: string, { last, configuration }: SnapshotDescription): Violation | undefined {
    const meant = this.#inForce.findLast(({ at }) => at <= last.index)?.value
    if (JSON.stringify(meant) === JSON.stringify(configuration)) return undefined
    return { rule: 'membership', why: `${taker} takes a snapshot up to ${last.index} with another membership` }
  }

  carry(position: LogPosition, configuration: Configuration): void {
    this.#configurations.set(position.term + TERMS * position.index, configuration)
  }

  configurationAt(position: LogPosition): Configuration | undefined {
    return this.#configurations.get(position.term + TERMS * position.index)
  }

  /** Every configuration behind `index` that anybody has made. */
  *configurationsBehind(index: LogIndex): Generator<Configuration> {
    for (const [key, configuration] of this.#configurations) {
      if (Math.floor(key / TERMS) > index) yield configuration
    }
  }
}
