// Opening a durable log: reads every record once and says what a crash, or a rotting disk, has left.
//
// The head record was written in the same transaction as the entries it counts. So what is missing or wrong at or
// below the head was once acknowledged and is rot; what lies beyond it never was, and is a tail to drop.

import { WriteBatch } from './batch.ts'
import { ChecksumList } from './checksum-list.ts'
import { LogError } from './log-error.ts'
import { chain, decodeHead, emptyHead, type LogHead, type LogKeys, maxIndex, RecordReader } from './log-records.ts'
import { RecordList } from './record-list.ts'
import { scanAll, type TransactionalStore } from './store.ts'

/** What opening a log found. */
export type LogRecovery =
  /** Every entry up to the head is there and right. */
  | { readonly kind: 'ok' }
  /** The same, and entries beyond the head, never acknowledged, were dropped. */
  | { readonly kind: 'tail-dropped'; readonly entries: number }
  /** Acknowledged entries are missing or damaged: the first 64 of them. Nothing was dropped or repaired. */
  | { readonly kind: 'rot'; readonly indexes: readonly number[] }

export interface RecoveredLog {
  readonly head: LogHead
  /** The head's bytes in the store; undefined for a log never written. */
  readonly record: Uint8Array | undefined
  readonly checksums: ChecksumList
  readonly records: RecordList
  readonly recovery: LogRecovery
}

const maxReportedRot = 64

/**
 * Reads the log, removes what a cut compaction left below it and the tail beyond it.
 * @throws LogError ERR_LOG_ROT if the head itself is damaged, or is missing though there are entries; ERR_LOG_FORMAT if
 *   another version of the package has written the log.
 */
export async function recoverLog(store: TransactionalStore, keys: LogKeys, name: string): Promise<RecoveredLog> {
  const record = await store.get(keys.head)
  const head = record === undefined ? emptyHead : decodeHead(record)
  if (head === undefined) throw new LogError('ERR_LOG_ROT', `log ${name}: its head record is damaged`)
  if (typeof head === 'number') {
    throw new LogError('ERR_LOG_FORMAT', `log ${name}: it has format ${head}, which this version does not read`)
  }
  const census = new Census(head)
  for await (const { key, value } of scanAll(store, { from: keys.entry(0), to: keys.entry(maxIndex) })) {
    census.take(keys.indexOf(key), value)
  }
  census.end()
  const { below, beyond, rotten, checksums, records } = census
  if (record === undefined && beyond > 0) {
    throw new LogError('ERR_LOG_ROT', `log ${name}: its head record is missing, but ${beyond} entries are there`)
  }
  if (rotten.length > 0) return { head, record, checksums, records, recovery: { kind: 'rot', indexes: rotten } }
  if (below > 0 || beyond > 0) {
    const batch = new WriteBatch()
    if (below > 0) batch.deleteRange(keys.entry(0), keys.entry(records.startOf(head.firstIndex)))
    if (beyond > 0) batch.deleteRange(keys.entry(head.lastIndex + 1), keys.entry(maxIndex))
    await store.write(batch)
  }
  const recovery: LogRecovery = beyond > 0 ? { kind: 'tail-dropped', entries: beyond } : { kind: 'ok' }
  return { head, record, checksums, records, recovery }
}

/** What stands in the log's records, as they come by. */
class Census {
  /** Records that a cut compaction left below the first index. */
  below = 0
  /** Entries beyond the head. */
  beyond = 0
  rotten: number[] = []
  readonly checksums: ChecksumList
  readonly records = new RecordList()
  readonly #head: LogHead
  #expected: number
  /** Where the last record with an entry that counts begins. */
  #last = 0
  #isCutOff = false

  constructor(head: LogHead) {
    this.#head = head
    this.#expected = head.firstIndex
    this.checksums = new ChecksumList(head.firstIndex - 1, head.baseChecksum)
  }

  take(start: number, record: Uint8Array): void {
    const { firstIndex, lastIndex } = this.#head
    const reader = new RecordReader(record)
    if (start > lastIndex) {
      while (reader.next()) this.beyond += 1
      if (reader.isCutOff) this.beyond += 1
      return
    }
    const from = Math.max(start, firstIndex)
    this.#gap(from, reader.before)
    // What a truncation has cut off from the record before counts no more.
    if (from < this.#expected) this.#rewind(from)
    if (start >= firstIndex && reader.before !== this.checksums.at(start - 1)) {
      if (leadsOn(record, start)) this.#doubt(start - 1, reader.before)
      else this.#mark(start)
    }
    let index = start
    for (; reader.next(); index += 1) if (index >= from && index <= lastIndex) this.#entry(index, reader)
    if (index <= firstIndex && start < firstIndex) this.below += 1
    else {
      this.records.push(start)
      this.#last = start
      this.#isCutOff = reader.isCutOff
    }
  }

  end(): void {
    const { firstIndex, lastIndex, lastChecksum } = this.#head
    this.#gap(lastIndex + 1, lastChecksum)
    if (lastIndex < firstIndex || this.checksums.at(lastIndex) === lastChecksum) return
    this.#doubt(lastIndex, lastChecksum)
  }

  #entry(index: number, { checksum, payload }: RecordReader): void {
    if (checksum !== chain(this.checksums.at(index - 1), index, payload)) this.#mark(index)
    this.checksums.push(checksum)
    this.#expected = index + 1
  }

  /** A record is not there, unless what is missing was cut off from the last one. It may have cut that one, too. */
  #gap(end: number, lastChecksum: number | undefined): void {
    if (this.#expected >= end) return
    if (!this.#isCutOff) this.#rewind(Math.min(this.#expected, this.#firstCut))
    this.#missing(end, lastChecksum)
  }

  /** The first entry of the last record that a truncation can have cut off: with the first of all, the record goes. */
  get #firstCut(): number {
    return Math.max(this.#last + 1, this.#head.firstIndex)
  }

  /** The entries up to `end` are not there; what comes after says what the last one's checksum was. */
  #missing(end: number, lastChecksum = 0): void {
    for (; this.#expected < end; this.#expected += 1) {
      this.#mark(this.#expected)
      this.checksums.push(this.#expected === end - 1 ? lastChecksum : 0)
    }
  }

  #rewind(index: number): void {
    this.checksums.truncate(index)
    this.rotten = this.rotten.filter((other) => other < index)
    this.#expected = index
  }

  /**
   * What is there does not lead on to what comes after. Either its last entry is damaged, as has been seen, or a record
   * that cut it is lost, and nobody can say which of its entries that one replaced.
   */
  #doubt(last: number, checksum: number | undefined): void {
    this.#rewind(this.rotten.at(-1) === last ? last : Math.min(last, this.#firstCut))
    this.#missing(last + 1, checksum)
  }

  #mark(index: number): void {
    if (this.rotten.length < maxReportedRot && this.rotten.at(-1) !== index) this.rotten.push(index)
  }
}

/** The record's first entry is right behind one of the checksum that the record names. */
function leadsOn(record: Uint8Array, start: number): boolean {
  const reader = new RecordReader(record)
  const { before } = reader
  return before !== undefined && reader.next() && reader.checksum === chain(before, start, reader.payload)
}
