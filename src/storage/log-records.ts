// The durable log on disk: its keys, and the bytes of its two kinds of record. Pure.
//
// Keys: of the head 0x02, the log's name, 0x00; of a record of entries 0x03, the log's name, 0x00, the index of its first
// entry (u64, big-endian). So the heads of all logs of a store lie side by side: a commit that many logs share writes few
// pages of them.
// Record: u32 checksum before its first entry, then for each entry u32 length, u32 checksum, payload. The checksum is
// CRC-32C of the checksum before it (u32), the index (u64) and the payload: an entry is only right in its place, after its
// predecessor. What one change appends goes into few records: a key and a place in the tree for each entry cost more than
// the entry. A truncation may cut through a record: it stays, and what lies beyond the cut counts no more, because the head
// ends before it or a later record begins there.
// Head: u8 version 2, u64 first index, u64 last index, u32 base checksum, u32 last checksum, u32 length of the
// metadata, metadata, u32 CRC-32C of all before it. Integers little-endian.

import type { WriteBatch } from './batch.ts'
import { crc32c } from './crc32c.ts'
import { namespacePrefix } from './key-value-store.ts'
import { compareBytes } from './keys.ts'

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

/** The keys of one log. A record's key is that of its first entry. */
export class LogKeys {
  readonly head: Uint8Array
  /** A record's key: all but the last eight bytes are the same for every record. */
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

  /** The key, among the stored ones in order, of the record that holds the entry at `index`; its own if there is none. */
  recordOf(index: number, stored: Iterable<Uint8Array>): Uint8Array {
    const [first, own] = [this.entry(0), this.entry(index)]
    let found = own
    for (const key of stored) if (compareBytes(key, first) >= 0 && compareBytes(key, own) <= 0) found = key
    return found
  }

  /** The index of the first entry, in a record's key. */
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

const recordHeadBytes = 4
const entryHeadBytes = 8
/** Records of up to this size lie three to a page of LMDB's; above half a page, each has pages of its own. */
const smallRecordBytes = 1300
/** Up to this many small ones are better than one that leaves most of its last page empty. */
const smallRecords = 4
/** 16 pages, with LMDB's own header. What is damaged of a record may be all of it. */
const largeRecordBytes = 65_536 - 64

/** How many of the entries from place `from` on the next record takes, and the bytes that these need. */
export function nextRecord(
  entries: readonly Uint8Array[],
  from: number,
  limit: number,
): { readonly count: number; readonly bytes: number } {
  let bytes = recordHeadBytes
  let at = from
  for (; at < entries.length; at += 1) {
    const size = entryHeadBytes + (entries[at]?.length ?? 0)
    if (at > from && bytes + size > limit) break
    bytes += size
  }
  return { count: at - from, bytes }
}

/** The size at which the records for these entries are cut. */
export function recordLimit(entries: readonly Uint8Array[]): number {
  let bytes = recordHeadBytes
  for (const entry of entries) bytes += entryHeadBytes + entry.length
  return bytes <= smallRecords * smallRecordBytes ? smallRecordBytes : largeRecordBytes
}

/** Adds a record of `bytes` bytes to a batch, with the first `count` entries from place `from` on. */
export function putRecord(
  batch: WriteBatch,
  key: Uint8Array,
  record: {
    readonly entries: readonly Uint8Array[]
    readonly from: number
    readonly count: number
    readonly bytes: number
  },
  checksumAt: (place: number) => number,
): void {
  const { entries, from, count } = record
  batch.putFilled(key, record.bytes, (bytes, start) => {
    putWord(bytes, start, checksumAt(-1))
    let at = start + recordHeadBytes
    for (let place = 0; place < count; place += 1) {
      const entry = entries[from + place] ?? new Uint8Array()
      putWord(bytes, at, entry.length)
      putWord(bytes, at + 4, checksumAt(place))
      bytes.set(entry, at + entryHeadBytes)
      at += entryHeadBytes + entry.length
    }
  })
}

function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word
  bytes[at + 1] = word >>> 8
  bytes[at + 2] = word >>> 16
  bytes[at + 3] = word >>> 24
}

/** Steps over the entries of a record, unchecked, as far as it can be one. */
export class RecordReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = recordHeadBytes
  checksum = 0
  payload: Uint8Array = new Uint8Array()

  constructor(record: Uint8Array) {
    this.#bytes = record
    this.#view = new DataView(record.buffer, record.byteOffset, record.byteLength)
  }

  /** The checksum of the entry before the first one; undefined if the record is too short to be one. */
  get before(): number | undefined {
    return this.#bytes.length < recordHeadBytes ? undefined : this.#view.getUint32(0, true)
  }

  /** Goes to the next entry. False if there is none, or not all of it. */
  next(): boolean {
    const start = this.#at + entryHeadBytes
    if (start > this.#bytes.length) return false
    const end = start + this.#view.getUint32(this.#at, true)
    if (end > this.#bytes.length) return false
    this.checksum = this.#view.getUint32(this.#at + 4, true)
    this.payload = this.#bytes.subarray(start, end)
    this.#at = end
    return true
  }

  /** Something stands behind the last entry: an entry cut off. */
  get isCutOff(): boolean {
    return this.#at !== this.#bytes.length
  }
}

const fixedHeadBytes = 29
const version = 2

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

/** The head, undefined if the record is not one that was written, or the version of another format. */
export function decodeHead(record: Uint8Array): LogHead | number | undefined {
  const end = record.length - 4
  if (end < fixedHeadBytes) return undefined
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
  if (view.getUint32(end, true) !== crc32c(record.subarray(0, end))) return undefined
  if (record[0] !== version) return record[0]
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
