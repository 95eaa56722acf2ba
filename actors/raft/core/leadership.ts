// What only a leader has, from its election until it steps down.

import type { Incarnation, LogIndex, ReplicaId } from './entry.ts'
import type { MembershipChange } from './input.ts'
import type { Progress } from './progress.ts'

/** Reads that wait for a quorum to confirm that this replica still leads. */
export interface WaitingReads {
  /** The host's own. */
  readonly ids: number[]
  /** Followers' requests. */
  readonly requests: { readonly from: ReplicaId; readonly request: number }[]
}

export interface ConfirmingReads extends WaitingReads {
  readonly round: number
  readonly index: LogIndex
}

/** A change of membership that has been accepted and is not through. */
export interface PendingChange {
  readonly id: number
  readonly change: MembershipChange
  /** A replacement that waits for its new members to catch up is given up at this time. */
  readonly giveUpAt: number
  /** A replacement's new members are still to catch up. */
  isWaiting: boolean
}

/** A life that a configured member has been heard to live, which is not the configured one. */
export interface NewLife {
  readonly incarnation: Incarnation
  /** Late messages of a past life reply to no round after this one. */
  readonly noticedRound: number
  isConfirmed: boolean
}

export class Leadership {
  readonly peers = new Map<ReplicaId, Progress>()
  /** Where its first entry stands: nothing is known committed before that is. */
  readonly termStart: LogIndex
  /** When CheckQuorum looks next. */
  checkAt: number
  /** When the latest rounds were sent, in order. */
  roundsSent: { readonly round: number; readonly at: number }[] = []
  waiting: WaitingReads = { ids: [], requests: [] }
  confirming: ConfirmingReads | undefined
  changes: PendingChange[] = []
  readonly newLives = new Map<ReplicaId, NewLife>()
  /** Bytes of commands not yet committed, batch by batch. */
  uncommitted: { readonly through: LogIndex; readonly bytes: number }[] = []
  uncommittedBytes = 0
  /** No leases until this place is committed: whoever was told to stand may still win without it. */
  leaseFloor: LogIndex = 0
  /** No leases from rounds sent at or before this time: the clock may have stood still then. */
  clockFloor = Number.NEGATIVE_INFINITY
  idleRounds = 0
  /** Where the log ended two beats ago and one beat ago: who has the former has caught up. */
  marks: readonly [LogIndex, LogIndex]

  constructor(termStart: LogIndex, checkAt: number) {
    this.termStart = termStart
    this.checkAt = checkAt
    this.marks = [termStart, termStart]
  }

  /** Reads that wait, the host's and followers'. */
  get pendingReads(): number {
    const { ids, requests } = this.waiting
    return ids.length + requests.length + (this.confirming?.ids.length ?? 0) + (this.confirming?.requests.length ?? 0)
  }

  clone(): Leadership {
    const copy = new Leadership(this.termStart, this.checkAt)
    for (const [id, progress] of this.peers) copy.peers.set(id, progress.clone())
    copy.roundsSent = [...this.roundsSent]
    copy.waiting = { ids: [...this.waiting.ids], requests: [...this.waiting.requests] }
    copy.confirming = this.confirming
    copy.changes = this.changes.map((change) => ({ ...change }))
    for (const [id, life] of this.newLives) copy.newLives.set(id, { ...life })
    copy.uncommitted = [...this.uncommitted]
    copy.uncommittedBytes = this.uncommittedBytes
    copy.leaseFloor = this.leaseFloor
    copy.clockFloor = this.clockFloor
    copy.idleRounds = this.idleRounds
    copy.marks = this.marks
    return copy
  }
}
