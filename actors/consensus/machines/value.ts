// The values that the given state machines hold and answer: JSON in its canonical form, or bytes. Encoded once, by the
// client; replicas keep and compare the bytes.

import { canonicalBytes } from '../../receipt/canonical-json.ts'
import { type ByteWriter, CodecError } from '../bytes.ts'

/** JSON without -0, NaN and infinities. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

export type Value = JsonValue | Uint8Array

const tags = { json: 0, bytes: 1, error: 2 } as const

const decoder = new TextDecoder()

/** The canonical bytes of a value. @throws OptionError for what is no value */
export function encodeValue(value: Value): Uint8Array {
  return tagged(tagOf(value), contentOf(value))
}

/** Writes a value behind its length: what {@link encodeValue} makes, without a buffer of its own. */
export function writeValue(writer: ByteWriter, value: Value): ByteWriter {
  const content = contentOf(value)
  return writer
    .u32(1 + content.length)
    .u8(tagOf(value))
    .raw(content)
}

/** What a machine answers to a command that it cannot read. */
export function encodeError(why: string): Uint8Array {
  return tagged(tags.error, new TextEncoder().encode(why))
}

/** The value in an answer. @throws CodecError if the machine could not read the command, or these are no answer's bytes */
export function decodeValue(bytes: Uint8Array): Value {
  const content = bytes.subarray(1)
  if (bytes[0] === tags.bytes) return content
  const text = decoder.decode(content)
  if (bytes[0] === tags.json) {
    try {
      return JSON.parse(text) as JsonValue
    } catch {
      throw new CodecError('an answer holds no JSON')
    }
  }
  throw new CodecError(bytes[0] === tags.error ? text : 'no answer of this machine')
}

function tagOf(value: Value): number {
  return value instanceof Uint8Array ? tags.bytes : tags.json
}

function contentOf(value: Value): Uint8Array {
  return value instanceof Uint8Array ? value : canonicalBytes(value)
}

function tagged(tag: number, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + content.length)
  bytes[0] = tag
  bytes.set(content, 1)
  return bytes
}
