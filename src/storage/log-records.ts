// The durable log on disk: its keys, and the bytes of its two kinds of record. Pure.
//
// Keys: 0x02, the log's name, 0x00, then 0x00 for the head, or 0x01 and the index (u64, big-endian) for an entry.
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
  readonly #entries: Uint8Array

  constructor(name: string) {
    const prefix = namespacePrefix(0x02, name)
    this.head = Uint8Array.of(...prefix, 0)
    this.#entries = Uint8Array.of(...prefix, 1)
  }

  entry(index: number): Uint8Array {
    const key = new Uint8Array(this.#entries.length + 8)
    key.set(this.#entries)
    const view = new DataView(key.buffer)
    view.setUint32(this.#entries.length, Math.floor(index / 2 ** 32))
    view.setUint32(this.#entries.length + 4, index >>> 0)
    return key
  }

  /** The index in an entry's key. */
  indexOf(key: Uint8Array): number {
    const view = new DataView(key.buffer, key.byteOffset + this.#entries.length)
    return view.getUint32(0) * 2 ** 32 + view.getUint32(4)
  }
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
  checksumView.setUint32(0, checksum, true)
  batch.put(key, payload, checksumBytes)
}

const checksumView = new DataView(new ArrayBuffer(4))
const checksumBytes = new Uint8Array(checksumView.buffer)

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
