// One replica as the checker knows it: what it was told and what it wanted, step by step. Nothing here is asked of the
// core: its log is what it had written, its term and vote are what it had written, its role is what it said.

import type { Configuration } from '../core/configuration.ts'
import type { HardState } from '../core/effect.ts'
import type { Incarnation, LogIndex, LogPosition, ReplicaId, Term } from '../core/entry.ts'
import type { SnapshotDescription } from '../core/message.ts'
import type { Role } from '../core/transition.ts'
import { LogRecord } from './log-record.ts'

/** What the checker keeps of an entry. */
export interface RecordedEntry {
  readonly index: LogIndex
  readonly term: Term
  readonly checksum: number
  readonly isConfiguration: boolean
}

/** A write that the disk has not confirmed. */
export interface PendingWrite {
  readonly write: number
  readonly truncateFrom: LogIndex | undefined
  readonly entries: readonly RecordedEntry[]
  readonly hardState: HardState | undefined
}

export class ReplicaRecord {
  readonly node: ReplicaId
  readonly incarnation: Incarnation
  role: Role = 'follower'
  term: Term = 0
  commit: LogIndex = 0
  /** Handed over to be applied, and applied. */
  handed: LogIndex = 0
  applied: LogIndex = 0
  snapshot: LogIndex = 0
  purged: LogIndex = 0
  /** The log as the replica has written it, and as the disk has confirmed it. */
  log = new LogRecord()
  durable = new LogRecord()
  hardState: HardState | undefined
  pending: PendingWrite[] = []
  /** What its disk held when it was damaged or emptied: nobody may count on it, but it is no fault of the protocol's. */
  readonly destroyed: LogRecord[] = []
  /** It has been since its last start. */
  isDamaged = false
  /** The configuration that its log begins with. */
  base: { readonly at: LogIndex; readonly value: Configuration } | undefined

  /** Where the configuration stands that it says it goes by. */
  configuredAt: LogIndex = 0
  /** That place has been taken out of its log, and it has not said yet what it goes by now. */
  isUnplaced = false
  /** What this step takes out of the log begins here. */
  cutFrom = Number.POSITIVE_INFINITY
  /** Its log from here on is in no write that has not failed. */
  #failedFrom = Number.POSITIVE_INFINITY
  /** The snapshot that is to take its log's place. */
  arriving: SnapshotDescription | undefined

  constructor(node: ReplicaId, incarnation: Incarnation) {
    this.node = node
    this.incarnation = incarnation
  }

  get key(): string {
    return keyOf(this.node, this.incarnation)
  }

  /** Whether its disk has the entry, or had it until somebody else's fault. */
  isHolding(index: LogIndex, term: Term): boolean {
    return this.durable.holds(index, term) || this.destroyed.some((log) => log.holds(index, term))
  }

  /** It says that a snapshot stands in place of its log: what lay behind goes, unless it follows. */
  replaced(last: LogPosition): void {
    const keepsLater = this.log.holds(last.index, last.term)
    this.isUnplaced ||= !keepsLater && this.configuredAt > last.index
    this.log.rebase(last, keepsLater)
    this.commit = Math.max(this.commit, last.index)
  }

  /** It says that its log is cut: what a failed write held is on no disk, and no write need take it away there. */
  truncated(from: LogIndex): void {
    this.cutFrom = Math.min(this.cutFrom, from)
    this.isUnplaced ||= this.configuredAt >= from
    if (from >= this.#failedFrom) this.log.truncateFrom(from)
  }

  /** A snapshot stands in place of its log and state. */
  installed(last: LogPosition): void {
    this.durable.rebase(last, this.durable.holds(last.index, last.term))
    this.snapshot = Math.max(this.snapshot, last.index)
    this.applied = Math.max(this.applied, last.index)
    this.handed = Math.max(this.handed, last.index)
  }

  /** Takes note of a write. False if it puts another entry in the place of one that it does not take away. */
  write(pending: PendingWrite): boolean {
    this.pending.push(pending)
    if ((pending.truncateFrom ?? pending.entries[0]?.index ?? Number.POSITIVE_INFINITY) <= this.#failedFrom)
      this.#failedFrom = Number.POSITIVE_INFINITY
    return writeInto(this.log, pending)
  }

  /** The write of that number, and those before it, are on the disk. */
  confirm(write: number): void {
    while ((this.pending[0]?.write ?? Number.POSITIVE_INFINITY) <= write) {
      const done = this.pending.shift()
      if (done === undefined) return
      writeInto(this.durable, done)
      if (done.hardState !== undefined) this.hardState = done.hardState
    }
  }

  /** The write of that number and those behind it have failed: their entries will be written again. */
  fail(write: number): void {
    this.confirm(write - 1)
    for (const { entries } of this.pending) {
      this.#failedFrom = Math.min(this.#failedFrom, entries[0]?.index ?? Number.POSITIVE_INFINITY)
    }
    this.pending = []
  }
}

function writeInto(log: LogRecord, { truncateFrom, entries }: PendingWrite): boolean {
  let isSound = true
  if (truncateFrom !== undefined) log.truncateFrom(truncateFrom)
  for (const { index, term, checksum, isConfiguration } of entries) {
    if (index > log.lastIndex + 1) isSound = false
    else if (index === log.lastIndex + 1) log.append(term, checksum, isConfiguration)
    // A write that failed comes again.
    else if (log.termAt(index) !== term && index > log.base.index) isSound = false
  }
  return isSound
}

export function keyOf(node: ReplicaId, incarnation: Incarnation): string {
  return incarnation === '' ? node : `${node} ${incarnation}`
}
