// What replicas say to each other. `kind` is the word that fault schedules use. All of it is plain data that crosses
// threads and machines as it is.
//
// Every message says who it is from, in which life of its disk, and in which term; a reply says to what it replies, so
// that a late one confirms nothing else.

import type { Configuration } from './configuration.ts'
import type { Entry, Incarnation, LogIndex, LogPosition, ReplicaId, Term } from './entry.ts'

interface Header {
  readonly from: ReplicaId
  readonly incarnation: Incarnation
  /** The sender's current term. */
  readonly term: Term
}

/** Would you vote for me? Raises nobody's term (Raft thesis §9.6). */
export interface PreVote extends Header {
  readonly kind: 'preVote'
  /** The term it would stand in. */
  readonly campaignTerm: Term
  /** Tells the reply to this round from others. */
  readonly round: number
  readonly last: LogPosition
}

export interface PreVoteReply extends Header {
  readonly kind: 'preVoteReply'
  readonly campaignTerm: Term
  readonly round: number
  readonly granted: boolean
}

export interface Vote extends Header {
  readonly kind: 'vote'
  readonly last: LogPosition
  /** The present leader has asked for this election: stickiness does not hold. */
  readonly transfer: boolean
}

export interface VoteReply extends Header {
  readonly kind: 'voteReply'
  readonly granted: boolean
}

/** Entries behind `previous`; none: a heartbeat. */
export interface Append extends Header {
  readonly kind: 'append'
  readonly previous: LogPosition
  readonly entries: readonly Entry[]
  readonly commit: LogIndex
  /** Grows with every round of heartbeats; what is confirmed by a quorum's replies to a round was true when it was sent. */
  readonly round: number
  /** There is no work: wait without a time-out until something comes. */
  readonly quiesce?: boolean
}

export interface AppendReply extends Header {
  readonly kind: 'appendReply'
  readonly round: number
  /**
   * Accepted: every entry through `match` is durable here and equal to the leader's. Refused: it has no entry like
   * `previous`; the leader goes on at or before `hint`.
   */
  readonly outcome:
    | { readonly accepted: true; readonly match: LogIndex }
    | { readonly accepted: false; readonly previous: LogIndex; readonly hint: LogPosition }
}

export interface SnapshotDescription {
  /** The last entry it stands for. */
  readonly last: LogPosition
  readonly configuration: Configuration
  /** Bytes of the whole, and their CRC32C. */
  readonly size: number
  readonly checksum: number
  /** Name and version of the state machine that made it. */
  readonly machine: string
  readonly version: number
}

/** A chunk of a snapshot. */
export interface Snapshot extends Header {
  readonly kind: 'snapshot'
  readonly snapshot: SnapshotDescription
  readonly offset: number
  readonly chunk: Uint8Array
  /** CRC32C of the chunk. */
  readonly chunkChecksum: number
}

export interface SnapshotReply extends Header {
  readonly kind: 'snapshotReply'
  readonly last: LogPosition
  /** The receiver goes on from here: it keeps what it has over a break, and over a change of leader. */
  readonly nextOffset: number
  /** `installed`: it stands. `refused`: not wanted, or of a version this replica does not know. */
  readonly state: 'receiving' | 'installed' | 'refused'
}

/** Stand for election now (Raft thesis §3.10). Stale unless term and last index are still those of the receiver. */
export interface TimeoutNow extends Header {
  readonly kind: 'timeoutNow'
  readonly last: LogPosition
}

/** A follower asks what its clients may read. */
export interface ReadIndex extends Header {
  readonly kind: 'readIndex'
  readonly request: number
}

export interface ReadIndexReply extends Header {
  readonly kind: 'readIndexReply'
  readonly request: number
  /** What must be applied before the read is served; undefined: this replica does not lead. */
  readonly index: LogIndex | undefined
}

export type Message =
  | PreVote
  | PreVoteReply
  | Vote
  | VoteReply
  | Append
  | AppendReply
  | Snapshot
  | SnapshotReply
  | TimeoutNow
  | ReadIndex
  | ReadIndexReply
