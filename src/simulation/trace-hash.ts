// The running hash of a run: whatever is taken in, in order, becomes 64 bits. Two runs with the same events have the
// same hash, on every machine and under every Node version; so what is taken in must be canonical. Stacks are left out
// (they hold paths and line numbers), object keys are sorted, and Map and Set count as unordered: the hash says what a
// payload is, not how it came to be.

import { OptionError } from '../kernel/errors.ts'
import { HalfSipHash, hashText } from './half-sip-hash.ts'

/** Payloads nested deeper than this are refused: no message needs it, and the stack is finite. */
const MAX_DEPTH = 200

// One word in front of every value tells its kind, so that no two kinds share an encoding. Never renumber: recorded
// hashes would change.
const TAG = {
  undefined: 1,
  null: 2,
  true: 3,
  false: 4,
  integer: 5,
  float: 6,
  bigint: 7,
  text: 8,
  bytes: 9,
  date: 10,
  array: 11,
  map: 12,
  set: 13,
  object: 14,
  instance: 15,
  error: 16,
  function: 17,
  symbol: 18,
  ancestor: 19,
} as const

/** A streaming, canonical 64-bit hash of values. */
export class TraceHash {
  readonly #hash: HalfSipHash

  constructor() {
    this.#hash = new HalfSipHash()
  }

  /** Takes in a bare 32-bit integer. Cheaper than `value`; for counters, times and tags of fixed place. */
  word(value: number): this {
    this.#hash.word(value)
    return this
  }

  /** Takes in a string of fixed place: a name, a kind. */
  text(value: string): this {
    hashText(this.#hash, value)
    return this
  }

  /**
   * Takes in any payload: plain data, arrays, Map, Set, bigint, Date, binary data, Errors (name, message, own fields and
   * cause; never the stack), instances of classes (name, and
   * what `toJSON` answers, else the own fields), functions and symbols (by name). Cycles are
   * allowed. Nesting beyond 200 throws an OptionError.
   */
  value(value: unknown): this {
    absorb(this.#hash, value, [])
    return this
  }

  /** The hash so far, as 16 hexadecimal digits. The stream goes on. */
  hex(): string {
    const [first, second] = this.#hash.words()
    return first.toString(16).padStart(8, '0') + second.toString(16).padStart(8, '0')
  }
}

/** The canonical digest of one value: 16 hexadecimal digits. Equal data gives equal digests. */
export function digestOf(value: unknown): string {
  return new TraceHash().value(value).hex()
}

const double = new DataView(new ArrayBuffer(8))

function absorb(hash: HalfSipHash, value: unknown, path: object[]): void {
  switch (typeof value) {
    case 'number':
      absorbNumber(hash, value)
      return
    case 'string':
      hash.word(TAG.text)
      hashText(hash, value)
      return
    case 'boolean':
      hash.word(value ? TAG.true : TAG.false)
      return
    case 'undefined':
      hash.word(TAG.undefined)
      return
    case 'bigint':
      hash.word(TAG.bigint)
      hashText(hash, value.toString(16))
      return
    case 'function':
      hash.word(TAG.function)
      hashText(hash, value.name)
      return
    case 'symbol':
      hash.word(TAG.symbol)
      hashText(hash, value.description ?? '')
      return
    default:
      if (typeof value === 'object' && value !== null) absorbNested(hash, value, path)
      else hash.word(TAG.null)
  }
}

function absorbNumber(hash: HalfSipHash, value: number): void {
  if ((value | 0) === value && !Object.is(value, -0)) {
    hash.word(TAG.integer)
    hash.word(value)
    return
  }
  hash.word(TAG.float)
  double.setFloat64(0, Number.isNaN(value) ? Number.NaN : value)
  hash.word(double.getInt32(0))
  hash.word(double.getInt32(4))
}

function absorbNested(hash: HalfSipHash, value: object, path: object[]): void {
  const ancestor = path.indexOf(value)
  if (ancestor !== -1) {
    hash.word(TAG.ancestor)
    hash.word(path.length - ancestor)
    return
  }
  if (path.length >= MAX_DEPTH) throw new OptionError('payload', '…', `nesting of at most ${MAX_DEPTH}`)
  path.push(value)
  absorbObject(hash, value, path)
  path.pop()
}

function absorbObject(hash: HalfSipHash, value: object, path: object[]): void {
  if (Array.isArray(value)) {
    hash.word(TAG.array)
    hash.word(value.length)
    for (const item of value) absorb(hash, item, path)
  } else if (value instanceof Map) {
    hash.word(TAG.map)
    absorbUnordered(hash, value, path)
  } else if (value instanceof Set) {
    hash.word(TAG.set)
    absorbUnordered(hash, value, path)
  } else if (ArrayBuffer.isView(value)) {
    absorbBytes(hash, new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
  } else if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    absorbBytes(hash, new Uint8Array(value))
  } else if (value instanceof Date) {
    hash.word(TAG.date)
    absorbNumber(hash, value.getTime())
  } else if (value instanceof Error) {
    hash.word(TAG.error)
    hashText(hash, String(value.name))
    absorbFields(hash, value, Object.getOwnPropertyNames(value).filter(isNotStack), path)
  } else {
    absorbRecord(hash, value, path)
  }
}

function absorbRecord(hash: HalfSipHash, value: object, path: object[]): void {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) {
    hash.word(TAG.object)
    const keys = Object.keys(value)
    // An exit reason { error, stack } carries its stack as plain text.
    const isExitReason = keys.length === 2 && keys.includes('error') && keys.includes('stack')
    absorbFields(hash, value, isExitReason ? ['error'] : keys, path)
    return
  }
  hash.word(TAG.instance)
  hashText(hash, String(value.constructor?.name))
  // A pid or a ref leads to its whole node; its text is what it is.
  if ('toJSON' in value && typeof value.toJSON === 'function') absorb(hash, value.toJSON(), path)
  else absorbFields(hash, value, Object.keys(value), path)
}

function absorbFields(hash: HalfSipHash, value: object, keys: string[], path: object[]): void {
  hash.word(keys.length)
  for (const key of keys.sort()) {
    hashText(hash, key)
    absorb(hash, (value as Record<string, unknown>)[key], path)
  }
}

/** Members in order of their own hashes: insertion order is history, not content. */
function absorbUnordered(hash: HalfSipHash, members: Map<unknown, unknown> | Set<unknown>, path: object[]): void {
  const hashes: (readonly [number, number])[] = []
  const isMap = members instanceof Map
  for (const [key, value] of members.entries()) {
    const member = new HalfSipHash()
    absorb(member, key, path)
    if (isMap) absorb(member, value, path)
    hashes.push(member.words())
  }
  hashes.sort((a, b) => a[0] - b[0] || a[1] - b[1])
  hash.word(hashes.length)
  for (const [first, second] of hashes) {
    hash.word(first)
    hash.word(second)
  }
}

function absorbBytes(hash: HalfSipHash, bytes: Uint8Array): void {
  hash.word(TAG.bytes)
  hash.word(bytes.length)
  for (let i = 0; i < bytes.length; i += 4) {
    hash.word(byte(bytes, i) | (byte(bytes, i + 1) << 8) | (byte(bytes, i + 2) << 16) | (byte(bytes, i + 3) << 24))
  }
}

/** 0 past the end: the length before tells padding from data. */
function byte(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0
}

function isNotStack(key: string): boolean {
  return key !== 'stack'
}
