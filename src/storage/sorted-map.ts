// An ordered map from byte strings to byte strings, in memory: sorted chunks under a sorted directory. Looking up,
// adding and removing take time in the logarithm of the number of keys, adding at the end and at the place last used
// constant time. Keys and values are never written to: whoever hands them in or out copies where that is needed.

import { compareBytes, compareSlice } from './keys.ts'

/** A chunk that has grown to this is split. */
const chunkKeys = 256

interface Chunk {
  readonly keys: Uint8Array[]
  readonly values: Uint8Array[]
}

export type Entry = readonly [key: Uint8Array, value: Uint8Array]

export class SortedMap {
  /** In order of their keys; none is empty, except the only one. */
  #chunks: Chunk[] = [{ keys: [], values: [] }]
  /** Where {@link find} has been: chunk, and place in it. */
  #chunk = 0
  #place = 0
  #lastKey: Uint8Array = new Uint8Array()

  /** The value under the key that lies in `bytes` from `from` to `to`. */
  get(bytes: Uint8Array, from = 0, to = bytes.length): Uint8Array | undefined {
    return this.#find(bytes, from, to) ? this.#chunks[this.#chunk]?.values[this.#place] : undefined
  }

  /** The key of the last {@link set}, as the map holds it. */
  get lastKey(): Uint8Array {
    return this.#lastKey
  }

  /** Sets a key's value, or removes the key if `value` is undefined. Answers the value before. */
  set(value: Uint8Array | undefined, bytes: Uint8Array, from = 0, to = bytes.length): Uint8Array | undefined {
    const isThere = this.#find(bytes, from, to)
    const chunk = this.#chunks[this.#chunk]
    if (chunk === undefined) return undefined
    const known = isThere ? chunk.keys[this.#place] : undefined
    this.#lastKey = known ?? bytes.slice(from, to)
    if (!isThere) {
      if (value !== undefined) this.#insert(chunk, this.#lastKey, value)
      return undefined
    }
    const before = chunk.values[this.#place]
    if (value !== undefined) chunk.values[this.#place] = value
    else this.#remove(chunk)
    return before
  }

  /** The entries from `from` (inclusive) up to `to` (exclusive), in order, or in reverse. Not to be changed meanwhile. */
  *between(from: Uint8Array, to: Uint8Array, reverse = false): Generator<Entry, void, void> {
    const step = reverse ? -1 : 1
    this.#find(reverse ? to : from)
    let at = this.#chunk
    let place = reverse ? this.#place - 1 : this.#place
    for (let chunk = this.#chunks[at]; chunk !== undefined; chunk = this.#chunks[at]) {
      for (; place >= 0 && place < chunk.keys.length; place += step) {
        const key = chunk.keys[place] as Uint8Array
        if (reverse ? compareBytes(key, from) < 0 : compareBytes(key, to) >= 0) return
        yield [key, chunk.values[place] as Uint8Array]
      }
      at += step
      place = reverse ? (this.#chunks[at]?.keys.length ?? 0) - 1 : 0
    }
  }

  /** Removes the entries from `from` (inclusive) up to `to` (exclusive), and answers them in order. */
  removeBetween(from: Uint8Array, to: Uint8Array): Entry[] {
    if (compareBytes(from, to) >= 0) return []
    const removed: Entry[] = []
    this.#find(from)
    const first = this.#chunk
    let place = this.#place
    let at = first
    for (let chunk = this.#chunks[at]; chunk !== undefined; chunk = this.#chunks[++at]) {
      let end = place
      while (end < chunk.keys.length && compareBytes(chunk.keys[end] as Uint8Array, to) < 0) end++
      const keys = chunk.keys.splice(place, end - place)
      const values = chunk.values.splice(place, end - place)
      for (let i = 0; i < keys.length; i++) removed.push([keys[i] as Uint8Array, values[i] as Uint8Array])
      if (chunk.keys.length > place) break
      place = 0
    }
    if (removed.length > 0) this.#dropEmpty(first, at)
    return removed
  }

  /** Stands at the key, or, if it is not there, where it would be put in. */
  #find(bytes: Uint8Array, from = 0, to = bytes.length): boolean {
    const chunk = this.#enter(bytes, from, to)
    const { keys } = chunk
    // Mostly the key last used, or the one behind it.
    let low = 0
    let high = keys.length
    for (let guess = this.#place; guess < this.#place + 2 && guess < high; guess++) {
      const order = compareSlice(keys[guess] as Uint8Array, bytes, from, to)
      if (order === 0) {
        this.#place = guess
        return true
      }
      if (order > 0) high = guess
      else low = guess + 1
    }
    while (low < high) {
      const middle = (low + high) >>> 1
      const order = compareSlice(keys[middle] as Uint8Array, bytes, from, to)
      if (order === 0) {
        this.#place = middle
        return true
      }
      if (order < 0) low = middle + 1
      else high = middle
    }
    this.#place = low
    return false
  }

  /** Goes to the last chunk whose first key is not above the key. */
  #enter(bytes: Uint8Array, from: number, to: number): Chunk {
    const chunks = this.#chunks
    if (!this.#isIn(this.#chunk, bytes, from, to)) {
      let low = 1
      let high = chunks.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if (this.#startsAbove(middle, bytes, from, to)) high = middle
        else low = middle + 1
      }
      this.#chunk = low - 1
      this.#place = 0
    }
    return chunks[this.#chunk] as Chunk
  }

  #isIn(at: number, bytes: Uint8Array, from: number, to: number): boolean {
    if (at > 0 && this.#startsAbove(at, bytes, from, to)) return false
    return at + 1 >= this.#chunks.length || this.#startsAbove(at + 1, bytes, from, to)
  }

  #startsAbove(at: number, bytes: Uint8Array, from: number, to: number): boolean {
    const first = this.#chunks[at]?.keys[0]
    return first === undefined || compareSlice(first, bytes, from, to) > 0
  }

  #insert(chunk: Chunk, key: Uint8Array, value: Uint8Array): void {
    const place = this.#place
    if (place < chunk.keys.length || chunk.keys.length < chunkKeys) {
      chunk.keys.splice(place, 0, key)
      chunk.values.splice(place, 0, value)
      if (chunk.keys.length > chunkKeys) this.#split(chunk)
      return
    }
    // Behind a full chunk: keys that come in order leave full chunks.
    this.#chunks.splice(++this.#chunk, 0, { keys: [key], values: [value] })
    this.#place = 0
  }

  #split(chunk: Chunk): void {
    const half = chunkKeys >>> 1
    this.#chunks.splice(this.#chunk + 1, 0, { keys: chunk.keys.splice(half), values: chunk.values.splice(half) })
    this.#place = 0
  }

  #remove(chunk: Chunk): void {
    chunk.keys.splice(this.#place, 1)
    chunk.values.splice(this.#place, 1)
    if (chunk.keys.length === 0) this.#dropEmpty(this.#chunk, this.#chunk)
  }

  #dropEmpty(from: number, to: number): void {
    const kept = this.#chunks.slice(from, to + 1).filter(({ keys }) => keys.length > 0)
    this.#chunks.splice(from, to + 1 - from, ...kept)
    if (this.#chunks.length === 0) this.#chunks.push({ keys: [], values: [] })
    this.#chunk = 0
    this.#place = 0
  }
}
