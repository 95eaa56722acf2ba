// What a disk must have kept: whatever it has confirmed, unless it was damaged since.

import { crc32c } from '../../../src/storage/crc32c.ts'
import type { RecoveredState } from '../core/options.ts'
import type { Ledger } from './ledger.ts'
import { LogRecord } from './log-record.ts'
import type { ReplicaRecord } from './replica-record.ts'
import type { Violation } from './rules.ts'

/** What a replica comes back without; undefined if it has everything. */
export function lossOf(record: ReplicaRecord, recovered: RecoveredState, ledger: Ledger): Violation | undefined {
  return hardStateLoss(record, recovered) ?? (record.isDamaged ? undefined : entryLoss(record, recovered, ledger))
}

function hardStateLoss({ key, hardState: kept, isDamaged }: ReplicaRecord, { hardState }: RecoveredState) {
  if (kept === undefined) return undefined
  const found = hardState ?? { term: 0, votedFor: undefined, commit: 0 }
  const hasVote = found.term !== kept.term || kept.votedFor === undefined || found.votedFor === kept.votedFor
  if (found.term < kept.term || !hasVote) {
    return lost(`${key} has forgotten term ${kept.term} and its vote for ${kept.votedFor}`)
  }
  return isDamaged || found.commit >= kept.commit
    ? undefined
    : lost(`${key} has forgotten that ${kept.commit} is committed`)
}

function entryLoss(record: ReplicaRecord, recovered: RecoveredState, ledger: Ledger): Violation | undefined {
  const { durable, pending, key } = record
  const log = logOf(recovered, ledger)
  // A write that was under way may have reached the disk after all, and have taken entries away.
  const cuts = pending.map(({ truncateFrom }) => (truncateFrom ?? Number.POSITIVE_INFINITY) - 1)
  const spared = Math.min(...cuts, durable.lastIndex)
  for (let index = spared; index > Math.max(log.base.index, durable.base.index); index--) {
    if (log.termAt(index) !== durable.termAt(index))
      return lost(`${key} comes back without entry ${index}, which its disk had`)
  }
  return undefined
}

function lost(why: string): Violation {
  return { rule: 'durable before said', why }
}

/** The log that a disk holds: it may begin before the snapshot, or behind it. */
export function logOf({ snapshot, entries }: RecoveredState, ledger: Ledger): LogRecord {
  const last = snapshot?.last ?? { index: 0, term: 0 }
  const [first] = entries
  const isBehind = first === undefined || first.index > last.index
  const base = isBehind ? last : { index: first.index - 1, term: ledger.at(first.index - 1)?.term ?? 0 }
  const log = new LogRecord({ index: base.index, term: base.term })
  for (const { term, bytes, kind } of entries) log.append(term, crc32c(bytes), kind === 'configuration')
  return log
}
