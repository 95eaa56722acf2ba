// Keys and values as bytes. Keys have one encoding; values are msgpackr's, each complete in itself, and decode to a
// copy: what structured clone can carry, but for typed errors and functions (which become undefined).

import { Packr } from 'msgpackr'
import { type Key, keyOf, keyText } from '../kernel/key.ts'

const packr = new Packr({ structuredClone: true })
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function encodeKey(key: Key): Uint8Array {
  return encoder.encode(keyText(key))
}

export function decodeKey(bytes: Uint8Array): Key {
  return keyOf(decoder.decode(bytes))
}

/** The bytes are valid until the next call. */
export function encodeValue(value: unknown): Uint8Array {
  return packr.pack(value)
}

export function decodeValue(bytes: Uint8Array): unknown {
  return packr.unpack(bytes)
}
