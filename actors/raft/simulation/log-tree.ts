// All entries that were ever made, as one tree: an entry is known by its index and term, and has one predecessor (Log
// Matching, Raft paper §5.3). A log is the path to its last entry.

import type { LogIndex, LogPosition, Term } from '../core/entry.ts'

export const ORIGIN: LogPosition = { index: 0, term: 0 }

/** Terms stay below this, so that index and term make one number. */
const TERMS = 2 ** 24

export class LogTree {
  /** The term of the predecessor of each entry. */
  readonly #parents = new Map<number, Term>()

  has(position: LogPosition): boolean {
    return position.index === 0 || this.#parents.has(numberOf(position))
  }

  /** Adds an entry behind `tip`. False if there is one of that index and term. */
  grow(tip: LogPosition, term: Term): boolean {
    const number = numberOf({ index: tip.index + 1, term })
    if (this.#parents.has(number)) return false
    this.#parents.set(number, tip.term)
    return true
  }

  /** The predecessor. Where it is not known, what lies before counts as of the same term. */
  parent({ index, term }: LogPosition): LogPosition {
    return index <= 1 ? ORIGIN : { index: index - 1, term: this.#parents.get(numberOf({ index, term })) ?? term }
  }

  /** The entry at `index` on the way to `tip`. */
  ancestor(tip: LogPosition, index: LogIndex): LogPosition {
    let at = tip
    while (at.index > index) at = this.parent(at)
    return at
  }

  /** Its term; undefined beyond the tip. */
  termAt(tip: LogPosition, index: LogIndex): Term | undefined {
    return index > tip.index ? undefined : this.ancestor(tip, index).term
  }

  /** Whether the log up to `tip` has `position`. */
  holds(tip: LogPosition, position: LogPosition): boolean {
    return this.termAt(tip, position.index) === position.term
  }

  /** A tip that a disk says it has: what nobody is known to have made is taken for a snapshot's. */
  adopt(tip: LogPosition, snapshot: LogPosition): LogPosition {
    return this.has(tip) ? tip : snapshot
  }
}

function numberOf({ index, term }: LogPosition): number {
  return index * TERMS + term
}
