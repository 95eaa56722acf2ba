// Entries by key and, within a key, by a second one. A key with one entry costs no Map of its own: most keys have one
// process, and most processes one key.

export class MultiMap<A, B, E extends object> {
  readonly #entries = new Map<A, E | Map<B, E>>()
  readonly #second: (entry: E) => B

  /** @param second the second key of an entry. */
  constructor(second: (entry: E) => B) {
    this.#second = second
  }

  get(at: A, second: B): E | undefined {
    const found = this.#entries.get(at)
    if (found instanceof Map) return found.get(second)
    return found !== undefined && this.#second(found) === second ? found : undefined
  }

  /** Adds an entry, or replaces the one of the same keys in its place. */
  set(at: A, entry: E): void {
    const found = this.#entries.get(at)
    const second = this.#second(entry)
    if (found instanceof Map) found.set(second, entry)
    else if (found === undefined || this.#second(found) === second) this.#entries.set(at, entry)
    else {
      const many = new Map<B, E>()
      for (const each of [found, entry]) many.set(this.#second(each), each)
      this.#entries.set(at, many)
    }
  }

  delete(at: A, second: B): void {
    const found = this.#entries.get(at)
    if (!(found instanceof Map)) {
      if (found !== undefined && this.#second(found) === second) this.#entries.delete(at)
    } else if (found.delete(second) && found.size === 0) this.#entries.delete(at)
  }

  /** The entries of a key, oldest first. */
  list(at: A): E[] {
    return listOf(this.#entries.get(at))
  }

  first(at: A): E | undefined {
    const found = this.#entries.get(at)
    if (!(found instanceof Map)) return found
    for (const entry of found.values()) return entry
    return undefined
  }

  count(at: A): number {
    const found = this.#entries.get(at)
    return found instanceof Map ? found.size : found === undefined ? 0 : 1
  }

  /** The entries key by key. */
  *lists(): IterableIterator<E[]> {
    for (const found of this.#entries.values()) yield listOf(found)
  }

  /** One entry of each key. */
  *firsts(): IterableIterator<E> {
    for (const at of this.#entries.keys()) {
      const entry = this.first(at)
      if (entry !== undefined) yield entry
    }
  }
}

function listOf<B, E extends object>(found: E | Map<B, E> | undefined): E[] {
  if (found instanceof Map) return [...found.values()]
  return found === undefined ? [] : [found]
}
