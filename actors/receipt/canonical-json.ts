// The one encoding of what is hashed or signed: the JSON Canonicalization Scheme (RFC 8785) over data that survives
// it whole. Equal data has equal bytes, and different bytes are different data.
//
// Narrower than the RFC, so that nothing is lost on the way: no -0, NaN or infinity, no lone surrogate, no undefined,
// nothing but plain objects, arrays, strings, numbers, booleans and null.

import { OptionError } from '../../src/kernel/errors.ts'

/** Nesting beyond this is refused; a value that holds itself ends here too. */
const maxDepth = 64

/** The canonical bytes of a value. @throws OptionError naming the path of what cannot be encoded */
export function canonicalBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(encode(value, 'value', 0))
}

/**
 * Reads canonical bytes back.
 * @throws SyntaxError if they are no JSON, TypeError if no UTF-8, OptionError if they are not as canonicalBytes writes.
 */
export function readCanonical(bytes: Uint8Array): unknown {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  const value: unknown = JSON.parse(text)
  if (encode(value, 'value', 0) !== text) throw new OptionError('bytes', text, 'canonical JSON (RFC 8785)')
  return value
}

function encode(value: unknown, path: string, depth: number): string {
  if (depth > maxDepth) throw new OptionError(path, value, `at most ${maxDepth} levels`)
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || Object.is(value, -0)) throw new OptionError(path, value, 'a finite number, not -0')
    return JSON.stringify(value) // ECMAScript's shortest form that reads back the same: RFC 8785, section 3.2.2.3
  }
  if (typeof value === 'string') {
    if (/\p{Surrogate}/u.test(value)) throw new OptionError(path, value, 'a string without lone surrogates')
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) {
    return `[${Array.from(value, (each, at) => encode(each, `${path}[${at}]`, depth + 1)).join(',')}]`
  }
  if (!isPlainObject(value)) throw new OptionError(path, value, 'plain data')
  const members = Object.keys(value)
    .sort() // by UTF-16 code units: RFC 8785, section 3.2.3
    .map((name) => `${encode(name, path, depth)}:${encode(value[name], `${path}.${name}`, depth + 1)}`)
  return `{${members.join(',')}}`
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && Object.getOwnPropertySymbols(value).length === 0
}
