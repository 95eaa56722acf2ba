// What a replica's disk holds after a crash, and what is missing of it.
//
// Invariant: what was lost to damage is written down, as the floor of the replica's votes, before anything else is.

import type { DurableLog } from '../../src/storage/durable-log.ts'
import { LogError } from '../../src/storage/log-error.ts'
import type { HardState } from './core/effect.ts'
import type { Entry, LogPosition } from './core/entry.ts'
import { decodeEntry } from './core/entry-codec.ts'
import type { SnapshotDescription } from './core/message.ts'
import type { RecoveredState } from './core/options.ts'
import { encodeMetadata, type LogMetadata } from './log-metadata.ts'
import type { SnapshotStore } from './snapshot-store.ts'

export interface Recovery {
  readonly metadata: LogMetadata
  readonly recovered: RecoveredState
}

/**
 * Reads a disk that is not empty. Of a log with damage at or below its head the sound beginning stays. What is damaged
 * below the snapshot's last entry is no loss; a damaged snapshot is the loss of everything.
 */
export async function recover(log: DurableLog, snapshots: SnapshotStore, found: LogMetadata): Promise<Recovery> {
  const snapshot = await soundSnapshot(snapshots, found.snapshot)
  if (found.snapshot !== 0 && snapshot === undefined) return forget(log, found)
  const base: LogPosition = snapshot?.last ?? { index: 0, term: 0 }
  const all = await readAll(log)
  const entries = all.filter(({ index }) => index > base.index)
  const end = all.at(-1)?.index ?? log.firstIndex - 1
  if (end === log.last.index && end >= base.index) {
    return { metadata: found, recovered: { hardState: found.hardState, snapshot, entries: all, claimed: undefined } }
  }
  const isLoss = log.last.index > base.index
  const claimed: LogPosition | undefined = isLoss ? { index: log.last.index, term: found.lastTerm } : undefined
  const hardState =
    claimed === undefined ? found.hardState : withFloor(found.hardState, claimed, (entries.at(-1) ?? base).index)
  const metadata: LogMetadata = { ...found, hardState, lastTerm: (entries.at(-1) ?? base).term }
  const bytes = encodeMetadata(metadata)
  if (end > base.index || entries.length > 0) await log.change({ truncateFrom: end + 1, metadata: bytes })
  else await log.reset({ index: base.index, checksum: snapshot?.checksum ?? 0 }, bytes)
  return { metadata, recovered: { hardState, snapshot, entries, claimed } }
}

async function soundSnapshot(snapshots: SnapshotStore, number: number): Promise<SnapshotDescription | undefined> {
  if (number === 0) return undefined
  const snapshot = await snapshots.description(number)
  if (snapshot === undefined || (await snapshots.read(number, snapshot)) === undefined) return undefined
  return snapshot
}

/** The state that the log begins behind is lost: what is left of the log is of no use. */
async function forget(log: DurableLog, found: LogMetadata): Promise<Recovery> {
  const claimed = { index: log.last.index, term: found.lastTerm }
  const hardState = withFloor(found.hardState, claimed, 0)
  const metadata: LogMetadata = { ...found, hardState, lastTerm: 0, snapshot: 0 }
  await log.reset({ index: 0, checksum: 0 }, encodeMetadata(metadata))
  return { metadata, recovered: { hardState, snapshot: undefined, entries: [], claimed } }
}

function withFloor(hardState: HardState | undefined, claimed: LogPosition, last: number): HardState {
  const { term = 0, votedFor, commit = 0, voteFloor } = hardState ?? {}
  const isHigher =
    voteFloor === undefined ||
    claimed.term > voteFloor.term ||
    (claimed.term === voteFloor.term && claimed.index > voteFloor.index)
  return { term, votedFor, commit: Math.min(commit, last), voteFloor: isHigher ? claimed : voteFloor }
}

/** The entries of a log up to its end, or to the first that is damaged. */
async function readAll(log: DurableLog): Promise<Entry[]> {
  const entries: Entry[] = []
  for (let from = log.firstIndex; from <= log.last.index; ) {
    let page: Uint8Array[]
    try {
      page = await log.read(from, { maxEntries: 4096, maxBytes: 8 * 1024 * 1024 })
    } catch (error) {
      if (error instanceof LogError) return entries
      throw error
    }
    for (const bytes of page) {
      const entry = decodeEntry(bytes)
      if (entry === undefined || entry.index !== from) return entries
      entries.push(entry)
      from += 1
    }
  }
  return entries
}
