// The bytes of an entry: the same on the wire, on the disk and in every replica. Big-endian, fixed layout:
//
//   0  version (1)         1  kind (0 noop, 1 command, 2 configuration)    2  flags    3  zero
//   4  term, 6 bytes      10  index, 6 bytes      16  timeMs, 6 bytes     22  zero, 2 bytes
//   24 the previous entry's hash, 32 bytes, if flag 1; then a signature, 64 bytes, if flag 2; then the payload.
//
// Damage is found by the log that keeps the bytes; decoding checks that they are an entry at all.

import type { Entry, EntryKind, LogIndex, Term } from './entry.ts'

const version = 1
const kinds: readonly EntryKind[] = ['noop', 'command', 'configuration']
const hasHash = 1
const hasSignature = 2

export const headerBytes = 24
export const hashBytes = 32
export const signatureBytes = 64
/** What an entry may need beside its payload. */
export const maxOverheadBytes = headerBytes + hashBytes + signatureBytes

export interface EntryFields {
  readonly index: LogIndex
  readonly term: Term
  readonly kind: EntryKind
  readonly timeMs: number
  readonly payload: Uint8Array
}

/** What chains entries and makes their author answerable. */
export interface EntrySeal {
  readonly previousHash?: Uint8Array | undefined
  readonly signature?: Uint8Array | undefined
}

/** Makes an entry; the payload is copied. */
export function encodeEntry(fields: EntryFields, seal: EntrySeal = {}): Entry {
  const at = payloadAt(seal.previousHash !== undefined, seal.signature !== undefined)
  return encodeEntryInto(new Uint8Array(at + fields.payload.length), fields, seal)
}

/**
 * Makes an entry of exactly these bytes, which are zero: entries that are made together may lie in one buffer, for
 * making buffers costs more than filling them.
 */
export function encodeEntryInto(bytes: Uint8Array, fields: EntryFields, seal: EntrySeal = {}): Entry {
  const { index, term, kind, timeMs } = fields
  const { previousHash, signature } = seal
  const at = payloadAt(previousHash !== undefined, signature !== undefined)
  bytes[0] = version
  bytes[1] = kinds.indexOf(kind)
  bytes[2] = (previousHash === undefined ? 0 : hasHash) | (signature === undefined ? 0 : hasSignature)
  putUint48(bytes, 4, term)
  putUint48(bytes, 10, index)
  putUint48(bytes, 16, timeMs)
  if (previousHash !== undefined) bytes.set(previousHash.subarray(0, hashBytes), headerBytes)
  if (signature !== undefined) bytes.set(signature.subarray(0, signatureBytes), at - signatureBytes)
  bytes.set(fields.payload, at)
  return { index, term, kind, timeMs, payload: bytes.subarray(at), bytes }
}

/** The entry that `bytes` are, sharing them; undefined if they are none. */
export function decodeEntry(bytes: Uint8Array): Entry | undefined {
  if (bytes.length < headerBytes || bytes[0] !== version || bytes[3] !== 0 || bytes[22] !== 0 || bytes[23] !== 0) {
    return undefined
  }
  const kind = kinds[bytes[1] ?? kinds.length]
  const flags = bytes[2] ?? 0
  if (kind === undefined || flags > (hasHash | hasSignature)) return undefined
  const at = payloadAt((flags & hasHash) !== 0, (flags & hasSignature) !== 0)
  const index = uint48(bytes, 10)
  if (bytes.length < at || index === 0) return undefined
  return { index, term: uint48(bytes, 4), kind, timeMs: uint48(bytes, 16), payload: bytes.subarray(at), bytes }
}

/** The hash and signature that an entry carries, as views into its bytes. */
export function sealOf(entry: Entry): EntrySeal {
  const flags = entry.bytes[2] ?? 0
  const end = entry.bytes.length - entry.payload.length
  return {
    previousHash: flags & hasHash ? entry.bytes.subarray(headerBytes, headerBytes + hashBytes) : undefined,
    signature: flags & hasSignature ? entry.bytes.subarray(end - signatureBytes, end) : undefined,
  }
}

function payloadAt(withHash: boolean, withSignature: boolean): number {
  return headerBytes + (withHash ? hashBytes : 0) + (withSignature ? signatureBytes : 0)
}

function putUint48(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000)
  const low = value % 0x1_0000_0000
  bytes[at] = high >>> 8
  bytes[at + 1] = high
  bytes[at + 2] = low >>> 24
  bytes[at + 3] = low >>> 16
  bytes[at + 4] = low >>> 8
  bytes[at + 5] = low
}

function uint48(bytes: Uint8Array, at: number): number {
  let value = 0
  for (let i = at; i < at + 6; i += 1) value = value * 256 + (bytes[i] ?? 0)
  return value
}
