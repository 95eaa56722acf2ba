// Building and reading the bytes that replicas must agree on: commands, answers, snapshots. Fixed widths, little-endian,
// lengths before contents: equal values have equal bytes.
//
// Invariant: reading never looks beyond the end, and says so with a CodecError; nothing else is thrown for any bytes.

import { EspalierError } from '../../src/kernel/errors.ts'

/** Bytes that are not what they should be: cut short, too long, or of a kind nobody knows. */
export class CodecError extends EspalierError {
  constructor(message: string) {
    super('ERR_CONSENSUS_CODEC', message)
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Up to here a loop is faster than a call of the encoder or the decoder. */
const SHORT_TEXT = 64
const MAX_ASCII = 0x7f

/** Memory that writers write into. */
interface Slab {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly view: DataView
  used: number
}

/** Set aside at once; small writers take their part of it: making a buffer costs more than filling it. */
const SLAB_BYTES = 8192
const LARGE_BYTES = SLAB_BYTES / 8

let shared = newSlab(SLAB_BYTES)

function newSlab(size: number): Slab {
  const bytes = new Uint8Array(size)
  return { bytes, view: new DataView(bytes.buffer), used: 0 }
}

/** Memory with room for `size` bytes behind `used`: one's own if that is much. */
function slabFor(size: number): Slab {
  if (size > LARGE_BYTES) return newSlab(size)
  if (shared.used + size > SLAB_BYTES) shared = newSlab(SLAB_BYTES)
  return shared
}

/** Grows as it is written; {@link take} ends it. What it makes may share its memory with what others make: keep a copy. */
export class ByteWriter {
  #slab: Slab
  /** Where its part of the slab begins and ends, and how far it is written. */
  #from: number
  #end: number
  #at: number

  /** @param size bytes to set aside at first. Default 64. */
  constructor(size = 64) {
    const slab = slabFor(size)
    this.#slab = slab
    this.#from = slab.used
    this.#at = slab.used
    slab.used += size
    this.#end = slab.used
  }

  get length(): number {
    return this.#at - this.#from
  }

  u8(value: number): this {
    const at = this.#reserve(1)
    this.#slab.view.setUint8(at, value)
    return this
  }

  u32(value: number): this {
    const at = this.#reserve(4)
    this.#slab.view.setUint32(at, value, true)
    return this
  }

  /** A non-negative safe integer, in eight bytes. */
  u64(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new CodecError(`${value} is no non-negative safe integer`)
    const at = this.#reserve(8)
    this.#slab.view.setUint32(at, value >>> 0, true)
    this.#slab.view.setUint32(at + 4, Math.floor(value / 2 ** 32), true)
    return this
  }

  /** The bytes alone, without their length. */
  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length)
    this.#slab.bytes.set(bytes, at)
    return this
  }

  /** Their length, then the bytes. */
  bytes(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes)
  }

  text(text: string): this {
    if (text.length > SHORT_TEXT) return this.bytes(encoder.encode(text))
    const at = this.#reserve(4 + text.length)
    const { bytes, view } = this.#slab
    for (let i = 0; i < text.length; i += 1) {
      const unit = text.charCodeAt(i)
      if (unit > MAX_ASCII) {
        this.#at = at
        return this.bytes(encoder.encode(text))
      }
      bytes[at + 4 + i] = unit
    }
    view.setUint32(at, text.length, true)
    return this
  }

  /** What was written. The writer is used up: the bytes are its own. */
  take(): Uint8Array<ArrayBuffer> {
    // What was set aside for nothing is there for the next.
    if (this.#slab.used === this.#end) this.#slab.used = this.#at
    this.#end = this.#at
    return this.#slab.bytes.subarray(this.#from, this.#at)
  }

  /** Where the next `size` bytes go. Ask for the slab afterwards: it may be another one. */
  #reserve(size: number): number {
    if (this.#at + size > this.#end) this.#grow(size)
    const at = this.#at
    this.#at = at + size
    return at
  }

  #grow(size: number): void {
    const written = this.take()
    const room = Math.max(written.length + size, 2 * (this.#end - this.#from))
    const slab = slabFor(room)
    const from = slab.used
    slab.bytes.set(written, from)
    slab.used += room
    this.#slab = slab
    this.#from = from
    this.#at = from + written.length
    this.#end = slab.used
  }
}

/** Reads what a {@link ByteWriter} has written; what it hands out are views. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  u8(): number {
    return this.#bytes[this.#advance(1)] ?? 0
  }

  u32(): number {
    return uint32(this.#bytes, this.#advance(4))
  }

  u64(): number {
    const at = this.#advance(8)
    const value = uint32(this.#bytes, at) + uint32(this.#bytes, at + 4) * 2 ** 32
    if (!Number.isSafeInteger(value)) throw new CodecError('an integer is too large')
    return value
  }

  raw(size: number): Uint8Array {
    const at = this.#advance(size)
    return this.#bytes.subarray(at, at + size)
  }

  bytes(): Uint8Array {
    return this.raw(this.u32())
  }

  text(): string {
    const size = this.u32()
    const at = this.#advance(size)
    const short = size <= SHORT_TEXT ? ascii(this.#bytes, at, at + size) : undefined
    if (short !== undefined) return short
    try {
      return decoder.decode(this.#bytes.subarray(at, at + size))
    } catch {
      throw new CodecError('a text is no UTF-8')
    }
  }

  /** All that is left. */
  rest(): Uint8Array {
    return this.raw(this.left)
  }

  /** @throws CodecError if anything is left. */
  end(): void {
    if (this.left > 0) throw new CodecError(`${this.left} bytes too many`)
  }

  #advance(size: number): number {
    const at = this.#at
    if (size > this.#bytes.length - at) throw new CodecError(`cut short: ${size} bytes wanted at ${at}`)
    this.#at = at + size
    return at
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  const [low, high] = [
    (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8),
    (bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8),
  ]
  return low + high * 0x1_0000
}

/** The text, if it has no other letters. */
function ascii(bytes: Uint8Array, from: number, to: number): string | undefined {
  let text = ''
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0
    if (byte > MAX_ASCII) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}
