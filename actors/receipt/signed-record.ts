// Signed bytes: a body and its HMAC-SHA256 (RFC 2104), as canonical JSON `{"body":…,"mac":"…"}`. The body names the
// key that signed it. Receipts and their head are both kept so; a purpose keeps one from passing for the other.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import * as v from 'valibot'
import { canonicalBytes, readCanonical } from './canonical-json.ts'
import { findKey, type KeyRing } from './key-ring.ts'

export type Purpose = 'receipt' | 'head'

export type Opened =
  /** Signed by a key of the ring, for this purpose. */
  | { readonly kind: 'valid'; readonly body: unknown }
  | { readonly kind: 'unknown_key'; readonly keyId: string }
  /** The bytes are not what a key of the ring signed. */
  | { readonly kind: 'altered'; readonly detail: string }

const recordSchema = v.strictObject({
  body: v.looseObject({ keyId: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)) }),
  mac: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
})

/** Signs a body with the ring's first key, whose id is added to it as `keyId`. */
export function sealRecord(purpose: Purpose, body: Readonly<Record<string, unknown>>, ring: KeyRing): Uint8Array {
  const [{ id, secret }] = ring
  const signed = { ...body, keyId: id }
  return canonicalBytes({ body: signed, mac: macOf(purpose, signed, secret).toString('hex') })
}

/** Checks bytes from outside. Never throws. The comparison takes the same time wherever the bytes differ. */
export function openRecord(purpose: Purpose, bytes: Uint8Array, ring: KeyRing): Opened {
  let value: unknown
  try {
    value = readCanonical(bytes)
  } catch {
    return { kind: 'altered', detail: 'its bytes are no canonical JSON' }
  }
  const parsed = v.safeParse(recordSchema, value)
  if (!parsed.success) return { kind: 'altered', detail: 'it is no signed record' }
  const { body, mac } = parsed.output
  const key = findKey(ring, body.keyId)
  if (key === undefined) return { kind: 'unknown_key', keyId: body.keyId }
  if (!timingSafeEqual(macOf(purpose, body, key.secret), Buffer.from(mac, 'hex'))) {
    return { kind: 'altered', detail: 'its signature does not fit its content' }
  }
  return { kind: 'valid', body }
}

/** SHA-256 in hexadecimal. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function macOf(purpose: Purpose, body: unknown, secret: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(`espalier ${purpose} v1\n`).update(canonicalBytes(body)).digest()
}
