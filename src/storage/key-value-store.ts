// Named key-value stores above the transactional port: many in one environment, sharing its flush.
//
// Key on disk: 0x01, the name in UTF-8, 0x00, the user's key. Names hold no zero byte, so that no name's keys lie
// among another's. Logs use 0x02 and 0x03; see log-records.ts.

import { OptionError } from '../kernel/errors.ts'
import { WriteBatch } from './batch.ts'
import { maxKeyBytes, prefixRange, successor } from './keys.ts'
import { scanAll, type TransactionalStore } from './store.ts'

/** How many text keys a store keeps as bytes. */
const maxTextKeys = 1000

/** A text key stands for its UTF-8 bytes. */
export type Key = string | Uint8Array

export interface KeyValueEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export interface KeyRange {
  /** Only keys that start with this. Default: all. */
  readonly prefix?: Key
  /** Only keys after this one, in the direction of the scan: where the last one stopped. */
  readonly after?: Key
  /** Greatest key first. Default false. */
  readonly reverse?: boolean
  /** Most entries in all. Default: no bound; entries are read from the store page by page. */
  readonly limit?: number
}

/** Changes that take effect together; see {@link KeyValueStore.update}. */
export interface KeyValueChanges {
  /** Sets a key. A text stands for its UTF-8 bytes. */
  put(key: Key, value: string | Uint8Array): void
  /** Removes a key if it is there. */
  delete(key: Key): void
  /** The whole update depends on the key's value: these bytes, or its absence if undefined. Comes before all writes. */
  expect(key: Key, value: Uint8Array | undefined): void
}

/** A store of its own, under a name, in an environment that it may share with others. */
export class KeyValueStore {
  readonly #store: TransactionalStore
  readonly #prefix: Uint8Array
  /** Text keys used lately, as bytes. */
  readonly #textKeys = new Map<string, Uint8Array>()

  /**
   * @param store stays the caller's: several key-value stores and logs share it, and nobody closes it here.
   * @param name 1 to 64 of `a-z A-Z 0-9 . _ / -`.
   * @throws OptionError for another name.
   */
  constructor(store: TransactionalStore, name: string) {
    this.#store = store
    this.#prefix = namespacePrefix(0x01, name)
  }

  /** Sets a key; resolves once that is durable. A text stands for its UTF-8 bytes. Rejects as the store's `write` does. */
  put(key: Key, value: string | Uint8Array): Promise<void> {
    return this.update((changes) => changes.put(key, value))
  }

  /** Removes a key if it is there; resolves once that is durable. */
  delete(key: Key): Promise<void> {
    return this.update((changes) => changes.delete(key))
  }

  /** Collects changes and writes them as one step; resolves once all are durable. `change` must not wait. */
  update(change: (changes: KeyValueChanges) => void): Promise<void> {
    try {
      const batch = new WriteBatch()
      change(new BatchChanges(batch, this.#keyOf))
      return batch.byteLength > 0 ? this.#store.write(batch) : Promise.resolve()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The key's durable value, or undefined. */
  async get(key: Key): Promise<Uint8Array | undefined> {
    return this.#store.get(this.#keyOf(key))
  }

  /** The entries of a range in the order of their keys' bytes. What is written meanwhile may or may not be seen. */
  async *scan(range: KeyRange = {}): AsyncGenerator<KeyValueEntry, void, void> {
    const { prefix, after, reverse = false, limit = Number.MAX_SAFE_INTEGER } = range
    if (limit < 1) return
    let { from, to } = prefixRange(prefix === undefined ? this.#prefix : this.#keyOf(prefix))
    if (after !== undefined) {
      const bound = this.#keyOf(after)
      if (reverse && Buffer.compare(bound, to) < 0) to = bound
      if (!reverse && Buffer.compare(bound, from) >= 0) from = successor(bound)
    }
    if (Buffer.compare(from, to) >= 0) return
    let left = limit
    for await (const entry of scanAll(this.#store, { from, to, reverse, maxEntries: Math.min(limit, 1000) })) {
      yield { key: entry.key.subarray(this.#prefix.length), value: entry.value }
      left -= 1
      if (left === 0) return
    }
  }

  readonly #keyOf = (key: Key): Uint8Array => {
    if (typeof key !== 'string') return joinKey(this.#prefix, key)
    const known = this.#textKeys.get(key)
    if (known !== undefined) return known
    const joined = joinKey(this.#prefix, Buffer.from(key, 'utf8'))
    if (this.#textKeys.size >= maxTextKeys) this.#textKeys.clear()
    this.#textKeys.set(key, joined)
    return joined
  }
}

class BatchChanges implements KeyValueChanges {
  readonly #batch: WriteBatch
  readonly #keyOf: (key: Key) => Uint8Array

  constructor(batch: WriteBatch, keyOf: (key: Key) => Uint8Array) {
    this.#batch = batch
    this.#keyOf = keyOf
  }

  put(key: Key, value: string | Uint8Array): void {
    if (typeof value === 'string') this.#batch.putText(this.#keyOf(key), value)
    else this.#batch.put(this.#keyOf(key), value)
  }

  delete(key: Key): void {
    this.#batch.delete(this.#keyOf(key))
  }

  expect(key: Key, value: Uint8Array | undefined): void {
    this.#batch.expect(this.#keyOf(key), value)
  }
}

/** The bytes that all keys of one named thing start with. @throws OptionError for a wrong name. */
export function namespacePrefix(tag: number, name: string): Uint8Array {
  if (typeof name !== 'string' || !/^[A-Za-z0-9._/-]{1,64}$/.test(name)) {
    throw new OptionError('name', name, '1 to 64 of a-z A-Z 0-9 . _ / -')
  }
  return Uint8Array.of(tag, ...Buffer.from(name, 'latin1'), 0)
}

function joinKey(prefix: Uint8Array, key: Uint8Array): Uint8Array {
  if (!(key instanceof Uint8Array)) throw new OptionError('key', key, 'a string or a Uint8Array')
  const longest = maxKeyBytes - prefix.length
  if (key.length > longest) throw new OptionError('key', `${key.length} bytes`, `at most ${longest} bytes`)
  const joined = new Uint8Array(prefix.length + key.length)
  joined.set(prefix)
  joined.set(key, prefix.length)
  return joined
}
