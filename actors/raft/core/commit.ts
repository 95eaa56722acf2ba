// The commit index, and handing over what it covers to be applied.
//
// Invariants: it never goes back; a leader commits by counting entries of its own term only (Raft paper §5.4.2), and
// counts itself once its own write is durable; every entry is handed over once, in order.

import { assert } from './assert.ts'
import type { Member } from './configuration.ts'
import type { LogIndex } from './entry.ts'
import { hasQuorum, quorumValue } from './quorum.ts'
import type { ReplicaState } from './replica-state.ts'

/** Commits what a quorum has on its disks; says whether that is anything new. */
export function commitByCounting(replica: ReplicaState): boolean {
  const { log, memberships, settings, term } = replica
  const index = quorumValue(memberships.voters, (member) => matchOf(replica, member))
  if (index <= replica.commit) return false
  if (log.termAt(index) !== term && settings.bug !== 'commit-old-term') return false
  advanceCommit(replica, index)
  return true
}

export function advanceCommit(replica: ReplicaState, index: LogIndex): void {
  const { log, memberships } = replica
  const term = log.termAt(index)
  assert(term !== undefined, 'what is committed is in the log', () => `${index} of ${log.lastIndex}`)
  const known = memberships.committed(replica.commit).at
  replica.commit = index
  replica.trace({ name: 'commit', through: { index, term } })
  if (memberships.committed(index).at !== known) replica.sayConfiguration(true)
  memberships.prune(index)
  handOver(replica)
}

/** Hands the committed entries over that have not been yet. */
export function handOver(replica: ReplicaState): void {
  const { log, commit } = replica
  let from = replica.handed + 1
  if (from > commit) return
  replica.handed = commit
  if (replica.isWitness) {
    replica.applied = commit
    return
  }
  if (from < log.cachedFrom) {
    const through = Math.min(commit, log.cachedFrom - 1)
    replica.emit({ type: 'applyStored', from, through })
    from = through + 1
  }
  const entries = log.slice(from, commit + 1 - from, Number.POSITIVE_INFINITY) ?? []
  if (entries.length > 0) replica.emit({ type: 'apply', entries })
}

/** How far a member's log is known to be durable and equal to the leader's. */
export function matchOf(replica: ReplicaState, { id, incarnation }: Member): LogIndex {
  if (id === replica.id) return incarnation === replica.incarnation ? replica.writes.durable : 0
  const peer = replica.leading?.peers.get(id)
  return peer?.incarnation === incarnation ? peer.match : 0
}

/** Whether this replica needs nobody else for a quorum. */
export function decidesAlone(replica: ReplicaState): boolean {
  return hasQuorum(replica.memberships.voters, (member) => isSelf(replica, member))
}

export function isSelf(replica: ReplicaState, { id, incarnation }: Member): boolean {
  return id === replica.id && incarnation === replica.incarnation
}
