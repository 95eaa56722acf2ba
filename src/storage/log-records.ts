// The durable log on disk: its keys, and the bytes of its two kinds of record. Pure.
//
// Keys: of the head 0x02, the log's name, 0x00; of an entry 0x03, the log's name, 0x00, the index (u64, big-endian). So
// the heads of all logs of a store lie side by side: a commit that many logs share writes few pages of them.
// Entry: u32 checksum, payload. The checksum is CRC-32C of the checksum before it (u32), the index (u64) and the
// payload: an entry is only right in its place, after its predecessor.
// Head: u8 version 1, u64 first index, u64 last index, u32 base checksum, u32 last checksum, u32 length of the
// metadata, metadata, u32 CRC-32C of all before it. Integers little-endian.

import type { WriteBatch } from './batch.ts'
import { crc32c } from './crc32c.ts'
import { namespacePrefix } from './key-value-store.ts'

/** What the head record says. */
export interface LogHead {
  /** Index of the first entry kept; lastIndex + 1 if there is none. */
  readonly firstIndex: number
  /** Index of the last entry; firstIndex - 1 if there is none. */
  readonly lastIndex: number
  /** Checksum of the entry before the first one kept: what the chain starts from. */
  readonly baseChecksum: number
  /** Checksum of the last entry, or the base checksum if there is none. It names the log's whole contents. */
  readonly lastChecksum: number
  /** The caller's own: a term and a vote, say. */
  readonly metadata: Uint8Array
}

export const emptyHead: LogHead = {
  firstIndex: 1,
  lastIndex: 0,
  baseChecksum: 0,
  lastChecksum: 0,
  metadata: new Uint8Array(),
}

/** The keys of one log. */
export class LogKeys {
  readonly head: Uint8Array
  /** An entry's key: all but the last eight bytes are the same for every entry. */
  readonly #entry: Uint8Array

  constructor(name: string) {
    this.head = namespacePrefix(0x02, name)
    this.#entry = Uint8Array.of(...namespacePrefix(0x03, name), ...new Uint8Array(8))
  }

  entry(index: number): Uint8Array {
    return this.passing(index).slice()
  }

  /** The same in bytes that the next call overwrites: for who copies them at once. */
  passing(index: number): Uint8Array {
    const key = this.#entry
    const end = key.length
    const high = Math.floor(index / 2 ** 32)
    key[end - 8] = high >>> 24
    key[end - 7] = high >>> 16
    key[end - 6] = high >>> 8
    key[end - 5] = high
    key[end - 4] = index >>> 24
    key[end - 3] = index >>> 16
    key[end - 2] = index >>> 8
    key[end - 1] = index
    return key
  }

  /** The index in an entry's key. */
  indexOf(key: Uint8Array): number {
    const at = this.#entry.length - 8
    return uint32(key, at) * 2 ** 32 + uint32(key, at + 4)
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  return ((high << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
}

/** The greatest index: beyond every entry, as the end of a range. */
export const maxIndex = Number.MAX_SAFE_INTEGER

const chainLink = new DataView(new ArrayBuffer(12))
const chainLinkBytes = new Uint8Array(chainLink.buffer)

/** The checksum of an entry, from that of the entry before it. */
export function chain(before: number, index: number, payload: Uint8Array): number {
  chainLink.setUint32(0, before, true)
  setIndex(chainLink, 4, index)
  return crc32c(payload, crc32c(chainLinkBytes))
}

/** Adds an entry's record to a batch, without a copy of its own. */
export function putEntry(batch: WriteBatch, key: Uint8Array, checksum: number, payload: Uint8Array): void {
  checksumBytes[0] = checksum
  checksumBytes[1] = checksum >>> 8
  checksumBytes[2] = checksum >>> 16
  checksumBytes[3] = checksum >>> 24
  batch.put(key, payload, checksumBytes)
}

const checksumBytes = new Uint8Array(4)

/** The parts of an entry's record, unchecked; undefined if it is too short to be one. */
export function decodeEntry(
  record: Uint8Array,
): { readonly checksum: number; readonly payload: Uint8Array } | undefined {
  if (record.length < 4) return undefined
  const checksum = new DataView(record.buffer, record.byteOffset).getUint32(0, true)
  return { checksum, payload: record.subarray(4) }
}

const fixedHeadBytes = 29
const version = 1

export function encodeHead(head: LogHead): Uint8Array {
  const end = fixedHeadBytes + head.metadata.length
  const record = new Uint8Array(end + 4)
  const view = new DataView(record.buffer)
  record[0] = version
  setIndex(view, 1, head.firstIndex)
  setIndex(view, 9, head.lastIndex)
  view.setUint32(17, head.baseChecksum, true)
  view.setUint32(21, head.lastChecksum, true)
  view.setUint32(25, head.metadata.length, true)
  record.set(head.metadata, fixedHeadBytes)
  view.setUint32(end, crc32c(record.subarray(0, end)), true)
  return record
}

/** The head, or undefined if the record is not one that was written. */
export function decodeHead(record: Uint8Array): LogHead | undefined {
  const end = record.length - 4
  if (end < fixedHeadBytes || record[0] !== version) return undefined
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
  if (view.getUint32(end, true) !== crc32c(record.subarray(0, end))) return undefined
  if (view.getUint32(25, true) !== end - fixedHeadBytes) return undefined
  return {
    firstIndex: getIndex(view, 1),
    lastIndex: getIndex(view, 9),
    baseChecksum: view.getUint32(17, true),
    lastChecksum: view.getUint32(21, true),
    metadata: record.slice(fixedHeadBytes, end),
  }
}

function setIndex(view: DataView, at: number, index: number): void {
  view.setUint32(at, index >>> 0, true)
  view.setUint32(at + 4, Math.floor(index / 2 ** 32), true)
}

function getIndex(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32
}
