// The log as the core sees it: terms of all entries behind the base, and the latest entries themselves, up to a bound of
// bytes; older ones are on the disk only.
//
// Invariant: indexes are consecutive, terms never decrease. No disk, no commit index: what is durable and what is
// committed is others' concern.

import { assert } from './assert.ts'
import type { Entry, LogIndex, LogPosition, Term } from './entry.ts'

interface Run {
  readonly from: LogIndex
  readonly term: Term
}

/** Where a batch ends that begins at `start`: at most so many entries, and beyond one at most so many bytes. */
export function batchEnd(entries: readonly Entry[], start: number, maxEntries: number, maxBytes: number): number {
  let end = start
  let bytes = 0
  for (; end < entries.length && end - start < maxEntries; end += 1) {
    bytes += entries[end]?.bytes.length ?? 0
    if (bytes > maxBytes && end > start) break
  }
  return end
}

export class RaftLog {
  /** The place before the first entry. */
  #base: LogPosition
  /** Terms as runs: entries from `from` to the next run's have `term`. */
  #runs: Run[] = []
  /** Entries from #cachedFrom to the last; what stands before #head is gone. */
  #cache: Entry[] = []
  #head = 0
  #cachedBytes = 0
  #lastIndex: LogIndex
  readonly #maxCachedBytes: number

  constructor(base: LogPosition, maxCachedBytes: number) {
    this.#base = base
    this.#lastIndex = base.index
    this.#maxCachedBytes = maxCachedBytes
  }

  get base(): LogPosition {
    return this.#base
  }

  get firstIndex(): LogIndex {
    return this.#base.index + 1
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex
  }

  get last(): LogPosition {
    return { index: this.#lastIndex, term: this.lastTerm }
  }

  get lastTerm(): Term {
    return this.#runs.at(-1)?.term ?? this.#base.term
  }

  /** The first index whose entry is in memory; `last + 1` if there is none. */
  get cachedFrom(): LogIndex {
    return this.#lastIndex + 1 - (this.#cache.length - this.#head)
  }

  get cachedBytes(): number {
    return this.#cachedBytes
  }

  /** The term at an index from the base to the last; undefined elsewhere. */
  termAt(index: LogIndex): Term | undefined {
    if (index > this.#lastIndex || index < this.#base.index) return undefined
    if (index === this.#base.index) return this.#base.term
    for (let at = this.#runs.length - 1; at >= 0; at -= 1) {
      const run = this.#runs[at]
      if (run !== undefined && run.from <= index) return run.term
    }
    return undefined
  }

  has(position: LogPosition): boolean {
    return this.termAt(position.index) === position.term
  }

  /** The entry, if it is in memory. */
  entryAt(index: LogIndex): Entry | undefined {
    return index < this.cachedFrom ? undefined : this.#cache[this.#head + index - this.cachedFrom]
  }

  append(entry: Entry): void {
    assert(entry.index === this.#lastIndex + 1, 'log indexes are consecutive', () => `${entry.index}`)
    assert(entry.term >= this.lastTerm, 'log terms never decrease', () => `${entry.term} at ${entry.index}`)
    if (this.#runs.length === 0 || entry.term !== this.lastTerm) {
      this.#runs.push({ from: entry.index, term: entry.term })
    }
    this.#cache.push(entry)
    this.#cachedBytes += entry.bytes.length
    this.#lastIndex = entry.index
  }

  /** Removes the entries from an index on. */
  truncateFrom(from: LogIndex): void {
    assert(from > this.#base.index, 'the base stays', () => `truncate from ${from}`)
    const cachedFrom = this.cachedFrom
    const keep = Math.max(this.#head, this.#head + from - cachedFrom)
    for (const entry of this.#cache.slice(keep)) this.#cachedBytes -= entry.bytes.length
    this.#cache.length = Math.min(this.#cache.length, keep)
    this.#lastIndex = Math.min(this.#lastIndex, from - 1)
    while ((this.#runs.at(-1)?.from ?? 0) > this.#lastIndex) this.#runs.pop()
  }

  /**
   * The entries from `from` on, at most so many, and beyond one at most so many bytes; empty behind the last; undefined
   * if the first is not in memory.
   */
  slice(from: LogIndex, maxEntries: number, maxBytes: number): Entry[] | undefined {
    const start = this.#head + from - this.cachedFrom
    if (start < this.#head) return undefined
    const end = batchEnd(this.#cache, start, maxEntries, maxBytes)
    return this.#cache.slice(start, end)
  }

  /** Forgets entries in memory from the oldest on while there are too many bytes, but none behind `through`. */
  evict(through: LogIndex): void {
    if (this.#cachedBytes <= this.#maxCachedBytes) return
    let at = this.cachedFrom
    while (this.#cachedBytes > this.#maxCachedBytes && at <= through && at <= this.#lastIndex) {
      this.#dropOldest()
      at += 1
    }
    this.#tidy()
  }

  /** Moves the base up to an entry of the log: a snapshot stands for it and all before. */
  compact(through: LogIndex): void {
    const term = this.termAt(through)
    assert(term !== undefined, 'what is compacted is in the log', () => `${through}`)
    while (this.cachedFrom <= through && this.#head < this.#cache.length) this.#dropOldest()
    this.#tidy()
    this.#base = { index: through, term }
    while (this.#runs.length > 0 && (this.#runs[1]?.from ?? this.#lastIndex + 1) <= through + 1) this.#runs.shift()
  }

  /** Starts anew behind a base. */
  reset(base: LogPosition): void {
    this.#base = base
    this.#lastIndex = base.index
    this.#runs = []
    this.#cache = []
    this.#head = 0
    this.#cachedBytes = 0
  }

  /**
   * The largest place at or before `index` whose term is at most `term`: where a log that ends so may agree with this
   * one. Undefined if it would lie before the base.
   */
  lastAtMost(index: LogIndex, term: Term): LogPosition | undefined {
    let at = Math.min(index, this.#lastIndex)
    for (let i = this.#runs.length - 1; i >= 0; i -= 1) {
      const run = this.#runs[i]
      if (run === undefined || run.from > at) continue
      if (run.term <= term) return at >= this.#base.index ? { index: at, term: this.termAt(at) ?? 0 } : undefined
      at = Math.max(run.from, this.#base.index + 1) - 1
    }
    return at === this.#base.index && this.#base.term <= term ? this.#base : undefined
  }

  clone(): RaftLog {
    const copy = new RaftLog(this.#base, this.#maxCachedBytes)
    copy.#runs = [...this.#runs]
    copy.#cache = this.#cache.slice(this.#head)
    copy.#cachedBytes = this.#cachedBytes
    copy.#lastIndex = this.#lastIndex
    return copy
  }

  #dropOldest(): void {
    this.#cachedBytes -= this.#cache[this.#head]?.bytes.length ?? 0
    this.#head += 1
  }

  /** Gives the array's room back once more than half of it is gone: each entry is moved once on average. */
  #tidy(): void {
    if (this.#head <= this.#cache.length / 2) return
    this.#cache = this.#cache.slice(this.#head)
    this.#head = 0
  }
}
