// Writing a table: the owner's thread only, one operation after the other. See layout.ts for the order of its stores.

import { CapacityError } from '../kernel/errors.ts'
import { Arena } from './arena.ts'
import type { Scratch } from './codec.ts'
import {
  arenaStart,
  BLOCK,
  BUCKET,
  blockWords,
  bucketOf,
  bucketsFor,
  HEADER,
  hashOf,
  MAGIC,
  wordsFor,
} from './layout.ts'

export interface TableBounds {
  readonly maxEntries: number
  readonly maxBytes: number
}

/** A place in a bucket: the block there (0: the end of the chain), and the word that links it. */
interface Place {
  readonly bucket: number
  readonly hash: number
  readonly link: number
  readonly block: number
}

export class TableWriter {
  readonly buffer: SharedArrayBuffer
  readonly #name: string
  readonly #bounds: TableBounds
  readonly #words: Int32Array
  readonly #buckets: number
  readonly #seed: number
  readonly #arena: Arena
  #size = 0

  constructor(name: string, bounds: TableBounds, seed: number) {
    this.#name = name
    this.#bounds = bounds
    this.#buckets = bucketsFor(bounds.maxEntries)
    this.#seed = seed | 0
    const start = arenaStart(this.#buckets)
    const end = start + wordsFor(bounds.maxBytes)
    this.buffer = new SharedArrayBuffer(end * 4)
    this.#words = new Int32Array(this.buffer)
    this.#arena = new Arena(start, end)
    this.#store(HEADER.buckets, this.#buckets)
    this.#store(HEADER.seed, this.#seed)
    this.#store(HEADER.magic, MAGIC)
  }

  has(key: Scratch): boolean {
    return this.#find(key).block !== 0
  }

  /** @throws CapacityError; then nothing has changed. */
  put(key: Scratch, value: Scratch): void {
    const place = this.#find(key)
    const old = place.block
    if (old === 0 && this.#size >= this.#bounds.maxEntries) {
      throw new CapacityError(`table ${this.#name}`, 'maxEntries', this.#bounds.maxEntries)
    }
    const next = old === 0 ? 0 : this.#load(old + BLOCK.next)
    const block = this.#write(key, value, place.hash, next)
    this.#publish(place, block)
    if (old === 0) this.#resize(1)
    else this.#retire(old)
  }

  /** False if there was no such entry. */
  delete(key: Scratch): boolean {
    const place = this.#find(key)
    if (place.block === 0) return false
    this.#publish(place, this.#load(place.block + BLOCK.next))
    this.#resize(-1)
    this.#retire(place.block)
    return true
  }

  /** Tells readers that the table is no more; its memory goes when nobody holds it. */
  drop(): void {
    this.#store(HEADER.deleted, 1)
  }

  #find(key: Scratch): Place {
    const hash = hashOf(key.bytes, key.length, this.#seed)
    const bucket = bucketOf(hash, this.#buckets)
    let link = bucket + BUCKET.head
    let block = this.#load(link)
    while (block !== 0 && !(this.#load(block + BLOCK.hash) === hash && this.#hasKey(block, key))) {
      link = block + BLOCK.next
      block = this.#load(link)
    }
    return { bucket, hash, link, block }
  }

  #hasKey(block: number, key: Scratch): boolean {
    if (this.#load(block + BLOCK.keyBytes) !== key.length) return false
    const words = wordsFor(key.length)
    for (let i = 0; i < words; i++) if (this.#load(block + BLOCK.words + i) !== key.words[i]) return false
    return true
  }

  #write(key: Scratch, value: Scratch, hash: number, next: number): number {
    const at = this.#arena.take(blockWords(key.length, value.length))
    if (at === undefined) throw new CapacityError(`table ${this.#name}`, 'maxBytes', this.#bounds.maxBytes)
    this.#store(at + BLOCK.next, next)
    this.#store(at + BLOCK.hash, hash)
    this.#store(at + BLOCK.keyBytes, key.length)
    this.#store(at + BLOCK.valueBytes, value.length)
    let word = at + BLOCK.words
    for (const { words, length } of [key, value]) {
      for (let i = 0; i < wordsFor(length); i++) this.#store(word++, words[i] ?? 0)
    }
    return at
  }

  // The one store by which readers see a change, and the version that lets them notice what they have missed.
  #publish({ bucket, link }: Place, block: number): void {
    this.#store(link, block)
    this.#store(bucket + BUCKET.version, this.#load(bucket + BUCKET.version) + 1)
  }

  // Only once the change is published: from now on the block may be written over.
  #retire(block: number): void {
    const words = blockWords(this.#load(block + BLOCK.keyBytes), this.#load(block + BLOCK.valueBytes))
    this.#arena.give(block, words)
  }

  #resize(by: number): void {
    this.#size += by
    this.#store(HEADER.size, this.#size)
  }

  #load(at: number): number {
    return Atomics.load(this.#words, at)
  }

  #store(at: number, word: number): void {
    Atomics.store(this.#words, at, word)
  }
}
