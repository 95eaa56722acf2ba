// Everything the core can want. The host carries the effects of one step out in order; `persist` is the only one that
// takes time, and nothing that depends on it is among the effects before the core has heard `persisted`.

import type { Configuration } from './configuration.ts'
import type { Entry, LogIndex, LogPosition, ReplicaId, Term } from './entry.ts'
import type { Refused, TimerName } from './input.ts'
import type { Message, SnapshotDescription } from './message.ts'
import type { Transition } from './transition.ts'

/** What must survive a power cut beside the log: one transaction with the entries it comes with. */
export interface HardState {
  readonly term: Term
  readonly votedFor: ReplicaId | undefined
  readonly commit: LogIndex
  /**
   * The log once reached here, and has lost entries below to damage: the replica votes as if it still had them, and
   * does not stand, until a leader has brought it as far again.
   */
  readonly voteFloor: LogPosition | undefined
}

export type Effect =
  | { readonly type: 'send'; readonly to: ReplicaId; readonly message: Message }
  /** Numbered from 1 without gaps; answered by `persisted` or `persistFailed`. */
  | {
      readonly type: 'persist'
      readonly write: number
      readonly truncateFrom: LogIndex | undefined
      readonly entries: readonly Entry[]
      readonly hardState: HardState | undefined
    }
  /** Sets a timer anew, or, without `afterMs`, stops it. */
  | { readonly type: 'timer'; readonly timer: TimerName; readonly afterMs: number | undefined }
  /** These entries are committed, in order and without gaps: apply them. */
  | { readonly type: 'apply'; readonly entries: readonly Entry[] }
  /** Entries that the core no longer holds are committed and to be applied: read them from the disk. */
  | { readonly type: 'applyStored'; readonly from: LogIndex; readonly through: LogIndex }
  /** Read these from the disk for a peer; answered by `fetched`. */
  | {
      readonly type: 'fetch'
      readonly to: ReplicaId
      readonly from: LogIndex
      readonly maxEntries: number
      readonly maxBytes: number
    }
  | { readonly type: 'accepted'; readonly id: number; readonly position: LogPosition }
  | { readonly type: 'refused'; readonly ids: readonly number[]; readonly refused: Refused }
  /** What was accepted at these places will never be committed there: another leader's entries stand in their place. */
  | { readonly type: 'overwritten'; readonly from: LogIndex }
  /** A membership change or a transfer is through. */
  | { readonly type: 'done'; readonly id: number }
  /** These reads may be answered once `index` is applied. */
  | { readonly type: 'readable'; readonly ids: readonly number[]; readonly index: LogIndex }
  /** Send the peer the chunk at `offset` of the latest own snapshot, in a message `snapshot` of this term. */
  | {
      readonly type: 'sendChunk'
      readonly to: ReplicaId
      readonly snapshot: SnapshotDescription
      readonly offset: number
      readonly term: Term
    }
  /** Keep a received chunk, durably; offset 0 begins anew. */
  | {
      readonly type: 'storeChunk'
      readonly snapshot: SnapshotDescription
      readonly offset: number
      readonly chunk: Uint8Array
    }
  /** All chunks are there: check the whole, put it in place of log and state, in one transaction. */
  | {
      readonly type: 'installSnapshot'
      readonly snapshot: SnapshotDescription
      readonly hardState: HardState
      readonly keepFrom: LogIndex | undefined
    }
  /** The log through here is in the snapshot: remove it. */
  | { readonly type: 'compact'; readonly through: LogIndex }
  /** Who belongs to the group, as of now; said first at the start. */
  | {
      readonly type: 'configuration'
      readonly configuration: Configuration
      readonly at: LogIndex
      readonly committed: boolean
    }
  /** Who leads; said when it changes. */
  | { readonly type: 'leader'; readonly leader: ReplicaId | undefined; readonly term: Term }
  /** What has happened, by name: for traces, metrics and the specification's check. */
  | { readonly type: 'transition'; readonly transition: Transition }
