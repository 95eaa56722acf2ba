// An ordered map over byte strings for the in-memory disk. Keys are held as Latin-1 text, whose order is that of the
// bytes. Appending is O(1) amortised; an insertion elsewhere moves pointers.

export class SortedMap {
  readonly #values = new Map<string, Uint8Array>()
  readonly #keys: string[] = []

  get size(): number {
    return this.#keys.length
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: Uint8Array): void {
    if (!this.#values.has(key)) {
      const last = this.#keys.at(-1)
      if (last === undefined || last < key) this.#keys.push(key)
      else this.#keys.splice(this.#lowerBound(key), 0, key)
    }
    this.#values.set(key, value)
  }

  delete(key: string): void {
    if (this.#values.delete(key)) this.#keys.splice(this.#lowerBound(key), 1)
  }

  /** The keys from `from` (inclusive) up to `to` (exclusive), in order. */
  keysBetween(from: string, to: string): string[] {
    return this.#keys.slice(this.#lowerBound(from), this.#lowerBound(to))
  }

  /** The position of the first key that is not below `key`. */
  #lowerBound(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const at = this.#keys[middle]
      if (at !== undefined && at < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

export function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}
