// The durable log: opaque entries under consecutive indexes, with a little metadata written beside them. Many logs
// share one store, and with it each flush.
//
// Invariants: a change and the head record that counts it are one transaction; a promise resolves once its change is
// durable; changes of one log take effect in order, each only on top of the one before it (the head is compared when
// its turn comes), so that after a failed change none of its successors is written, and of two handles of one log
// the staler one cannot write. No terms, votes or commands: the entries are the caller's bytes.

import { OptionError } from '../kernel/errors.ts'
import { WriteBatch } from './batch.ts'
import { ChecksumList } from './checksum-list.ts'
import { StorageError } from './errors.ts'
import { positive } from './keys.ts'
import { LogError } from './log-error.ts'
import {
  chain,
  encodeHead,
  type LogHead,
  LogKeys,
  maxIndex,
  nextRecord,
  putRecord,
  RecordReader,
  recordLimit,
} from './log-records.ts'
import { type LogRecovery, type RecoveredLog, recoverLog } from './log-recovery.ts'
import { RecordList } from './record-list.ts'
import type { StoredEntry, TransactionalStore } from './store.ts'

export interface LogOptions {
  /** 1 to 64 of `a-z A-Z 0-9 . _ / -`; unique in the store. */
  readonly name: string
  /** Largest entry. Default 1 MiB. */
  readonly maxEntryBytes?: number
  /** Largest metadata; it is written with every change. Default 4096. */
  readonly maxMetadataBytes?: number
}

/** Parts of one transaction, in this order. */
export interface LogChange {
  /** Removes the entries from this index on: first index to last index + 1. */
  readonly truncateFrom?: number
  /** Appends these. */
  readonly entries?: readonly Uint8Array[]
  /** Replaces the metadata. */
  readonly metadata?: Uint8Array
}

/** A place in the log: two logs with the same checksum at the same index hold the same entries up to there. */
export interface LogPosition {
  readonly index: number
  readonly checksum: number
}

export interface ReadBounds {
  /** Most entries. Default 1000. */
  readonly maxEntries?: number
  /** Most bytes of payload, beyond one entry. Default 1 MiB. */
  readonly maxBytes?: number
}

const noBytes = new Uint8Array()

/** Entries removed by one transaction of a compaction, so that appends need not wait for all of it. */
const compactionSlice = 4096

/**
 * After these the failed change and its successors are surely not there: the log reads itself anew and goes on. After
 * any other, another handle has written the log, or nobody knows what reached the disk.
 */
const passing: ReadonlySet<string> = new Set([
  'ERR_STORAGE_FULL',
  'ERR_STORAGE_MAP_FULL',
  'ERR_STORAGE_READ_ONLY',
  'ERR_STORAGE_OVERLOADED',
])

/**
 * Opens a log, which is empty if the store holds none of that name, and checks every entry. The store stays the
 * caller's. Look at `recovery`: a log that reports rot still opens, reads what is sound and takes changes.
 * @throws OptionError for a wrong option; LogError ERR_LOG_ROT if the head record is lost, so that nobody can say
 *   what was acknowledged; StorageError as the store does.
 */
export async function openLog(store: TransactionalStore, options: LogOptions): Promise<DurableLog> {
  const keys = new LogKeys(options.name)
  const limits = {
    entryBytes: positive('maxEntryBytes', options.maxEntryBytes ?? 1024 * 1024),
    metadataBytes: positive('maxMetadataBytes', options.maxMetadataBytes ?? 4096),
  }
  return new DurableLog(store, keys, options.name, limits, await recoverLog(store, keys, options.name))
}

interface Limits {
  readonly entryBytes: number
  readonly metadataBytes: number
}

/**
 * A log of opaque entries under consecutive indexes from 1, with metadata written beside them: made by {@link openLog}.
 * Reading shows changes at once; the promise of a change resolves when it will survive a power cut.
 */
export class DurableLog {
  readonly name: string
  /** What opening the log found. */
  readonly recovery: LogRecovery
  readonly #store: TransactionalStore
  readonly #keys: LogKeys
  readonly #limits: Limits
  // As of the last change handed to the store, durable yet or not.
  #head: LogHead
  #record: Uint8Array | undefined
  #checksums: ChecksumList
  #records: RecordList
  #durable: LogPosition
  /** Grows whenever entries are taken away: a read that began before must begin again. */
  #generation = 0
  readonly #underWay = new Set<Promise<void>>()
  #readingAnew: Promise<void> | undefined
  /** Why no change is taken at present. */
  #failure: unknown
  /** Removals of entries below the first index, one compaction after the other. */
  #sweeping: Promise<void> = Promise.resolve()

  /** @internal Use {@link openLog}. */
  constructor(store: TransactionalStore, keys: LogKeys, name: string, limits: Limits, recovered: RecoveredLog) {
    this.name = name
    this.recovery = recovered.recovery
    this.#store = store
    this.#keys = keys
    this.#limits = limits
    this.#head = recovered.head
    this.#record = recovered.record
    this.#checksums = recovered.checksums
    this.#records = recovered.records
    this.#durable = lastOf(recovered.head)
  }

  /** Index of the first entry kept; `last.index + 1` if there is none. */
  get firstIndex(): number {
    return this.#head.firstIndex
  }

  /** The last entry, durable yet or not. For an empty log what it starts from: at first index 0. */
  get last(): LogPosition {
    return lastOf(this.#head)
  }

  /** The last entry as of the last durable change. While a truncation is under way it may lie beyond {@link last}. */
  get durable(): LogPosition {
    return this.#durable
  }

  /** A change has failed: those behind it fail too, until the log has been read anew. */
  get isFailing(): boolean {
    return this.#failure !== undefined
  }

  /** The metadata of the last change, durable yet or not; empty at first. */
  get metadata(): Uint8Array {
    return this.#head.metadata
  }

  /** The checksum at an index from `firstIndex - 1` to `last.index`, or undefined. */
  checksumAt(index: number): number | undefined {
    return index < this.#head.firstIndex - 1 || index > this.#head.lastIndex ? undefined : this.#checksums.at(index)
  }

  /** Appends entries; see {@link change}. */
  append(entries: readonly Uint8Array[]): Promise<LogPosition> {
    return this.change({ entries })
  }

  /**
   * Truncates, appends and replaces the metadata as one step. {@link last} shows the change at once.
   * @returns once it is durable, the last entry as of this change.
   * @throws OptionError, with nothing changed, for a wrong index or too large an entry; StorageError as the store's
   *   `write` does. Then the changes behind this one fail with the same error. If the outcome is certain and no other
   *   handle has written the log, it goes on from its last durable state once they have all failed; else it takes no
   *   change until it is opened anew.
   */
  async change(change: LogChange): Promise<LogPosition> {
    if (this.#failure !== undefined) await this.#failBehind()
    const { entries = [], metadata = this.#head.metadata, truncateFrom } = change
    this.#checkSizes(entries, metadata)
    const batch = this.#newBatch(entries, metadata)
    let { lastIndex } = this.#head
    if (truncateFrom !== undefined) {
      checkIndex('truncateFrom', truncateFrom, this.#head.firstIndex, lastIndex + 1)
      if (truncateFrom <= lastIndex) batch.deleteRange(this.#keys.entry(truncateFrom), this.#keys.entry(lastIndex + 1))
      this.#checksums.truncate(truncateFrom)
      this.#records.truncate(truncateFrom)
      this.#generation += 1
      lastIndex = truncateFrom - 1
    }
    this.#putEntries(batch, entries, lastIndex)
    lastIndex += entries.length
    const lastChecksum = this.#checksums.at(lastIndex)
    return this.#commit(batch, { ...this.#head, lastIndex, lastChecksum, metadata: metadata.slice() })
  }

  /**
   * Forgets the entries up to and including `through`, which a snapshot now stands for, and replaces the metadata if
   * given. Resolves once the entries are removed too, which happens in slices, so that appends need not wait; if that
   * is cut short, opening the log goes on with it.
   * @throws as {@link change}.
   */
  async compact(through: number, metadata: Uint8Array = this.#head.metadata): Promise<void> {
    if (this.#failure !== undefined) await this.#failBehind()
    this.#checkSizes([], metadata)
    const { firstIndex, lastIndex } = this.#head
    checkIndex('through', through, firstIndex - 1, lastIndex)
    const baseChecksum = this.#checksums.at(through)
    const oldest = this.#records.startOf(firstIndex)
    // The record that holds the next entry too stays whole.
    const swept = through < lastIndex ? this.#records.startOf(through + 1) : through + 1
    this.#checksums.rebase(through)
    this.#records.rebase(swept)
    this.#generation += 1
    const head = { ...this.#head, firstIndex: through + 1, baseChecksum, metadata: metadata.slice() }
    await this.#commit(this.#newBatch([], metadata), head)
    this.#sweeping = this.#sweeping.catch(() => {}).then(() => this.#sweep(oldest, swept))
    await this.#sweeping
  }

  /**
   * Empties the log and lets it start behind `base`: a snapshot from elsewhere takes the place of all entries.
   * @throws as {@link change}.
   */
  async reset(base: LogPosition, metadata: Uint8Array = this.#head.metadata): Promise<void> {
    checkIndex('base.index', base.index, 0, maxIndex - 1)
    checkIndex('base.checksum', base.checksum, 0, 0xffff_ffff)
    await this.#sweeping.catch(() => {})
    this.#checkUsable()
    this.#checkSizes([], metadata)
    const batch = this.#newBatch([], metadata)
    batch.deleteRange(this.#keys.entry(0), this.#keys.entry(maxIndex))
    this.#checksums = new ChecksumList(base.index, base.checksum)
    this.#records = new RecordList()
    this.#generation += 1
    await this.#commit(batch, {
      firstIndex: base.index + 1,
      lastIndex: base.index,
      baseChecksum: base.checksum,
      lastChecksum: base.checksum,
      metadata: metadata.slice(),
    })
  }

  /**
   * The entries from an index on, up to the bounds or the end of the log; each is checked.
   * @throws LogError ERR_LOG_COMPACTED below `firstIndex`, ERR_LOG_ROT if the first of them is missing or damaged (a
   *   later one ends the answer before it).
   */
  async read(from: number, bounds: ReadBounds = {}): Promise<Uint8Array[]> {
    const { maxEntries = 1000, maxBytes = 1024 * 1024 } = bounds
    checkIndex('from', from, 0, maxIndex - 1)
    positive('maxEntries', maxEntries)
    const end = Math.min(this.#head.lastIndex + 1, from + maxEntries)
    if (from < this.#head.firstIndex) {
      throw new LogError('ERR_LOG_COMPACTED', `log ${this.name}: entry ${from} is compacted away`, from)
    }
    if (from >= end) return []
    const checksums = Array.from({ length: end - from + 1 }, (_, i) => this.#checksums.at(from - 1 + i))
    const range = {
      from: this.#keys.entry(this.#records.startOf(from)),
      to: this.#keys.entry(end),
      maxEntries,
      maxBytes,
    }
    const generation = this.#generation
    const { entries } = await this.#store.scan(range)
    const payloads = this.#check(entries, from, checksums, maxBytes)
    if (payloads.length > 0) return payloads
    this.#checkUsable()
    if (generation !== this.#generation) return this.read(from, bounds)
    throw new LogError('ERR_LOG_ROT', `log ${this.name}: entry ${from} is missing or damaged`, from)
  }

  /** Writes entries behind `last`, in as few records as their sizes allow. */
  #putEntries(batch: WriteBatch, entries: readonly Uint8Array[], last: number): void {
    const limit = recordLimit(entries)
    for (let from = 0; from < entries.length; ) {
      const { count, bytes } = nextRecord(entries, from, limit)
      const first = last + from + 1
      for (let index = first; index < first + count; index += 1) {
        this.#checksums.push(chain(this.#checksums.at(index - 1), index, entries[index - last - 1] ?? noBytes))
      }
      const record = { entries, from, count, bytes }
      putRecord(batch, this.#keys.passing(first), record, (place) => this.#checksums.at(first + place))
      this.#records.push(first)
      from += count
    }
  }

  /** The payloads that stand in the records read, from `from` on, as far as they are right and the bounds allow. */
  #check(records: readonly StoredEntry[], from: number, checksums: readonly number[], maxBytes: number): Uint8Array[] {
    const payloads: Uint8Array[] = []
    let bytes = 0
    for (const [place, { key, value }] of records.entries()) {
      const next = records[place + 1]
      const end = next === undefined ? from + checksums.length - 1 : this.#keys.indexOf(next.key)
      const reader = new RecordReader(value)
      const start = this.#keys.indexOf(key)
      if (start >= from && reader.before !== checksums[start - from]) return payloads
      for (let index = start; index < end && reader.next(); index += 1) {
        if (index < from) continue
        const [before = 0, own] = [checksums[index - from], checksums[index - from + 1]]
        const { checksum, payload } = reader
        bytes += payload.length
        if (index !== from + payloads.length || (payloads.length > 0 && bytes > maxBytes)) return payloads
        if (checksum !== own || chain(before, index, payload) !== own) return payloads
        payloads.push(payload)
      }
    }
    return payloads
  }

  /** Hands a change to the store, on condition that the head is still what this handle has made it. */
  async #commit(batch: WriteBatch, head: LogHead): Promise<LogPosition> {
    const record = encodeHead(head)
    batch.put(this.#keys.head, record)
    this.#head = head
    this.#record = record
    const written = this.#store.write(batch)
    this.#underWay.add(written)
    try {
      await written
      this.#durable = lastOf(head)
      return this.#durable
    } catch (error) {
      this.#failure ??= error
      const failure = this.#failure
      this.#readingAnew ??= this.#readAnew(failure)
      await this.#readingAnew
      throw failure
    } finally {
      this.#underWay.delete(written)
    }
  }

  /** Waits until the changes behind a failed one have failed too, and takes up what is durable, if that is certain. */
  async #readAnew(failure: unknown): Promise<void> {
    await Promise.allSettled(this.#underWay)
    if (!(failure instanceof StorageError) || !passing.has(failure.code)) return
    try {
      const { head, record, checksums, records } = await recoverLog(this.#store, this.#keys, this.name)
      this.#head = head
      this.#record = record
      this.#checksums = checksums
      this.#records = records
      this.#generation += 1
      this.#durable = lastOf(head)
      this.#failure = undefined
      this.#readingAnew = undefined
    } catch (error) {
      this.#failure = error
      // What recovery has to write did not fit either: the next change tries again.
      if (error instanceof StorageError && passing.has(error.code)) this.#readingAnew = undefined
    }
  }

  async #sweep(from: number, to: number): Promise<void> {
    for (let at = from; at < to; at += compactionSlice) {
      const end = Math.min(at + compactionSlice, to)
      await this.#store.write(new WriteBatch().deleteRange(this.#keys.entry(at), this.#keys.entry(end)))
    }
  }

  #newBatch(entries: readonly Uint8Array[], metadata: Uint8Array): WriteBatch {
    const size = entries.reduce((sum, entry) => sum + entry.length + 96, 512 + 2 * metadata.length)
    return new WriteBatch(size).expect(this.#keys.head, this.#record)
  }

  /** A change that comes while the log is read anew fails behind those before it, not ahead of them. */
  async #failBehind(): Promise<never> {
    const failure = this.#failure
    this.#readingAnew ??= this.#readAnew(failure)
    await this.#readingAnew
    throw failure
  }

  #checkUsable(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  #checkSizes(entries: readonly Uint8Array[], metadata: Uint8Array): void {
    const tooLarge = entries.find((entry) => entry.length > this.#limits.entryBytes)
    if (tooLarge !== undefined) {
      throw new OptionError('entries', `${tooLarge.length} bytes`, `at most maxEntryBytes (${this.#limits.entryBytes})`)
    }
    if (metadata.length > this.#limits.metadataBytes) {
      const allowed = `at most maxMetadataBytes (${this.#limits.metadataBytes})`
      throw new OptionError('metadata', `${metadata.length} bytes`, allowed)
    }
  }
}

function lastOf(head: LogHead): LogPosition {
  return { index: head.lastIndex, checksum: head.lastChecksum }
}

function checkIndex(field: string, value: number, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new OptionError(field, value, `an integer from ${least} to ${most}`)
  }
}
