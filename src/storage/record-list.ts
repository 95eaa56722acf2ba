// Where a log's records begin, in memory: the index of each record's first entry, in order. An entry lies in the record
// that begins last at or before it. Eight bytes a record.

export class RecordList {
  #starts = new Float64Array(16)
  #length = 0

  /** Adds the record that begins at `index`, beyond all others. */
  push(index: number): void {
    if (this.#length === this.#starts.length) this.#move(0, this.#length * 2)
    this.#starts[this.#length] = index
    this.#length += 1
  }

  /** Where the record of the entry at `index` begins; `index` itself if there is none. */
  startOf(index: number): number {
    const place = this.#after(index) - 1
    return place < 0 ? index : (this.#starts[place] ?? index)
  }

  /** Where the first record behind `index` begins; infinity if there is none. */
  startAfter(index: number): number {
    const place = this.#after(index)
    return place < this.#length ? (this.#starts[place] ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY
  }

  /** Forgets the records that begin at `index` or behind it. */
  truncate(index: number): void {
    this.#length = this.#after(index - 1)
  }

  /** Forgets the records that begin before `index`. */
  rebase(index: number): void {
    const dropped = this.#after(index - 1)
    this.#length -= dropped
    this.#move(dropped, Math.max(16, this.#length * 2))
  }

  /** How many records begin at or before `index`. */
  #after(index: number): number {
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#starts[middle] ?? 0) <= index) low = middle + 1
      else high = middle
    }
    return low
  }

  #move(from: number, capacity: number): void {
    const moved = new Float64Array(capacity)
    moved.set(this.#starts.subarray(from, from + this.#length))
    this.#starts = moved
  }
}
