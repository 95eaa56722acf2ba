// The keys that sign and verify receipts. The first key signs; the others only verify what was signed before a
// rotation. A key's id is derived from it, so that ids cannot be mixed up and an id in a receipt betrays nothing.
//
// Invariant: no error, log or value shown to anyone holds a secret.

import { createHmac } from 'node:crypto'
import { EspalierError } from '../../src/kernel/errors.ts'
import type { Files, Secrets } from '../../src/kernel/ports/index.ts'

/** A key and its id, which is derived from it. */
export interface ReceiptKey {
  /** 16 hexadecimal digits. */
  readonly id: string
  /** 32 to 64 bytes. */
  readonly secret: Uint8Array
}

/** Never empty; the first signs. */
export type KeyRing = readonly [ReceiptKey, ...ReceiptKey[]]

/** No usable key: code `ERR_RECEIPT_KEY`. */
export class ReceiptKeyError extends EspalierError {}

/** Bytes of a new key: as long as the digest (RFC 2104, section 3). */
const newKeyBytes = 32
const maxKeys = 100
const ownerOnly = 0o600

/** Where a key file lies, and what reads it or makes it. */
export interface KeyRingSource {
  readonly files: Files
  readonly secrets: Secrets
  readonly path: string
}

/** Keys as text: hexadecimal, separated by commas or white space, as in an environment variable. */
export function parseKeyRing(text: string, source: string): KeyRing {
  const words = text.split(/[\s,]+/).filter((word) => word !== '')
  const keys = words.map((word, at): ReceiptKey => {
    if (!/^(?:[0-9a-f]{2}){32,64}$/i.test(word)) {
      throw new ReceiptKeyError('ERR_RECEIPT_KEY', `${source}: key ${at + 1} is not 64 to 128 hexadecimal digits`)
    }
    return keyOf(Uint8Array.from(Buffer.from(word, 'hex')))
  })
  const [first, ...rest] = keys
  if (first === undefined || keys.length > maxKeys) {
    throw new ReceiptKeyError('ERR_RECEIPT_KEY', `${source}: expected 1 to ${maxKeys} keys, found ${keys.length}`)
  }
  return [first, ...rest]
}

/** The keys of a file, or undefined if there is none. Makes nothing. @throws ReceiptKeyError */
export async function readKeyRing(files: Files, path: string): Promise<KeyRing | undefined> {
  const bytes = await files.read(path)
  return bytes === undefined ? undefined : parseKeyRing(withoutComments(bytes), path)
}

/** The keys of a file, which is made with one new key, readable by its owner only, if missing. */
export async function openKeyRing({ files, secrets, path }: KeyRingSource): Promise<KeyRing> {
  const known = await readKeyRing(files, path)
  if (known !== undefined) return known
  const ring: KeyRing = [keyOf(secrets.bytes(newKeyBytes))]
  if (await files.create(path, printKeyRing(ring), ownerOnly)) return ring
  // Another process was first: its key counts.
  const theirs = await readKeyRing(files, path)
  if (theirs === undefined) throw new ReceiptKeyError('ERR_RECEIPT_KEY', `${path} came and went`)
  return theirs
}

/** Puts a new key in front: it signs from now on, and all others still verify. */
export async function rotateKeyRing(source: KeyRingSource): Promise<KeyRing> {
  const ring = await openKeyRing(source)
  if (ring.length >= maxKeys) {
    throw new ReceiptKeyError('ERR_RECEIPT_KEY', `${source.path}: holds ${maxKeys} keys already`)
  }
  const rotated: KeyRing = [keyOf(source.secrets.bytes(newKeyBytes)), ...ring]
  await source.files.replace(source.path, printKeyRing(rotated), ownerOnly)
  return rotated
}

/** The key with this id. */
export function findKey(ring: KeyRing, id: string): ReceiptKey | undefined {
  return ring.find((key) => key.id === id)
}

function keyOf(secret: Uint8Array): ReceiptKey {
  return { id: createHmac('sha256', secret).update('espalier receipt key id').digest('hex').slice(0, 16), secret }
}

function printKeyRing(ring: KeyRing): Uint8Array {
  const lines = ring.map((key) => Buffer.from(key.secret).toString('hex'))
  return new TextEncoder().encode(
    ['# Keys of flow receipts. The first signs, all verify. Secret.', ...lines, ''].join('\n'),
  )
}

function withoutComments(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/^#.*$/gm, '')
}
