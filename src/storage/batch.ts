// A batch of writes, encoded as it is built, so that no later change of the caller's arrays can reach it. Small batches
// are carved from one slab: a buffer for each would cost more than all else. What was carved is never written again.
//
// Layout, little-endian: u32 length of the batch, itself included, then per operation: u8 kind, u32 length of a, a, and
// for put, expect and deleteRange u32 length of b, b. Batches may thus stand one behind the other. The layout lives in
// memory only; it is no format on disk.

import { OptionError } from '../kernel/errors.ts'
import { checkKey } from './keys.ts'
import { unwritten } from './spare-buffers.ts'

/** What the operations of an encoded batch do; see {@link BatchReader}. */
export const kinds = { put: 1, delete: 2, deleteRange: 3, expect: 4, expectAbsent: 5 } as const

/** Of the length in front of the operations. */
const prefixBytes = 4
const slabBytes = 64 * 1024
/** Batches that expect to be larger have a buffer of their own. */
const largestCarved = 8 * 1024

let slab = new Uint8Array(slabBytes)
let slabUsed = 0

/** Operations that take effect together, in the order in which they were added. */
export class WriteBatch {
  #bytes: Uint8Array<ArrayBuffer>
  /** Where the batch begins in `#bytes`, ends at present, and may go on to. */
  #start = 0
  #end = 0
  #limit: number
  #isCarved = true
  #taken = false
  #changes = false

  /** @param sizeHint bytes to set aside at first; the batch grows beyond them. Default 256. */
  constructor(sizeHint = 256) {
    const size = prefixBytes + sizeHint
    if (size > largestCarved) {
      this.#bytes = unwritten(size)
      this.#limit = this.#bytes.length
      this.#isCarved = false
    } else {
      if (slabUsed + size > slabBytes) {
        slab = new Uint8Array(slabBytes)
        slabUsed = 0
      }
      this.#bytes = slab
      this.#start = slabUsed
      slabUsed += size
      this.#limit = slabUsed
    }
    this.#end = this.#start + prefixBytes
  }

  /** Encoded size of the operations in bytes: keys and values, and 5 or 9 bytes for each. */
  get byteLength(): number {
    return this.#end - this.#start - prefixBytes
  }

  /**
   * The batch lies in a buffer that holds nothing else, which may be transferred to another thread.
   * @internal
   */
  get ownsBuffer(): boolean {
    return !this.#isCarved
  }

  /** Sets a key, whether it is there or not. */
  put(key: Uint8Array, value: Uint8Array): this {
    checkKey('key', key)
    return this.#add(kinds.put, key, value)
  }

  /** Sets a key to the UTF-8 bytes of a text. */
  putText(key: Uint8Array, text: string): this {
    const { length } = text
    for (let i = 0; i < length; i++) if (text.charCodeAt(i) > 0x7f) return this.put(key, Buffer.from(text, 'utf8'))
    return this.putFilled(key, length, (bytes, at) => {
      for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i)
    })
  }

  /** Sets a key to `length` bytes that `fill` writes where they belong, from `at` on: all of them. */
  putFilled(key: Uint8Array, length: number, fill: (bytes: Uint8Array, at: number) => void): this {
    checkKey('key', key)
    this.#checkUnused()
    this.#changes = true
    this.#reserve(9 + key.length + length)
    const bytes = this.#bytes
    let at = this.#end
    bytes[at] = kinds.put
    writeLength(bytes, at + 1, key.length)
    at = copy(key, bytes, at + 5)
    writeLength(bytes, at, length)
    fill(bytes, at + 4)
    this.#end = at + 4 + length
    return this
  }

  /** Removes a key if it is there. */
  delete(key: Uint8Array): this {
    checkKey('key', key)
    return this.#add(kinds.delete, key)
  }

  /** Removes every key from `from` (inclusive) up to `to` (exclusive). Takes time in proportion to their number. */
  deleteRange(from: Uint8Array, to: Uint8Array): this {
    checkKey('from', from)
    checkKey('to', to)
    return this.#add(kinds.deleteRange, from, to)
  }

  /**
   * Makes the whole batch depend on what the key holds when its turn comes: `value`, or nothing if undefined. If it
   * holds anything else, nothing is written and `write` rejects with ERR_STORAGE_CONFLICT. Expectations come before
   * all other operations of a batch.
   */
  expect(key: Uint8Array, value: Uint8Array | undefined): this {
    checkKey('key', key)
    if (this.#changes)
      throw new OptionError('expect', 'a batch that already writes', 'an expectation before all writes')
    return value === undefined ? this.#add(kinds.expectAbsent, key) : this.#add(kinds.expect, key, value)
  }

  /**
   * Hands the encoded operations over; the batch is used up. The bytes may share their buffer with other batches.
   * @internal
   */
  take(): Uint8Array<ArrayBuffer> {
    this.#checkUnused()
    this.#taken = true
    writeLength(this.#bytes, this.#start, this.#end - this.#start)
    // What was set aside and not needed is for the next batch.
    if (this.#bytes === slab && this.#limit === slabUsed) slabUsed = this.#end
    return this.#bytes.subarray(this.#start, this.#end)
  }

  /**
   * The same in a buffer that holds nothing else, to be transferred to another thread.
   * @internal
   */
  detach(): Uint8Array<ArrayBuffer> {
    const bytes = this.take()
    return this.#isCarved ? bytes.slice() : bytes
  }

  #add(kind: number, a: Uint8Array, b?: Uint8Array): this {
    this.#checkUnused()
    if (kind !== kinds.expect && kind !== kinds.expectAbsent) this.#changes = true
    this.#reserve(5 + a.length + (b === undefined ? 0 : 4 + b.length))
    const bytes = this.#bytes
    let at = this.#end
    bytes[at] = kind
    writeLength(bytes, at + 1, a.length)
    at = copy(a, bytes, at + 5)
    if (b !== undefined) {
      writeLength(bytes, at, b.length)
      at = copy(b, bytes, at + 4)
    }
    this.#end = at
    return this
  }

  #reserve(size: number): void {
    const needed = this.#end + size
    if (needed <= this.#limit) return
    if (this.#bytes === slab && this.#limit === slabUsed && needed <= slabBytes) {
      slabUsed = needed
      this.#limit = needed
      return
    }
    const length = this.#end - this.#start
    const grown = unwritten(Math.max(length + size, length * 2, largestCarved))
    grown.set(this.#bytes.subarray(this.#start, this.#end))
    this.#bytes = grown
    this.#isCarved = false
    this.#start = 0
    this.#end = length
    this.#limit = grown.length
  }

  #checkUnused(): void {
    if (this.#taken) throw new OptionError('batch', 'a batch already written', 'a batch not yet written')
  }
}

/** Steps over the operations of an encoded batch, in order, without making an object of each. */
export class BatchReader {
  readonly bytes: Uint8Array
  /** One of {@link kinds}. */
  kind = 0
  /** Where the key lies in `bytes`; of a deleteRange, where it begins. */
  keyFrom = 0
  keyTo = 0
  /** Where the value lies in `bytes`; of a deleteRange, the key at which it ends. Empty if there is none. */
  valueFrom = 0
  valueTo = 0
  #at = prefixBytes

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** Goes to the next operation. False if there is none. */
  next(): boolean {
    const { bytes } = this
    let at = this.#at
    if (at >= bytes.length) return false
    this.kind = bytes[at] ?? 0
    this.keyFrom = at + 5
    at = this.keyFrom + readLength(bytes, at + 1)
    this.keyTo = at
    this.valueFrom = at
    if (this.kind !== kinds.delete && this.kind !== kinds.expectAbsent) {
      this.valueFrom = at + 4
      at = this.valueFrom + readLength(bytes, at)
    }
    this.valueTo = at
    this.#at = at
    return true
  }

  /** A view of the key. */
  get key(): Uint8Array {
    return this.bytes.subarray(this.keyFrom, this.keyTo)
  }

  /** A view of the value. */
  get value(): Uint8Array {
    return this.bytes.subarray(this.valueFrom, this.valueTo)
  }
}

/** The batches that stand one behind the other in `bytes`, each a view. */
export function batchesIn(bytes: Uint8Array): Uint8Array[] {
  const batches: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + readLength(bytes, at)
    batches.push(bytes.subarray(at, end))
    at = end
  }
  return batches
}

const COPY_BY_HAND = 48

function copy(from: Uint8Array, to: Uint8Array, at: number): number {
  const { length } = from
  if (length > COPY_BY_HAND) to.set(from, at)
  else for (let i = 0; i < length; i++) to[at + i] = from[i] ?? 0
  return at + length
}

function writeLength(bytes: Uint8Array, at: number, length: number): void {
  bytes[at] = length
  bytes[at + 1] = length >>> 8
  bytes[at + 2] = length >>> 16
  bytes[at + 3] = length >>> 24
}

function readLength(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)
  return (low | ((bytes[at + 3] ?? 0) << 24)) >>> 0
}
