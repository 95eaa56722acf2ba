// Opening a durable log: reads every record once and says what a crash, or a rotting disk, has left.
//
// The head record was written in the same transaction as the entries it counts. So what is missing or wrong at or
// below the head was once acknowledged and is rot; what lies beyond it never was, and is a tail to drop.

import { WriteBatch } from './batch.ts'
import { ChecksumList } from './checksum-list.ts'
import { LogError } from './log-error.ts'
import { chain, decodeEntry, decodeHead, emptyHead, type LogHead, type LogKeys, maxIndex } from './log-records.ts'
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
  readonly recovery: LogRecovery
}

const maxReportedRot = 64

/**
 * Reads the log, removes what a cut compaction left below it and the tail beyond it.
 * @throws LogError ERR_LOG_ROT if the head itself is damaged, or is missing though there are entries.
 */
export async function recoverLog(store: TransactionalStore, keys: LogKeys, name: string): Promise<RecoveredLog> {
  const record = await store.get(keys.head)
  const head = record === undefined ? emptyHead : decodeHead(record)
  if (head === undefined) throw new LogError('ERR_LOG_ROT', `log ${name}: its head record is damaged`)
  const { below, beyond, rotten, checksums } = await readEntries(store, keys, head)
  if (record === undefined && beyond > 0) {
    throw new LogError('ERR_LOG_ROT', `log ${name}: its head record is missing, but ${beyond} entries are there`)
  }
  if (rotten.length > 0) return { head, record, checksums, recovery: { kind: 'rot', indexes: rotten } }
  if (below > 0 || beyond > 0) {
    const batch = new WriteBatch()
    if (below > 0) batch.deleteRange(keys.entry(0), keys.entry(head.firstIndex))
    if (beyond > 0) batch.deleteRange(keys.entry(head.lastIndex + 1), keys.entry(maxIndex))
    await store.write(batch)
  }
  const recovery: LogRecovery = beyond > 0 ? { kind: 'tail-dropped', entries: beyond } : { kind: 'ok' }
  return { head, record, checksums, recovery }
}

interface EntryCensus {
  /** Entries that a cut compaction left below the first index. */
  below: number
  /** Entries beyond the head. */
  beyond: number
  readonly rotten: number[]
  readonly checksums: ChecksumList
}

async function readEntries(store: TransactionalStore, keys: LogKeys, head: LogHead): Promise<EntryCensus> {
  const checksums = new ChecksumList(head.firstIndex - 1, head.baseChecksum)
  const census: EntryCensus = { below: 0, beyond: 0, rotten: [], checksums }
  const take = (index: number, checksum: number, isRight: boolean): void => {
    if (!isRight && census.rotten.length < maxReportedRot) census.rotten.push(index)
    checksums.push(checksum)
  }
  let expected = head.firstIndex
  for await (const { key, value } of scanAll(store, { from: keys.entry(0), to: keys.entry(maxIndex) })) {
    const index = keys.indexOf(key)
    if (index < head.firstIndex) census.below += 1
    else if (index > head.lastIndex) census.beyond += 1
    else {
      for (; expected < index; expected += 1) take(expected, 0, false)
      const entry = decodeEntry(value)
      const isChained = entry !== undefined && entry.checksum === chain(checksums.at(index - 1), index, entry.payload)
      const isHeads = index < head.lastIndex || entry?.checksum === head.lastChecksum
      take(index, entry?.checksum ?? 0, isChained && isHeads)
      expected = index + 1
    }
  }
  for (; expected <= head.lastIndex; expected += 1) take(expected, 0, false)
  return census
}
