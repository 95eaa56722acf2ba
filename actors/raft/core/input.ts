// Everything that can happen to the core. `step(input, nowMs)` is the only way in; nowMs is the replica's monotonic
// clock, in milliseconds.

import type { Refusal } from '../../consensus/refusal.ts'
import type { MemberRole } from './configuration.ts'
import type { Entry, Incarnation, LogIndex, LogPosition, ReplicaId } from './entry.ts'
import type { Message, SnapshotDescription } from './message.ts'

/** `election`: nobody has been heard of, or a campaign is over. `heartbeat`: a leader's round is due. */
export type TimerName = 'election' | 'heartbeat'

export interface Proposal {
  /** The host's own number for it; answered by an effect `accepted` or `refused`. */
  readonly id: number
  readonly payload: Uint8Array
}

/** A change of membership. Each is one joint change, or the simple one where that is safe. */
export type MembershipChange =
  | { readonly op: 'add'; readonly node: ReplicaId; readonly incarnation: Incarnation; readonly role: MemberRole }
  | { readonly op: 'promote' | 'remove'; readonly node: ReplicaId }
  | {
      readonly op: 'replaceAll'
      readonly members: readonly ReplicaId[]
      /** Lives of members that are new, if not ''. A wrong one is found out, and mended by one more entry. */
      readonly incarnations?: Readonly<Record<ReplicaId, Incarnation>>
    }

export type Input =
  | { readonly type: 'timeout'; readonly timer: TimerName }
  | { readonly type: 'message'; readonly message: Message }
  /** Commands for the log, in this order. `epochMs`: the wall clock, for the entries' time. */
  | { readonly type: 'propose'; readonly proposals: readonly Proposal[]; readonly epochMs: number }
  | {
      readonly type: 'changeMembership'
      readonly id: number
      readonly change: MembershipChange
      readonly epochMs: number
    }
  /** Reads that arrived here; answered by `readable` or `refused`. A follower asks the leader for them. */
  | { readonly type: 'read'; readonly ids: readonly number[]; readonly lease: boolean }
  | { readonly type: 'transfer'; readonly id: number; readonly to: ReplicaId }
  /** Stand for election now, as if the election time-out had fired. */
  | { readonly type: 'campaign' }
  /** The write of that number, and all before it, are durable. Completions may come late; never early. */
  | { readonly type: 'persisted'; readonly write: number }
  /** The write and all behind it are not on the disk. `log`: what is, as the storage has read it anew. */
  | { readonly type: 'persistFailed'; readonly write: number; readonly reason: string; readonly durable: LogPosition }
  /** How far the state machine has come. */
  | { readonly type: 'applied'; readonly index: LogIndex }
  /** Answers to `fetch`: entries from the disk, which may be fewer than asked; empty if they are compacted or damaged. */
  | { readonly type: 'fetched'; readonly to: ReplicaId; readonly from: LogIndex; readonly entries: readonly Entry[] }
  /** This replica's own new snapshot is durable: the log through its last entry may go. */
  | { readonly type: 'snapshotTaken'; readonly snapshot: SnapshotDescription }
  /** Answers to `storeChunk`. */
  | { readonly type: 'chunkStored'; readonly last: LogPosition; readonly nextOffset: number }
  /** Answers to `installSnapshot`: it stands in place of log and state; or it was damaged, and is forgotten. */
  | { readonly type: 'snapshotInstalled'; readonly snapshot: SnapshotDescription; readonly intact: boolean }
  /**
   * The clock has been set, or has stood still: what was measured by it before is worthless. Hand it in before anything
   * that is judged by the new time.
   */
  | { readonly type: 'clockJumped' }
  /** The disk is stalled or full for longer than the host puts up with: a leader hands over. */
  | { readonly type: 'diskTrouble'; readonly isOver: boolean }

/** What a refused operation is told. */
export interface Refused {
  readonly code: Refusal
  /** Who leads, if known. */
  readonly leader: ReplicaId | undefined
}
