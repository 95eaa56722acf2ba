// Keys and values as bytes. Keys have one encoding; values are msgpackr's, each complete in itself, and decode to a
// copy: what structured clone can carry, but for typed errors and functions (which become undefined).

import { Packr } from 'msgpackr'
import { type Key, keyOf, keyText } from '../kernel/key.ts'
import { wordsFor } from './layout.ts'

// `copyBuffers`: what is decoded may not lie in the memory it was read into, which is used again.
const packr = new Packr({ structuredClone: true, copyBuffers: true })
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Bytes that are also words, in memory that is used again and again. Behind the last byte, its word is zero. */
export class Scratch {
  words = new Int32Array(64)
  bytes = new Uint8Array(this.words.buffer)
  length = 0

  /** Makes room for so many bytes; what was there is gone. */
  reserve(length: number): void {
    if (length <= this.bytes.length) return
    this.words = new Int32Array(wordsFor(length * 2))
    this.bytes = new Uint8Array(this.words.buffer)
  }

  encodeKey(key: Key): this {
    const text = keyText(key)
    this.reserve(text.length * 3)
    this.#end(encoder.encodeInto(text, this.bytes).written)
    return this
  }

  decodeKey(): Key {
    return keyOf(decoder.decode(this.bytes.subarray(0, this.length)))
  }

  encodeValue(value: unknown): this {
    const bytes = packr.pack(value)
    this.reserve(bytes.length)
    this.bytes.set(bytes)
    this.#end(bytes.length)
    return this
  }

  decodeValue(): unknown {
    return packr.unpack(this.bytes, this.length)
  }

  #end(length: number): void {
    this.length = length
    this.bytes.fill(0, length, wordsFor(length) * 4)
  }
}
