// Keys as byte strings: their bound, order and ranges.

import { OptionError } from '../kernel/errors.ts'

/** The longest key, in bytes. LMDB's own bound is 1978 with 4 KiB pages. */
export const maxKeyBytes = 1024

/** @throws OptionError unless the key has 1 to {@link maxKeyBytes} bytes. */
export function checkKey(field: string, key: Uint8Array): void {
  if (!(key instanceof Uint8Array)) throw new OptionError(field, key, 'a Uint8Array')
  if (key.length === 0 || key.length > maxKeyBytes) {
    throw new OptionError(field, `${key.length} bytes`, `1 to ${maxKeyBytes} bytes`)
  }
}

/** @throws OptionError unless `value` is an integer of at least 1. */
export function positive(field: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) throw new OptionError(field, value, 'an integer >= 1')
  return value
}

/** The least key greater than `key`. */
export function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1)
  next.set(key)
  return next
}

/** The range of all keys that start with `prefix`, which must hold a byte below 0xff. */
export function prefixRange(prefix: Uint8Array): { readonly from: Uint8Array; readonly to: Uint8Array } {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length -= 1
  const to = prefix.slice(0, length)
  const last = to[length - 1]
  if (last !== undefined) to[length - 1] = last + 1
  return { from: prefix, to }
}

export function equalBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.length === b.length && Buffer.compare(a, b) === 0
}
