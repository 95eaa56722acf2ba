// Messages as bytes. Stateless: each item is complete in itself (no shared records), so frames may be cut anywhere
// between items, and equal plain data has equal bytes if its properties stand in the same order.
// Decoded pids and references are those of the node that decodes: see KnownPids.

import { addExtension, Packr } from 'msgpackr'
import { definitionAt } from '../kernel/location.ts'
import { Reference } from '../kernel/pid.ts'
import {
  BARE,
  BIGINT,
  BYTES,
  DATE,
  DEFINITION,
  ENTRIES,
  ERROR,
  MAP,
  MINUS_ZERO,
  MOVED,
  NAME,
  PID,
  REFERENCE,
  SET,
  Special,
  toPortable,
  UTF16,
  views,
} from '../kernel/portable.ts'
import type { Definition } from '../kernel/ref.ts'
import { FrameError } from './errors.ts'
import type { KnownPids } from './known-pids.ts'

/** msgpackr's extension code of {@link Special}. */
const EXTENSION = 0x21
const packr = new Packr({ useRecords: false, copyBuffers: true })
/** Whose pids the decoding under way makes: msgpackr's extensions are told nothing else. */
let reader: KnownPids | null = null
/** What has come beside the frame. */
let beside: readonly ArrayBuffer[] = []

addExtension({
  Class: Special,
  type: EXTENSION,
  write: (special: Special) => special.parts,
  read: (parts: unknown) => revive(parts as readonly unknown[]),
})

/**
 * Bytes of `value`. Throws {@link NotPortableError} with a path that begins with `field`. `moved`: takes the buffers that
 * are marked to be moved.
 */
export function encode(value: unknown, field = 'payload', moved?: ArrayBuffer[]): Uint8Array {
  return packr.pack(toPortable(value, field, false, moved))
}

/** Bytes of an error, or of anything else that was thrown: of what cannot cross, what it looks like. */
export function encodeThrown(error: unknown, field = 'error'): Uint8Array {
  return packr.pack(toPortable(error, field, true))
}

/** Bytes of what has been through {@link toPortable} already. */
export function encodePortable(value: unknown): Uint8Array {
  return packr.pack(value)
}

/** The items of a frame, in order, with pids as `pids` knows them. Throws ERR_FRAME if they are none. */
export function decodeAll(
  frame: Uint8Array,
  pids: KnownPids | null,
  moved: readonly ArrayBuffer[] = [],
): readonly unknown[] {
  reader = pids
  beside = moved
  try {
    return packr.unpackMultiple(frame) as unknown[]
  } catch (error) {
    throw new FrameError(`a frame that cannot be read: ${String(error)}`)
  } finally {
    reader = null
    beside = []
  }
}

/** The single value that `bytes` hold. Without `pids`, there are none in it. */
export function decode(bytes: Uint8Array, pids: KnownPids | null, moved?: readonly ArrayBuffer[]): unknown {
  return decodeAll(bytes, pids, moved)[0]
}

function revive(parts: readonly unknown[]): unknown {
  const [kind, a, b, c] = parts
  switch (kind) {
    case PID:
      return reader?.pid(a as string, b as number, c as number)
    case NAME:
      return reader?.at(a as string, b as string)
    case REFERENCE:
      return new Reference(a as string, b as number, c as number)
    case MAP:
      return new Map(pairs(parts))
    case SET:
      return new Set(parts.slice(1))
    case DATE:
      return new Date(a as number)
    case BIGINT:
      return parseBigint(a as string)
    case BYTES:
      return viewOf(a as string, b as Uint8Array)
    case MOVED: {
      const buffer = beside[b as number]
      if (buffer === undefined) throw new FrameError('bytes that did not come with their frame')
      return a === 'ArrayBuffer' ? buffer : views[a as string]?.(buffer)
    }
    case ERROR:
      return errorOf(parts)
    case ENTRIES:
      return objectOf({}, pairs(parts))
    case BARE:
      return objectOf(Object.create(null), pairs(parts))
    case DEFINITION: {
      const [, kind, name, module, named] = parts as readonly [number, Definition['kind'], string, string, string]
      return { ...definitionAt(module, named, kind), name }
    }
    case UTF16:
      return (a as number[]).map((unit) => String.fromCharCode(unit)).join('')
    case MINUS_ZERO:
      return -0
    default:
      throw new FrameError(`an unknown kind of value: ${String(kind)}`)
  }
}

function pairs(parts: readonly unknown[]): [unknown, unknown][] {
  const found: [unknown, unknown][] = []
  for (let i = 1; i < parts.length; i += 2) found.push([parts[i], parts[i + 1]])
  return found
}

function objectOf(object: object, properties: readonly [unknown, unknown][]): object {
  for (const [name, value] of properties) {
    Object.defineProperty(object, String(name), { value, enumerable: true, writable: true, configurable: true })
  }
  return object
}

function parseBigint(hex: string): bigint {
  return hex.startsWith('-') ? -BigInt(`0x${hex.slice(1)}`) : BigInt(`0x${hex}`)
}

function viewOf(kind: string, bytes: Uint8Array): unknown {
  const buffer = new ArrayBuffer(bytes.length)
  new Uint8Array(buffer).set(bytes)
  return kind === 'ArrayBuffer' ? buffer : views[kind]?.(buffer)
}

const errorClasses = [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError]

/** An error as it was: of its class if that is one of the language's, else an `Error` of the same name. */
function errorOf([, name, message, stack, code, hasCause, cause]: readonly unknown[]): Error {
  const Class = errorClasses.find((one) => one.name === name) ?? Error
  const error = new Class(String(message), hasCause === true ? { cause } : undefined)
  const hidden = { enumerable: false, writable: true, configurable: true }
  Object.defineProperty(error, 'stack', { value: stack, ...hidden })
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name, ...hidden })
  if (code !== undefined && code !== null)
    Object.defineProperty(error, 'code', { value: code, ...hidden, enumerable: true })
  return error
}
