// The transactional port: the least that a log and a key-value store need from a disk. LMDB and the simulated disk
// stand behind it, and one contract suite holds for both. Checksums, codecs and recovery stand above it.
//
// Invariants: a batch is atomic; batches of one handle take effect in the order of their `write` calls; a promise
// resolves when its batch would survive a power cut, never earlier. No types of LMDB may enter.

import type { WriteBatch } from './batch.ts'
import { checkKey, positive, successor } from './keys.ts'

/** An ordered map from byte strings to byte strings. Keys are ordered as `memcmp` does, and never empty. */
export interface TransactionalStore {
  /**
   * Applies the batch as one step and resolves once it is durable. Consumes the batch. Batches that wait together
   * share one flush (group commit) but fail alone.
   * @throws StorageError (as a rejection); its `outcome` says whether the batch may be there all the same.
   */
  write(batch: WriteBatch): Promise<void>
  /** The key's value, or undefined. Sees every batch written before on this handle, and nothing that is not durable. */
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** A bounded page of the entries in a range, in order; sees what {@link get} would see. */
  scan(range: ScanRange): Promise<ScanPage>
  /** Waits for the batches written before, then releases the store. Idempotent. */
  close(): Promise<void>
}

export interface ScanRange {
  /** Inclusive. */
  readonly from: Uint8Array
  /** Exclusive. */
  readonly to: Uint8Array
  /** Greatest key first. Default false. */
  readonly reverse?: boolean
  /** Most entries in one page. Default 1000. */
  readonly maxEntries?: number
  /** Most bytes of keys and values in one page; a page always has room for one entry. Default 1 MiB. */
  readonly maxBytes?: number
}

export interface ScanPage {
  readonly entries: readonly StoredEntry[]
  /** What of the range is yet to be read; undefined if the page reaches its end. */
  readonly rest: ScanRange | undefined
}

export interface StoredEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Bounds of the batches a handle may have on their way. Beyond them `write` rejects with ERR_STORAGE_OVERLOADED. */
export interface QueueLimits {
  /** Bytes of all batches not yet settled. Default 64 MiB. A batch larger than this is a wrong option. */
  readonly maxQueuedBytes?: number
  /** Batches not yet settled. Default 65 536. */
  readonly maxQueuedBatches?: number
}

/** Every entry of a range, page by page. What is written meanwhile may or may not be seen. */
export async function* scanAll(store: TransactionalStore, range: ScanRange): AsyncGenerator<StoredEntry, void, void> {
  let rest: ScanRange | undefined = range
  while (rest !== undefined) {
    const page: ScanPage = await store.scan(rest)
    yield* page.entries
    rest = page.rest
  }
}

/** The range that is left of `range` after an entry with key `last` was its last one read. */
export function restOf(range: ScanRange, last: Uint8Array): ScanRange {
  return range.reverse === true ? { ...range, to: last } : { ...range, from: successor(last) }
}

/** @throws OptionError for a range no store can read. */
export function checkScan(range: ScanRange): void {
  checkKey('from', range.from)
  checkKey('to', range.to)
  if (range.maxEntries !== undefined) positive('maxEntries', range.maxEntries)
  if (range.maxBytes !== undefined) positive('maxBytes', range.maxBytes)
}
