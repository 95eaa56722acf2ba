// A batch of writes, encoded as it is built: one buffer that crosses to the storage thread without a second copy,
// and that no later change of the caller's arrays can reach.
//
// Layout, little-endian, per operation: u8 kind, u32 length of a, a, and for put, expect and deleteRange u32 length
// of b, b. The layout lives in memory only; it is no format on disk.

import { OptionError } from '../kernel/errors.ts'
import { checkKey } from './keys.ts'

const kinds = { put: 1, delete: 2, deleteRange: 3, expect: 4, expectAbsent: 5 } as const

/** One decoded operation; its arrays are views of the batch's buffer. */
export type WriteOperation =
  | { readonly kind: 'put' | 'expect'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: 'delete' | 'expectAbsent'; readonly key: Uint8Array }
  | { readonly kind: 'deleteRange'; readonly from: Uint8Array; readonly to: Uint8Array }

/** Operations that take effect together, in the order in which they were added. */
export class WriteBatch {
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView
  #length = 0
  #taken = false
  #changes = false

  /** @param sizeHint bytes to set aside at first; the batch grows beyond them. Default 256. */
  constructor(sizeHint = 256) {
    this.#bytes = new Uint8Array(sizeHint)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** Encoded size in bytes: keys and values, and 5 or 9 bytes for each operation. */
  get byteLength(): number {
    return this.#length
  }

  /** Sets a key, whether it is there or not, to `value`, or to `head` and `value` in one. */
  put(key: Uint8Array, value: Uint8Array, head?: Uint8Array): this {
    checkKey('key', key)
    return this.#add(kinds.put, key, value, head)
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
   * Hands the encoded operations over; the batch is used up.
   * @internal
   */
  take(): Uint8Array<ArrayBuffer> {
    this.#checkUnused()
    this.#taken = true
    return this.#bytes.subarray(0, this.#length)
  }

  #add(kind: number, a: Uint8Array, b?: Uint8Array, headOfB?: Uint8Array): this {
    this.#checkUnused()
    if (kind !== kinds.expect && kind !== kinds.expectAbsent) this.#changes = true
    const headLength = headOfB === undefined ? 0 : headOfB.length
    this.#reserve(5 + a.length + (b === undefined ? 0 : 4 + headLength + b.length))
    let at = this.#length
    this.#view.setUint8(at, kind)
    this.#view.setUint32(at + 1, a.length, true)
    this.#bytes.set(a, at + 5)
    at += 5 + a.length
    if (b !== undefined) {
      this.#view.setUint32(at, headLength + b.length, true)
      at += 4
      if (headOfB !== undefined) this.#bytes.set(headOfB, at)
      this.#bytes.set(b, at + headLength)
      at += headLength + b.length
    }
    this.#length = at
    return this
  }

  #reserve(size: number): void {
    const needed = this.#length + size
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }

  #checkUnused(): void {
    if (this.#taken) throw new OptionError('batch', 'a batch already written', 'a batch not yet written')
  }
}

/** The operations of an encoded batch, in order. */
export function* operationsOf(bytes: Uint8Array): Generator<WriteOperation, void, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const next = (): Uint8Array => {
    const start = at + 4
    at = start + view.getUint32(at, true)
    return bytes.subarray(start, at)
  }
  while (at < bytes.length) {
    const kind = bytes[at]
    at += 1
    const a = next()
    if (kind === kinds.put) yield { kind: 'put', key: a, value: next() }
    else if (kind === kinds.delete) yield { kind: 'delete', key: a }
    else if (kind === kinds.deleteRange) yield { kind: 'deleteRange', from: a, to: next() }
    else if (kind === kinds.expect) yield { kind: 'expect', key: a, value: next() }
    else yield { kind: 'expectAbsent', key: a }
  }
}
