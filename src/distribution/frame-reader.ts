// Reads the frames of one connection: see frame.ts. Throws ERR_FRAME where bytes are not what a FrameWriter writes; no
// length is believed beyond the bytes that are there.

import { hazards } from '../kernel/portable.ts'
import { decode, decodeAll } from './codec.ts'
import { FrameError } from './errors.ts'
import {
  ARRAY,
  ASCII,
  CODED,
  FALSE,
  FLOAT,
  INTEGER,
  KNOWN,
  LEARN,
  MAX_TEXTS,
  NULL,
  OBJECT,
  ONCE,
  SMALL,
  TEXT,
  TRUE,
  UNDEFINED,
} from './frame.ts'
import type { KnownPids } from './known-pids.ts'

const float = new Float64Array(1)
const floatBytes = new Uint8Array(float.buffer)

export class FrameReader {
  readonly #pids: KnownPids
  readonly #texts: string[] = []
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #moved: readonly ArrayBuffer[] = []

  constructor(pids: KnownPids) {
    this.#pids = pids
  }

  /** Reads this frame from now on, and what has come beside it. */
  begin(frame: Uint8Array, moved: readonly ArrayBuffer[] = []): void {
    this.#moved = moved
    this.#bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
    this.#at = 0
  }

  /** Whether there is another item. */
  get more(): boolean {
    if (this.#at > this.#bytes.length) throw new FrameError('a frame that ends within an item')
    return this.#at < this.#bytes.length
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0
  }

  uint(): number {
    const bytes = this.#bytes
    let byte = bytes[this.#at++] ?? 0
    if (byte < 128) return byte
    let value = byte & 127
    let scale = 128
    do {
      byte = bytes[this.#at++] ?? 0
      value += (byte & 127) * scale
      scale *= 128
    } while (byte > 127 && scale < 2 ** 56)
    return value
  }

  text(): string {
    const code = this.uint()
    if (code >= KNOWN) {
      const text = this.#texts[code - KNOWN]
      if (text === undefined) throw new FrameError(`text ${code - KNOWN} was never sent`)
      return text
    }
    const text = this.#utf8(this.uint())
    if (hazards.has(text)) throw new FrameError(`${text} as a text`)
    if (code === LEARN && this.#texts.length < MAX_TEXTS) this.#texts.push(text)
    else if (code !== ONCE) throw new FrameError('more texts than can be learned')
    return text
  }

  /** An item of wire.ts. */
  general(): unknown {
    return decodeAll(this.#slice(this.uint()), this.#pids)[0]
  }

  value(): unknown {
    const kind = this.#bytes[this.#at++]
    if (kind === undefined) throw new FrameError('a frame that ends within a value')
    if (kind >= SMALL) return kind - SMALL
    switch (kind) {
      case UNDEFINED:
        return undefined
      case NULL:
        return null
      case TRUE:
        return true
      case FALSE:
        return false
      case INTEGER: {
        const zigzag = this.uint()
        return (zigzag >>> 1) ^ -(zigzag & 1)
      }
      case FLOAT:
        return this.#float()
      case ASCII:
        return this.#ascii(this.byte())
      case TEXT:
        return this.#utf8(this.uint())
      case ARRAY:
        return this.#array(this.#count())
      case OBJECT:
        return this.#object(this.#count())
      case CODED:
        return decode(this.#slice(this.uint()), this.#pids, this.#moved)
      default:
        throw new FrameError(`an unknown kind of value: ${kind}`)
    }
  }

  /** How many follow, each of at least a byte. */
  #count(): number {
    const count = this.uint()
    if (count > this.#bytes.length - this.#at) throw new FrameError('a frame that ends within a list')
    return count
  }

  #array(count: number): unknown[] {
    const array: unknown[] = []
    for (let i = 0; i < count; i++) array.push(this.value())
    return array
  }

  #object(count: number): object {
    const object: Record<string, unknown> = {}
    for (let i = 0; i < count; i++) {
      const name = this.text()
      object[name] = this.value()
    }
    return object
  }

  #float(): number {
    for (let i = 0; i < 8; i++) floatBytes[i] = this.#bytes[this.#at++] ?? 0
    return float[0] ?? 0
  }

  #ascii(length: number): string {
    const start = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) throw new FrameError('a frame that ends within a text')
    if (length > 12) return this.#bytes.toString('latin1', start, this.#at)
    let text = ''
    for (let i = start; i < this.#at; i++) text += String.fromCharCode(this.#bytes[i] ?? 0)
    return text
  }

  #utf8(length: number): string {
    const start = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) throw new FrameError('a frame that ends within a text')
    return this.#bytes.toString('utf8', start, this.#at)
  }

  #slice(length: number): Uint8Array {
    const start = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) throw new FrameError('a frame that ends within an item')
    return this.#bytes.subarray(start, this.#at)
  }
}
