// The checksums of a log's entries in memory, four bytes each: what truncating, compacting and checked reading need
// without asking the disk, so that changes take effect in the order of their calls.

export class ChecksumList {
  #values: Uint32Array
  /** The index whose checksum lies at position 0: the one before the first entry. */
  #base: number
  #length = 1

  /** Starts with the checksum before the first entry. */
  constructor(base: number, checksum: number) {
    this.#values = new Uint32Array(64)
    this.#values[0] = checksum
    this.#base = base
  }

  /** The checksum at an index from the base to the last one; 0 outside. */
  at(index: number): number {
    const position = index - this.#base
    return position < 0 || position >= this.#length ? 0 : (this.#values[position] ?? 0)
  }

  push(checksum: number): void {
    if (this.#length === this.#values.length) this.#move(0, this.#length * 2)
    this.#values[this.#length] = checksum
    this.#length += 1
  }

  /** Forgets the checksums from an index on. */
  truncate(index: number): void {
    this.#length = index - this.#base
  }

  /** Makes an index the base. */
  rebase(index: number): void {
    const dropped = index - this.#base
    this.#length -= dropped
    this.#base = index
    this.#move(dropped, Math.max(64, this.#length * 2))
  }

  #move(from: number, capacity: number): void {
    const moved = new Uint32Array(capacity)
    moved.set(this.#values.subarray(from, from + this.#length))
    this.#values = moved
  }
}
