// The key-value map: `put`, `get`, `cas` and `delete` on registers that hold JSON or bytes. A key never written, one
// deleted and one that holds null read alike.
//
// Command: u8 operation, key, then by operation: put: value. cas: expected value, value. Questions are written as the
// command `get`. Values are the canonical bytes of value.ts: equal values are equal bytes.

import { ByteReader, ByteWriter, CodecError } from '../bytes.ts'
import type { StateMachine } from '../state-machine.ts'
import { BucketMap } from './bucket-map.ts'
import { decodeValue, encodeError, encodeValue, type Value, writeValue } from './value.ts'

/**
 * What the map holds: key → value as bytes, each a letter of a text (latin1). A buffer of its own for each value would
 * take more memory than most values do, and far more work; a part of a command's would keep all of the command.
 */
export type KeyValueState = BucketMap<string>

const operations = { put: 1, get: 2, cas: 3, delete: 4 } as const

const NULL = encodeValue(null)
const OK = encodeValue('ok')
const TRUE = encodeValue(true)
const FALSE = encodeValue(false)
/** What a key reads that was never written. */
const NULL_LETTERS = lettersOf(NULL)

const start = (operation: keyof typeof operations, key: string, size: number): ByteWriter =>
  new ByteWriter(16 + 2 * key.length + size).u8(operations[operation]).text(key)

/** Commands and questions for {@link keyValueMap}, and its answers. */
export const keyValue = {
  /** Answers `'ok'`. */
  put(key: string, value: Value): Uint8Array {
    const size = value instanceof Uint8Array ? value.length : 64
    return writeValue(start('put', key, size), value).take()
  },
  /** Answers the value, or null. As a question or as a command. */
  get(key: string): Uint8Array {
    return start('get', key, 0).take()
  },
  /** Writes `value` if the key holds `expected`; answers whether it did. */
  cas(key: string, expected: Value, value: Value): Uint8Array {
    return writeValue(writeValue(start('cas', key, 128), expected), value).take()
  },
  /** Answers whether there was one. */
  delete(key: string): Uint8Array {
    return start('delete', key, 0).take()
  },
  /** What the map has answered. @throws CodecError */
  answer: decodeValue,
} as const

/** A map of registers: usable as it is. Its snapshot costs no pause, however large it is. */
export const keyValueMap: StateMachine<KeyValueState> = {
  name: 'key-value',
  version: 1,
  init: () => new BucketMap(),
  apply: (state, command) => guarded(() => execute(state, new ByteReader(command))),
  query: (state, question) =>
    guarded(() => {
      const reader = new ByteReader(question)
      if (reader.u8() !== operations.get) throw new CodecError('only get is a question')
      return bytesOf(state.get(reader.text()))
    }),
  snapshot: (state) => chunksOf(state.copy()),
  restore(bytes) {
    const state: KeyValueState = new BucketMap()
    const reader = new ByteReader(bytes)
    for (let left = reader.u64(); left > 0; left -= 1) {
      const key = reader.text()
      state.set(key, lettersOf(reader.bytes()))
    }
    reader.end()
    return state
  },
}

function* chunksOf(state: KeyValueState): Generator<Uint8Array, void, void> {
  yield new ByteWriter(8).u64(state.size).take()
  for (const [key, value] of state.entries()) {
    yield new ByteWriter(8 + 2 * key.length + value.length).text(key).bytes(bytesOf(value)).take()
  }
}

function execute(state: KeyValueState, reader: ByteReader): Uint8Array {
  const operation = reader.u8()
  const key = reader.text()
  switch (operation) {
    case operations.put:
      state.set(key, lettersOf(reader.bytes()))
      return OK
    case operations.get:
      return bytesOf(state.get(key))
    case operations.cas: {
      const expected = lettersOf(reader.bytes())
      const value = lettersOf(reader.bytes())
      if ((state.get(key) ?? NULL_LETTERS) !== expected) return FALSE
      state.set(key, value)
      return TRUE
    }
    case operations.delete:
      return state.delete(key) ? TRUE : FALSE
    default:
      throw new CodecError(`no operation of the key-value map: ${operation}`)
  }
}

function lettersOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

function bytesOf(letters: string | undefined): Uint8Array {
  if (letters === undefined) return NULL
  const { buffer, byteOffset, length } = Buffer.from(letters, 'latin1')
  return new Uint8Array(buffer, byteOffset, length)
}

/** The answer, or what was wrong with the bytes: the same on every replica. */
function guarded(act: () => Uint8Array): Uint8Array {
  try {
    return act()
  } catch (error) {
    if (error instanceof CodecError) return encodeError(error.message)
    throw error
  }
}
