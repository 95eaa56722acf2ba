// What a replica's core is made with.

import type { Configuration } from './configuration.ts'
import type { HardState } from './effect.ts'
import type { Entry, Incarnation, LogPosition, ReplicaId } from './entry.ts'
import type { SnapshotDescription } from './message.ts'

export interface RaftOptions {
  /** Milliseconds between which the election time-out is drawn anew for each campaign. Default [150, 300]. */
  readonly electionTimeoutMs?: readonly [least: number, most: number]
  /** Default 50. */
  readonly heartbeatMs?: number
  /**
   * Pre-Vote and CheckQuorum, leader stickiness with them. Default true: without them a node that comes back disturbs
   * the group. The simulator sets each apart by an object.
   */
  readonly stable?: boolean | { readonly preVote: boolean; readonly checkQuorum: boolean }
  /** Reads under a leader's lease. Default false: they trust clocks. */
  readonly leaseReads?: boolean
  /** How far two clocks may drift apart, as a share of time (0.01 is 1 %). Default 0. */
  readonly maxClockDrift?: number
  /** Entries and bytes of one append message. Default 512 and 1 MiB. */
  readonly maxBatch?: number
  readonly maxBatchBytes?: number
  /** Append messages and bytes on their way to one peer. Default 64 and 4 MiB. */
  readonly maxInflight?: number
  readonly maxInflightBytes?: number
  /** Bytes of entries not yet committed; proposals beyond are refused `rateLimited`. Default 64 MiB. */
  readonly maxUncommittedBytes?: number
  /** Largest payload; larger proposals are refused `tooLarge`. Default 1 MiB less the entry's header. */
  readonly maxEntryBytes?: number
  /** Bytes of entries kept in memory; older ones are fetched from the disk. Default 64 MiB. */
  readonly maxCachedBytes?: number
  /** Reads that may wait; more are refused `rateLimited`. Default 100 000. */
  readonly maxPendingReads?: number
  /** Higher stands earlier: a replica of a lower priority waits a share longer. Default 0. */
  readonly priority?: number
  /** A leader without work sends nothing, and followers wait without a time-out, after so many idle rounds. Default never. */
  readonly quiesceAfterRounds?: number
  /** A planted bug, for checks that must be seen red. Default: none. */
  readonly bug?: string | undefined
}

/** What the disk holds at the start. */
export interface RecoveredState {
  readonly hardState: HardState | undefined
  /** The snapshot that the log begins behind. */
  readonly snapshot: SnapshotDescription | undefined
  /** The intact entries behind it. */
  readonly entries: readonly Entry[]
  /** What the head record says the log's last entry was, if entries at or below it are damaged. */
  readonly claimed: LogPosition | undefined
}

export interface CoreOptions extends RaftOptions {
  readonly id: ReplicaId
  readonly incarnation: Incarnation
  /** The founders' membership, for a founder that starts on an empty disk; nobody else has it. */
  readonly founders: Configuration | undefined
  readonly recovered: RecoveredState
  /** A uniform integer in [0, 2^32). */
  readonly random: () => number
  readonly nowMs: number
}
