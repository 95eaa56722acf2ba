// A replica's log as the checker sees it being written: terms and checksums by index, behind a base that a snapshot
// stands for. Nothing is forgotten when the replica compacts.

import type { LogIndex, LogPosition, Term } from '../core/entry.ts'

export class LogRecord {
  #base: LogPosition
  #terms: Term[]
  #checksums: number[]
  /** Where configurations stand, in order. */
  #configurations: LogIndex[]

  constructor(base: LogPosition = { index: 0, term: 0 }) {
    this.#base = base
    this.#terms = []
    this.#checksums = []
    this.#configurations = []
  }

  get base(): LogPosition {
    return this.#base
  }

  get last(): LogPosition {
    const index = this.#base.index + this.#terms.length
    return { index, term: this.termAt(index) ?? 0 }
  }

  get lastIndex(): LogIndex {
    return this.#base.index + this.#terms.length
  }

  /** Undefined below the base and beyond the end. */
  termAt(index: LogIndex): Term | undefined {
    return index === this.#base.index ? this.#base.term : this.#terms[index - this.#base.index - 1]
  }

  checksumAt(index: LogIndex): number | undefined {
    return this.#checksums[index - this.#base.index - 1]
  }

  /** Whether it has the entry of that index and term; below the base, the snapshot stands for whatever was committed. */
  holds(index: LogIndex, term: Term | undefined): boolean {
    return index < this.#base.index || (term !== undefined && this.termAt(index) === term)
  }

  /** The place of the last configuration at or below `index`; undefined if none stands behind the base. */
  configurationAt(index: LogIndex): LogPosition | undefined {
    for (let i = this.#configurations.length - 1; i >= 0; i--) {
      const at = this.#configurations[i] as LogIndex
      if (at <= index) return { index: at, term: this.termAt(at) ?? 0 }
    }
    return undefined
  }

  append(term: Term, checksum: number, isConfiguration: boolean): void {
    this.#terms.push(term)
    this.#checksums.push(checksum)
    if (isConfiguration) this.#configurations.push(this.lastIndex)
  }

  truncateFrom(index: LogIndex): void {
    const kept = Math.max(0, index - this.#base.index - 1)
    this.#terms.length = Math.min(this.#terms.length, kept)
    this.#checksums.length = Math.min(this.#checksums.length, kept)
    while ((this.#configurations.at(-1) ?? 0) >= index) this.#configurations.pop()
  }

  /** A snapshot takes the place of everything up to `last`, and of what follows unless it stays. */
  rebase(last: LogPosition, keepsRest: boolean): void {
    const rest = keepsRest ? Math.max(0, last.index - this.#base.index) : this.#terms.length
    this.#terms = this.#terms.slice(rest)
    this.#checksums = this.#checksums.slice(rest)
    this.#configurations = this.#configurations.filter((at) => at > last.index && at <= last.index + this.#terms.length)
    this.#base = last
  }

  copy(): LogRecord {
    const copy = new LogRecord(this.#base)
    copy.#terms = [...this.#terms]
    copy.#checksums = [...this.#checksums]
    copy.#configurations = [...this.#configurations]
    return copy
  }
}
