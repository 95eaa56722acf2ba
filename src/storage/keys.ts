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

/** Below, at or above 0 as `a` lies before, at or behind `b` in the order of memcmp. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return compareSlice(a, b, 0, b.length)
}

/** The same for `a` and the part of `bytes` from `from` to `to`. In JavaScript: keys are short, and a call outside dear. */
export function compareSlice(a: Uint8Array, bytes: Uint8Array, from: number, to: number): number {
  const length = Math.min(a.length, to - from)
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (bytes[from + i] as number)
    if (difference !== 0) return difference
  }
  return a.length - (to - from)
}
