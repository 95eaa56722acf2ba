// Writes the frames of one connection. What cannot cross throws NotPortableError with its path, and leaves no trace.

import { hazards, loneSurrogate } from '../kernel/portable.ts'
import { encode } from './codec.ts'
import {
  ARRAY,
  ASCII,
  CALL_ITEM,
  CAST,
  CODED,
  FALSE,
  FLOAT,
  GENERAL,
  INTEGER,
  KNOWN,
  LEARN,
  MAX_DEPTH,
  MAX_LEARNED,
  MAX_TEXTS,
  MESSAGE,
  NULL,
  OBJECT,
  ONCE,
  REPLY,
  SMALL,
  SMALL_LIMIT,
  TEXT,
  TRUE,
  UNDEFINED,
} from './frame.ts'

const FIRST_BYTES = 4096
/** A buffer that a large item has made larger than this is given back. */
const KEPT_BYTES = 1024 * 1024

const float = new Float64Array(1)
const floatBytes = new Uint8Array(float.buffer)

const NONE: readonly ArrayBuffer[] = []

/** Thrown by the hand-laid part where a value must go through the codec as a whole. */
const NOT_PLAIN = new Error('not plain')

export class FrameWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #at = 0
  readonly #numbers = new Map<string, number>()
  readonly #texts: string[] = []
  /** What goes beside the frame; undefined: nothing can. */
  readonly #moved: ArrayBuffer[] | undefined

  /** `moves`: whether buffers can be moved over the connection. */
  constructor(moves = false) {
    this.#moved = moves ? [] : undefined
  }

  /** Whether buffers go beside the frame so far. */
  get moves(): boolean {
    return this.#moved !== undefined && this.#moved.length > 0
  }

  /** The buffers that go beside the frame: the caller's from now on. */
  takeMoved(): readonly ArrayBuffer[] {
    return this.moves ? (this.#moved?.splice(0) ?? NONE) : NONE
  }

  /** Bytes of the frame so far. */
  get length(): number {
    return this.#at
  }

  /** The frame, which is empty from now on. Its bytes are the caller's. */
  take(): Uint8Array {
    const frame = new Uint8Array(this.#at)
    frame.set(this.#bytes.subarray(0, this.#at))
    this.#at = 0
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES)
    return frame
  }

  /** Adds an item of wire.ts. */
  general(item: Uint8Array): void {
    this.#reserve(item.length + 16)
    this.#bytes[this.#at++] = GENERAL
    this.#uint(item.length)
    this.#bytes.set(item, this.#at)
    this.#at += item.length
  }

  /** Adds a cast. False, and nothing is added, if its tag is none for this layout. */
  cast(to: number, tag: string, value: unknown): boolean {
    const start = this.#begin(CAST)
    this.#uint(to)
    if (!this.#tag(tag, start)) return false
    this.#value(value, 'payload', start)
    return true
  }

  /** Adds a plain message. */
  message(to: number, value: unknown): void {
    const start = this.#begin(MESSAGE)
    this.#uint(to)
    this.#value(value, 'payload', start)
  }

  /** Adds a call. False, and nothing is added, if its tag is none for this layout. */
  call(to: number, from: number, id: number, tag: string, value: unknown): boolean {
    const start = this.#begin(CALL_ITEM)
    this.#uint(to)
    this.#uint(from)
    this.#uint(id)
    if (!this.#tag(tag, start)) return false
    this.#value(value, 'payload', start)
    return true
  }

  /** Adds the answer to a call. */
  reply(id: number, value: unknown): void {
    const start = this.#begin(REPLY)
    this.#uint(id)
    this.#value(value, 'reply', start)
  }

  #begin(kind: number): number {
    this.#reserve(64)
    const start = this.#at
    this.#bytes[this.#at++] = kind
    return start
  }

  #tag(tag: string, start: number): boolean {
    try {
      this.#text(tag)
      return true
    } catch (error) {
      if (error !== NOT_PLAIN) throw error
      this.#at = start
      return false
    }
  }

  /** A number of at least 0. Room for it has been made. */
  #uint(value: number): void {
    const bytes = this.#bytes
    while (value > 0x7fff_ffff) {
      bytes[this.#at++] = (value % 128) | 128
      value = Math.floor(value / 128)
    }
    while (value > 127) {
      bytes[this.#at++] = (value & 127) | 128
      value >>>= 7
    }
    bytes[this.#at++] = value
  }

  /** A tag or the name of a property. */
  #text(text: string): void {
    const known = this.#numbers.get(text)
    if (known !== undefined) {
      this.#reserve(8)
      return this.#uint(known)
    }
    if (hazards.has(text) || loneSurrogate.test(text)) throw NOT_PLAIN
    const learned = this.#texts.length < MAX_TEXTS && text.length <= MAX_LEARNED
    if (learned) {
      this.#numbers.set(text, KNOWN + this.#texts.length)
      this.#texts.push(text)
    }
    this.#reserve(16 + 3 * text.length)
    this.#bytes[this.#at++] = learned ? LEARN : ONCE
    const length = Buffer.byteLength(text)
    this.#uint(length)
    this.#at += this.#bytes.write(text, this.#at)
  }

  /** What a user sends. Takes back the item that began at `start` if it throws. */
  #value(value: unknown, field: string, start: number): void {
    const at = this.#at
    const texts = this.#texts.length
    const movedBefore = this.#moved?.length ?? 0
    try {
      this.#plain(value, 0)
      return
    } catch (error) {
      this.#forget(error === NOT_PLAIN ? at : start, texts)
      if (error !== NOT_PLAIN) throw error
    }
    try {
      // The codec says precisely what cannot cross, and where it lies.
      this.#coded(encode(value, field, this.#moved))
    } catch (error) {
      // What was marked for this item is marked no longer: it would be copied.
      this.#moved?.splice(movedBefore)
      this.#at = start
      throw error
    }
  }

  #forget(at: number, texts: number): void {
    this.#at = at
    while (this.#texts.length > texts) this.#numbers.delete(this.#texts.pop() ?? '')
  }

  #plain(value: unknown, depth: number): void {
    this.#reserve(16)
    switch (typeof value) {
      case 'number':
        return this.#number(value)
      case 'string':
        return this.#string(value)
      case 'undefined':
        this.#bytes[this.#at++] = UNDEFINED
        return
      case 'boolean':
        this.#bytes[this.#at++] = value ? TRUE : FALSE
        return
      case 'object':
        if (value === null) this.#bytes[this.#at++] = NULL
        else this.#object(value, depth)
        return
      default:
        throw NOT_PLAIN
    }
  }

  #number(value: number): void {
    const bytes = this.#bytes
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= 0 && value < SMALL_LIMIT) {
        bytes[this.#at++] = SMALL + value
        return
      }
      bytes[this.#at++] = INTEGER
      return this.#uint(((value << 1) ^ (value >> 31)) >>> 0)
    }
    bytes[this.#at++] = FLOAT
    float[0] = value
    for (let i = 0; i < 8; i++) bytes[this.#at++] = floatBytes[i] ?? 0
  }

  #string(value: string): void {
    const { length } = value
    this.#reserve(16 + 3 * length)
    const bytes = this.#bytes
    if (length < 64) {
      const start = this.#at
      bytes[this.#at++] = ASCII
      bytes[this.#at++] = length
      let i = 0
      for (; i < length; i++) {
        const unit = value.charCodeAt(i)
        if (unit > 127) break
        bytes[this.#at++] = unit
      }
      if (i === length) return
      this.#at = start
    }
    if (loneSurrogate.test(value)) throw NOT_PLAIN
    bytes[this.#at++] = TEXT
    this.#uint(Buffer.byteLength(value))
    this.#at += bytes.write(value, this.#at)
  }

  #object(value: object, depth: number): void {
    if (depth >= MAX_DEPTH) throw NOT_PLAIN
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype) return this.#properties(value, depth)
    if (prototype !== Array.prototype || !Array.isArray(value)) throw NOT_PLAIN
    const array: readonly unknown[] = value
    this.#bytes[this.#at++] = ARRAY
    this.#uint(array.length)
    for (let i = 0; i < array.length; i++) this.#plain(array[i], depth + 1)
  }

  #properties(value: object, depth: number): void {
    if (Object.getOwnPropertySymbols(value).length > 0) throw NOT_PLAIN
    const names = Object.keys(value)
    this.#bytes[this.#at++] = OBJECT
    this.#uint(names.length)
    for (const name of names) {
      this.#text(name)
      this.#plain((value as Readonly<Record<string, unknown>>)[name], depth + 1)
    }
  }

  #coded(bytes: Uint8Array): void {
    this.#reserve(bytes.length + 16)
    this.#bytes[this.#at++] = CODED
    this.#uint(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#at + more))
    larger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = larger
  }
}
