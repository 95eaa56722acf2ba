// What a leader knows of one peer, in one life of its disk. Three states, as etcd's Progress has them: `probe` looks for
// the place where the logs agree, one message at a time; `replicate` sends ahead of the replies, within limits;
// `snapshot` hands over a snapshot because the log no longer reaches back far enough.

import type { Incarnation, LogIndex, LogPosition, ReplicaId } from './entry.ts'

export interface InflightLimits {
  readonly maxInflight: number
  readonly maxInflightBytes: number
}

/** A snapshot on its way to a peer. */
export interface SnapshotProgress {
  readonly last: LogPosition
  offset: number
  /** When the peer last got on with it. */
  activeAt: number
}

interface Flight {
  readonly last: LogIndex
  readonly bytes: number
}

export class Progress {
  readonly id: ReplicaId
  readonly incarnation: Incarnation
  state: 'probe' | 'replicate' | 'snapshot' = 'probe'
  /** The peer's log is durable and equal to ours through here. */
  match: LogIndex = 0
  /** The round of the reply that said so. */
  matchRound = 0
  next: LogIndex
  /** Heard from since the last check of the quorum. */
  isActive = false
  /** The latest round it has replied to. */
  confirmedRound = 0
  /** A probe is on its way. */
  isProbing = false
  /** Where the entries begin that are being read from the disk for it: one read at a time. */
  fetching: LogIndex | undefined
  snapshot: SnapshotProgress | undefined
  /** After a snapshot failed, the next is not begun before. */
  snapshotNotBefore = Number.NEGATIVE_INFINITY
  #flights: Flight[] = []
  #flightBytes = 0

  constructor(id: ReplicaId, incarnation: Incarnation, next: LogIndex) {
    this.id = id
    this.incarnation = incarnation
    this.next = next
  }

  get inflight(): number {
    return this.#flights.length
  }

  get inflightBytes(): number {
    return this.#flightBytes
  }

  isPaused(limits: InflightLimits): boolean {
    if (this.fetching !== undefined || this.state === 'snapshot') return true
    if (this.state === 'probe') return this.isProbing
    return this.#flights.length >= limits.maxInflight || this.#flightBytes >= limits.maxInflightBytes
  }

  /** Notes a message with entries through `last`. */
  sent(last: LogIndex, bytes: number): void {
    if (this.state === 'probe') {
      this.isProbing = true
      return
    }
    this.next = last + 1
    this.#flights.push({ last, bytes })
    this.#flightBytes += bytes
  }

  /** Notes that the peer has everything through `match`; says whether that is news. */
  acknowledged(match: LogIndex, round: number): boolean {
    this.matchRound = Math.max(this.matchRound, round)
    const isNews = match > this.match
    if (isNews) this.match = match
    this.next = Math.max(this.next, match + 1)
    let landed = 0
    while ((this.#flights[landed]?.last ?? Number.POSITIVE_INFINITY) <= match) {
      this.#flightBytes -= this.#flights[landed]?.bytes ?? 0
      landed += 1
    }
    if (landed > 0) this.#flights.splice(0, landed)
    return isNews
  }

  becomeProbe(next: LogIndex): void {
    this.#enter('probe')
    this.next = next
  }

  becomeReplicate(): void {
    this.#enter('replicate')
    this.next = this.match + 1
  }

  becomeSnapshot(last: LogPosition, nowMs: number): void {
    this.#enter('snapshot')
    this.snapshot = { last, offset: 0, activeAt: nowMs }
  }

  clone(): Progress {
    const copy = new Progress(this.id, this.incarnation, this.next)
    copy.state = this.state
    copy.match = this.match
    copy.matchRound = this.matchRound
    copy.isActive = this.isActive
    copy.confirmedRound = this.confirmedRound
    copy.isProbing = this.isProbing
    copy.fetching = this.fetching
    copy.snapshot = this.snapshot === undefined ? undefined : { ...this.snapshot }
    copy.snapshotNotBefore = this.snapshotNotBefore
    copy.#flights = [...this.#flights]
    copy.#flightBytes = this.#flightBytes
    return copy
  }

  /** What was on its way says nothing any more: limits begin anew with each state. */
  #enter(state: 'probe' | 'replicate' | 'snapshot'): void {
    this.state = state
    this.isProbing = false
    this.fetching = undefined
    this.snapshot = undefined
    this.#flights = []
    this.#flightBytes = 0
  }
}
