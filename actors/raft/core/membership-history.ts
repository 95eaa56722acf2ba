// The configurations that the log holds: each is in force from the moment it stands in the log, and gone again when its
// entry is truncated, so those since the last committed one are kept.

import type { Configuration, Member } from './configuration.ts'
import type { Incarnation, LogIndex, ReplicaId } from './entry.ts'
import { votersOf } from './quorum.ts'

export interface PlacedConfiguration {
  readonly at: LogIndex
  readonly configuration: Configuration
}

const nobody: PlacedConfiguration = { at: 0, configuration: { members: [] } }

export class MembershipHistory {
  /** In order of place; the first is committed, or nobody at all. */
  #placed: PlacedConfiguration[]
  /** The voters of the latest, set by set. */
  #voters: readonly (readonly Member[])[] = []

  constructor(first: PlacedConfiguration = nobody) {
    this.#placed = [first]
    this.#changed()
  }

  get latest(): PlacedConfiguration {
    return this.#placed.at(-1) ?? nobody
  }

  /** The latest at or before `commit`. */
  committed(commit: LogIndex): PlacedConfiguration {
    return this.#placed.findLast(({ at }) => at <= commit) ?? nobody
  }

  /** The voters of the latest configuration: one set, or two while it is joint. */
  get voters(): readonly (readonly Member[])[] {
    return this.#voters
  }

  /** Whether the latest configuration knows the replica in this life, in any role, coming or going. */
  has(id: ReplicaId, incarnation: Incarnation): boolean {
    return this.members().some((member) => member.id === id && member.incarnation === incarnation)
  }

  /** Whether it votes, in this life. */
  isVoter(id: ReplicaId, incarnation: Incarnation): boolean {
    return this.#voters.some((set) => set.some((member) => member.id === id && member.incarnation === incarnation))
  }

  member(id: ReplicaId): Member | undefined {
    return this.latest.configuration.members.find((member) => member.id === id)
  }

  /** Everybody in the latest configuration, coming or going; of two lives of one replica the coming one. */
  members(): readonly Member[] {
    const { members, outgoing } = this.latest.configuration
    if (outgoing === undefined) return members
    return [...members, ...outgoing.filter(({ id }) => !members.some((member) => member.id === id))]
  }

  append(at: LogIndex, configuration: Configuration): void {
    this.#placed.push({ at, configuration })
    this.#changed()
  }

  /** Drops those at or behind `from`; says whether the latest has changed. */
  truncateFrom(from: LogIndex): boolean {
    if (this.latest.at < from) return false
    this.#placed = this.#placed.filter(({ at }) => at < from)
    this.#changed()
    return true
  }

  /** Forgets what only a truncation below `commit` could need. */
  prune(commit: LogIndex): void {
    const kept = this.#placed.findLastIndex(({ at }) => at <= commit)
    if (kept > 0) this.#placed.splice(0, kept)
  }

  /** Begins anew with a snapshot's configuration, and keeps those behind it if the log is kept. */
  reset(first: PlacedConfiguration, keepLater: boolean): void {
    this.#placed = [first, ...(keepLater ? this.#placed.filter(({ at }) => at > first.at) : [])]
    this.#changed()
  }

  clone(): MembershipHistory {
    const copy = new MembershipHistory()
    copy.#placed = [...this.#placed]
    copy.#voters = this.#voters
    return copy
  }

  #changed(): void {
    this.#voters = votersOf(this.latest.configuration)
  }
}
