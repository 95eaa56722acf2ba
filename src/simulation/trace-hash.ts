// The running hash of a run: whatever is taken in, in order, becomes 64 bits. Two runs with the same events have the
// same hash, on every machine and under every Node version; so what is taken in must be canonical. Stacks are left out
// (they hold paths and line numbers), and the fields of an object, like the members of a Map or a Set, have no order: the
// hash says what a payload is, not how it came to be. What has no order is hashed part by part, and the parts added up.

import { OptionError } from '../kernel/errors.ts'
import { NamedRef } from '../kernel/named-ref.ts'
import { Pid } from '../kernel/pid.ts'
import { StreamHash } from './stream-hash.ts'

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
  pid: 20,
} as const

/** A streaming, canonical 64-bit hash of values. */
export class TraceHash {
  readonly #hash = new StreamHash()
  readonly #path: object[] = []

  /** Takes in a bare 32-bit integer. Cheaper than `value`; for counters, times and tags of fixed place. */
  word(value: number): this {
    this.#hash.word(value)
    return this
  }

  /** Takes in a string of fixed place: a name, a kind. */
  text(value: string): this {
    this.#hash.text(value)
    return this
  }

  /**
   * Takes in any payload: plain data, arrays, Map, Set, bigint, Date, binary data, Errors (name, message, own fields and
   * cause; never the stack), instances of classes (name, and
   * what `toJSON` answers, else the own fields), functions and symbols (by name). Cycles are
   * allowed. Nesting beyond 200 throws an OptionError.
   */
  value(value: unknown): this {
    if (this.#path.length > 0) this.#path.length = 0
    absorb(this.#hash, value, this.#path)
    return this
  }

  /** The hash so far, as 16 hexadecimal digits. The stream goes on. */
  hex(): string {
    const { high, low } = this.#hash
    return (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0')
  }
}

/** The canonical digest of one value: 16 hexadecimal digits. Equal data gives equal digests. */
export function digestOf(value: unknown): string {
  return new TraceHash().value(value).hex()
}

const double = new DataView(new ArrayBuffer(8))

function absorb(hash: StreamHash, value: unknown, path: object[]): void {
  switch (typeof value) {
    case 'number':
      absorbNumber(hash, value)
      return
    case 'string':
      hash.word(TAG.text)
      hash.text(value)
      return
    case 'boolean':
      hash.word(value ? TAG.true : TAG.false)
      return
    case 'undefined':
      hash.word(TAG.undefined)
      return
    case 'bigint':
      hash.word(TAG.bigint)
      hash.text(value.toString(16))
      return
    case 'function':
      hash.word(TAG.function)
      hash.text(value.name)
      return
    case 'symbol':
      hash.word(TAG.symbol)
      hash.text(value.description ?? '')
      return
    default:
      if (typeof value === 'object' && value !== null) absorbNested(hash, value, path)
      else hash.word(TAG.null)
  }
}

function absorbNumber(hash: StreamHash, value: number): void {
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

function absorbNested(hash: StreamHash, value: object, path: object[]): void {
  const depth = path.length
  for (let at = 0; at < depth; at++) {
    if (path[at] !== value) continue
    hash.word(TAG.ancestor)
    hash.word(depth - at)
    return
  }
  if (depth >= MAX_DEPTH) throw new OptionError('payload', '…', `nesting of at most ${MAX_DEPTH}`)
  path.push(value)
  absorbObject(hash, value, path)
  path.pop()
}

function absorbObject(hash: StreamHash, value: object, path: object[]): void {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) {
    hash.word(TAG.object)
    absorbFields(hash, value, path, true)
  } else if (Array.isArray(value)) {
    hash.word(TAG.array)
    hash.word(value.length)
    for (const item of value) absorb(hash, item, path)
  } else if (value instanceof Pid) {
    hash.word(TAG.pid)
    absorbPid(hash, value)
  } else if (value instanceof Map) {
    hash.word(TAG.map)
    absorbMembers(hash, value, path)
  } else if (value instanceof Set) {
    hash.word(TAG.set)
    absorbMembers(hash, value, path)
  } else if (ArrayBuffer.isView(value)) {
    hash.word(TAG.bytes)
    hash.bytes(value instanceof Uint8Array ? value : new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
  } else if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    hash.word(TAG.bytes)
    hash.bytes(new Uint8Array(value))
  } else if (value instanceof Date) {
    hash.word(TAG.date)
    absorbNumber(hash, value.getTime())
  } else if (value instanceof Error) {
    absorbError(hash, value, path)
  } else {
    absorbInstance(hash, value, path)
  }
}

function absorbError(hash: StreamHash, error: Error, path: object[]): void {
  hash.word(TAG.error)
  hash.text(String(error.name))
  const fields = Object.entries(Object.getOwnPropertyDescriptors(error)).filter(([key]) => key !== 'stack')
  absorbMembers(hash, new Map(fields.map(([key, { value }]) => [key, value])), path)
}

function absorbInstance(hash: StreamHash, value: object, path: object[]): void {
  hash.word(TAG.instance)
  hash.text(String(value.constructor?.name))
  // A reference leads to its whole node; its text is what it is.
  if ('toJSON' in value && typeof value.toJSON === 'function') absorb(hash, value.toJSON(), path)
  else absorbFields(hash, value, path)
}

/** The parts of its text: to make the text itself would cost as much as the rest of a message. */
function absorbPid(hash: StreamHash, pid: Pid): void {
  hash.text(pid.nodeName)
  hash.word(pid.creation)
  hash.word(pid.id)
  if (pid instanceof NamedRef) hash.text(pid.name)
}

// ---- what has no order --------------------------------------------------------------------------------------------

// The stream is put aside, the parts are hashed each on its own and added up, and the stream goes on with the sum.
// Written out twice, in plain variables: an object for each sum would cost as much as the hashing.

/** Own enumerable fields under text keys. */
function absorbFields(hash: StreamHash, value: object, path: object[], isPlain = false): void {
  const { a, b } = hash
  let [count, high, low] = [0, 0, 0]
  hash.clear()
  for (const key in value) {
    // Read within the loop, where the engine knows the field's place without looking it up.
    const field = (value as Readonly<Record<string, unknown>>)[key]
    // What a plain object inherits is not enumerable.
    if ((!isPlain && !Object.hasOwn(value, key)) || (key === 'stack' && isExitReason(value))) continue
    hash.text(key)
    absorb(hash, field, path)
    count++
    high = (high + hash.high) | 0
    low = (low + hash.low) | 0
    hash.clear()
  }
  goOn(hash, a, b, count, high, low)
}

function absorbMembers(hash: StreamHash, members: Map<unknown, unknown> | Set<unknown>, path: object[]): void {
  const { a, b } = hash
  let [high, low] = [0, 0]
  const isMap = members instanceof Map
  hash.clear()
  for (const [key, value] of members.entries()) {
    absorb(hash, key, path)
    if (isMap) absorb(hash, value, path)
    high = (high + hash.high) | 0
    low = (low + hash.low) | 0
    hash.clear()
  }
  goOn(hash, a, b, members.size, high, low)
}

function goOn(hash: StreamHash, a: number, b: number, count: number, high: number, low: number): void {
  hash.a = a
  hash.b = b
  hash.word(count)
  hash.word(high)
  hash.word(low)
}

/** `{ error, stack }` carries its stack as plain text. */
function isExitReason(value: object): boolean {
  return 'error' in value && Object.keys(value).length === 2
}
