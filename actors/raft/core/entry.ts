// What the log holds. An entry is encoded once, by the leader that makes it; the same bytes go over the wire, onto the
// disk and into every replica. entry-codec.ts has the layout, with room for the previous entry's hash and a signature.

export type ReplicaId = string
/** Counts elections, from 1; 0 before the first. */
export type Term = number
/** Place in the log, from 1; 0 before the first entry. */
export type LogIndex = number

/**
 * Which life of its disk a replica is in: '' for a founder of the group; whoever starts on an empty disk later draws one.
 * Two lives of one name are two members.
 */
export type Incarnation = string

/**
 * `noop`: a leader's first entry of its term. `command`: for the state machine and its sessions. `configuration`: the
 * membership, in force from the moment it stands in the log.
 */
export type EntryKind = 'noop' | 'command' | 'configuration'

export interface Entry {
  readonly index: LogIndex
  readonly term: Term
  readonly kind: EntryKind
  /** The leader's clock when it made the entry, in milliseconds since the epoch, never below that of the one before. */
  readonly timeMs: number
  /** What it carries: a view into `bytes`. */
  readonly payload: Uint8Array
  /** The whole entry, as it is sent and stored. */
  readonly bytes: Uint8Array
}

/** A place in the log with its term: two logs that have it are equal up to there (Log Matching, Raft paper §5.3). */
export interface LogPosition {
  readonly index: LogIndex
  readonly term: Term
}
