// The signed head of a chain of receipts: how many there are and the digest of the last. Kept in a file of its own, so
// that receipts cut from the end of the store are missed. Whoever can roll back both the store and this file can hide
// the end: compare the head that each run prints with one written down elsewhere.

import * as v from 'valibot'
import type { KeyRing } from './key-ring.ts'
import type { ChainEnd } from './receipt.ts'
import { openRecord, sealRecord } from './signed-record.ts'

const headSchema = v.strictObject({
  version: v.literal(1),
  count: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  digest: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  keyId: v.string(),
})

export type OpenedHead =
  | { readonly kind: 'valid'; readonly end: ChainEnd }
  | { readonly kind: 'head_altered' | 'unknown_key'; readonly detail: string }

export function sealHead(end: ChainEnd, ring: KeyRing): Uint8Array {
  return sealRecord('head', { version: 1, count: end.sequence, digest: end.digest }, ring)
}

/** Checks a head from a file. Never throws. */
export function openHead(bytes: Uint8Array, ring: KeyRing): OpenedHead {
  const opened = openRecord('head', bytes, ring)
  if (opened.kind === 'unknown_key') {
    return { kind: 'unknown_key', detail: `the head is signed by the unknown key ${opened.keyId}` }
  }
  const parsed = opened.kind === 'valid' ? v.safeParse(headSchema, opened.body) : undefined
  if (!parsed?.success) return { kind: 'head_altered', detail: 'the head is not what was signed' }
  return { kind: 'valid', end: { sequence: parsed.output.count, digest: parsed.output.digest } }
}
