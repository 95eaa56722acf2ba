// Reading a table from any thread, while its owner writes: see layout.ts for why nothing torn can come out.

import { OptionError } from '../kernel/errors.ts'
import type { Key } from '../kernel/key.ts'
import { Scratch } from './codec.ts'
import { BLOCK, BUCKET, bucketOf, HEADER, hashOf, MAGIC, wordsFor } from './layout.ts'
import { TableError } from './table-error.ts'

/** How often a read is begun again before it gives up. Each time, the owner has written to the same bucket. */
const MAX_ATTEMPTS = 100_000

/** What another thread needs to read a table. Can be posted, or given as workerData. */
export interface TableHandle<K extends Key = Key, V = unknown> {
  readonly name: string
  readonly buffer: SharedArrayBuffer
  /** A type only; never there at run time. */
  readonly '~entry'?: (key: K, value: V) => void
}

// Used within one read only.
const wanted = new Scratch()
const value = new Scratch()

/** A block as its bucket's version vouches for it. */
interface Block {
  readonly at: number
  readonly next: number
  readonly hash: number
  readonly keyBytes: number
  readonly valueBytes: number
}

/**
 * A table as all threads of a process may read it. Each read of one entry is atomic and up to date, and answers a copy;
 * reads never wait for the owner, nor it for them.
 */
export class TableReader<K extends Key = Key, V = unknown> {
  /** For messages. */
  readonly name: string
  /** What {@link openTable} takes on another thread. */
  readonly handle: TableHandle<K, V>
  readonly #words: Int32Array
  readonly #buckets: number
  readonly #seed: number

  /** @internal Use {@link openTable}. */
  constructor(handle: TableHandle<K, V>) {
    this.name = handle.name
    this.handle = handle
    this.#words = new Int32Array(handle.buffer)
    this.#buckets = this.#load(HEADER.buckets)
    this.#seed = this.#load(HEADER.seed)
  }

  /** The number of entries. */
  get size(): number {
    this.#checkThere()
    return this.#load(HEADER.size)
  }

  /** The value under `key`, or undefined. @throws TableError ERR_TABLE_DELETED, ERR_TABLE_BUSY. */
  get(key: K): V | undefined {
    const found = this.#find(key, (bucket, version, block) => {
      this.#copyValue(block, value)
      return this.unchanged(bucket, version)
    })
    return found ? (value.decodeValue() as V) : undefined
  }

  /** Whether there is a value under `key`. Throws as {@link TableReader.get | get} does. */
  has(key: K): boolean {
    return this.#find(key, () => true)
  }

  /**
   * The entries that fulfil `holds` (default: all), in no order. Looks at all of them: O(n). An entry that is there from
   * beginning to end comes once; one that comes, goes or changes meanwhile may come as it was or is, or not.
   */
  *scan(holds: (key: K, value: V) => boolean = () => true): IterableIterator<[key: K, value: V]> {
    for (let i = 0; i < this.#buckets; i++) {
      for (const [key, value] of this.#readBucket(HEADER.words + i * BUCKET.words)) {
        if (holds(key, value)) yield [key, value]
      }
    }
  }

  /** @internal Whether all that has been read since the bucket had this version is whole. */
  unchanged(bucket: number, version: number): boolean {
    return this.#load(bucket + BUCKET.version) === version
  }

  // Whether there is a block with this key, and what it holds has been read: `read` tells whether it is whole.
  #find(key: K, read: (bucket: number, version: number, block: Block) => boolean): boolean {
    const { length } = wanted.encodeKey(key)
    const hash = hashOf(wanted.bytes, length, this.#seed)
    const bucket = bucketOf(hash, this.#buckets)
    return this.#attempt(bucket, (version) => {
      let found = false
      const whole = this.#walk(bucket, version, (block) => {
        if (block.hash !== hash || block.keyBytes !== length) return 'on'
        const same = this.#isKey(block, wanted)
        if (!this.unchanged(bucket, version)) return 'again'
        if (!same) return 'on'
        found = true
        return read(bucket, version, block) ? 'done' : 'again'
      })
      return whole ? { found } : undefined
    }).found
  }

  #readBucket(bucket: number): [key: K, value: V][] {
    return this.#attempt(bucket, (version) => {
      const entries: [K, V][] = []
      const whole = this.#walk(bucket, version, (block) => {
        this.#copy(block.at + BLOCK.words, block.keyBytes, wanted)
        this.#copyValue(block, value)
        if (!this.unchanged(bucket, version)) return 'again'
        entries.push([wanted.decodeKey() as K, value.decodeValue() as V])
        return 'on'
      })
      return whole ? entries : undefined
    })
  }

  #attempt<R>(bucket: number, act: (version: number) => R | undefined): R {
    this.#checkThere()
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const result = act(this.#load(bucket + BUCKET.version))
      if (result !== undefined) return result
    }
    throw new TableError('ERR_TABLE_BUSY', this.name, `changed under each of ${MAX_ATTEMPTS} attempts to read`)
  }

  // Visits the blocks of a bucket until `visit` has had enough. False if the bucket has changed under it.
  #walk(bucket: number, version: number, visit: (block: Block) => 'on' | 'done' | 'again'): boolean {
    let at = this.#load(bucket + BUCKET.head)
    while (at !== 0) {
      const block = {
        at,
        next: this.#load(at + BLOCK.next),
        hash: this.#load(at + BLOCK.hash),
        keyBytes: this.#load(at + BLOCK.keyBytes),
        valueBytes: this.#load(at + BLOCK.valueBytes),
      }
      if (!this.unchanged(bucket, version)) return false
      const what = visit(block)
      if (what !== 'on') return what === 'done'
      at = block.next
    }
    return true
  }

  #isKey(block: Block, key: Scratch): boolean {
    const words = wordsFor(key.length)
    for (let i = 0; i < words; i++) if (this.#load(block.at + BLOCK.words + i) !== key.words[i]) return false
    return true
  }

  #copyValue({ at, keyBytes, valueBytes }: Block, to: Scratch): void {
    this.#copy(at + BLOCK.words + wordsFor(keyBytes), valueBytes, to)
  }

  #copy(at: number, bytes: number, to: Scratch): void {
    to.reserve(bytes)
    to.length = bytes
    const words = wordsFor(bytes)
    for (let i = 0; i < words; i++) to.words[i] = this.#load(at + i)
  }

  #load(at: number): number {
    return Atomics.load(this.#words, at)
  }

  #checkThere(): void {
    if (this.#load(HEADER.deleted) !== 0) throw new TableError('ERR_TABLE_DELETED', this.name, 'is deleted')
  }
}

/**
 * Opens a table for reading, mostly one that another thread owns; its types are the caller's word.
 *
 * @throws OptionError if `handle` is none.
 */
export function openTable<K extends Key = Key, V = unknown>(handle: TableHandle<K, V>): TableReader<K, V> {
  const { buffer } = handle
  if (!(buffer instanceof SharedArrayBuffer) || Atomics.load(new Int32Array(buffer), HEADER.magic) !== MAGIC) {
    throw new OptionError('handle', handle, 'the handle of a table')
  }
  return new TableReader(handle)
}
