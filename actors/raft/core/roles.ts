// The only writers of a replica's role. What belongs to a role is set up on entering it and torn down on leaving it.
//
// Invariant: a vote is reset by a new term only, never by a change of role within one.

import { assert } from './assert.ts'
import type { ReplicaId, Term } from './entry.ts'
import { Leadership } from './leadership.ts'
import { appendOwn } from './proposals.ts'
import { votersOf } from './quorum.ts'
import { refuseForwarded } from './reads.ts'
import type { ReplicaState } from './replica-state.ts'
import { replicateToAll, syncPeers } from './replication.ts'
import { settleHandover } from './transfer.ts'
import type { Transition } from './transition.ts'

export function becomeFollower(replica: ReplicaState, term: Term, leader: ReplicaId | undefined): void {
  const isChange = replica.role !== 'follower' || term !== replica.term || leader !== replica.leader
  if (replica.role === 'leader') resign(replica)
  if (term > replica.term) replica.setTerm(term, undefined)
  replica.role = 'follower'
  if (leader !== replica.leader) {
    replica.setLeader(leader)
    refuseForwarded(replica)
  }
  if (isChange) replica.trace({ name: 'becomeFollower', term, leader })
  settleHandover(replica)
}

/** Gives leadership up within the term. */
export function stepDown(replica: ReplicaState, why: Extract<Transition, { name: 'stepDown' }>['why']): void {
  replica.trace({ name: 'stepDown', why })
  becomeFollower(replica, replica.term, undefined)
  resetElection(replica)
}

export function becomePreCandidate(replica: ReplicaState): void {
  assert(replica.role !== 'leader', 'a leader does not campaign', () => `term ${replica.term}`)
  replica.role = 'preCandidate'
  replica.setLeader(undefined)
  refuseForwarded(replica)
  replica.votes = new Map()
  replica.round += 1
  replica.trace({ name: 'becomePreCandidate', term: replica.term })
}

export function becomeCandidate(replica: ReplicaState): void {
  assert(replica.role !== 'leader', 'a leader does not campaign', () => `term ${replica.term}`)
  replica.role = 'candidate'
  replica.setTerm(replica.term + 1, replica.id)
  replica.setLeader(undefined)
  refuseForwarded(replica)
  replica.votes = new Map()
  replica.trace({ name: 'becomeCandidate', term: replica.term })
}

export function becomeLeader(replica: ReplicaState): void {
  const { log, nowMs, settings, term } = replica
  assert(replica.role === 'candidate', 'only a candidate is elected', () => replica.role)
  replica.role = 'leader'
  replica.trace({ name: 'becomeLeader', term, last: log.last })
  replica.leading = new Leadership(log.lastIndex + 1, nowMs + settings.electionTimeoutMs[1])
  stopElectionTimer(replica)
  replica.setLeader(replica.id)
  settleHandover(replica)
  syncPeers(replica, log.lastIndex + 1)
  appendOwn(replica, 'noop', new Uint8Array(0))
  replicateToAll(replica)
  replica.setTimer('heartbeat', settings.heartbeatMs)
}

/** Draws the time-out anew and starts waiting. */
export function resetElection(replica: ReplicaState): void {
  const { settings, nowMs } = replica
  const [least, most] = settings.electionTimeoutMs
  replica.electionDeadline = nowMs + drawTimeout(least, most, settings.priority, replica.random())
  // A timer that fires early is set again then: cheaper than setting it at every message.
  if (replica.timerFiresAt === undefined || replica.timerFiresAt > replica.electionDeadline) armElection(replica)
}

export function armElection(replica: ReplicaState): void {
  const afterMs = Math.max(1, Math.ceil(replica.electionDeadline - replica.nowMs))
  replica.timerFiresAt = replica.nowMs + afterMs
  replica.setTimer('election', afterMs)
}

export function stopElectionTimer(replica: ReplicaState): void {
  if (replica.timerFiresAt === undefined) return
  replica.timerFiresAt = undefined
  replica.setTimer('election', undefined)
}

/**
 * Who may stand: a voter with a machine, whose log is whole and whose disk works. Also one that only an uncommitted
 * entry has removed: perhaps nobody else has that entry, and the group cannot go on without it (Raft thesis §4.2.2).
 */
export function mayStand(replica: ReplicaState): boolean {
  const isBusy = replica.receiving?.isInstalling === true || replica.hasDiskTrouble
  return (replica.isVoter || wasVoter(replica)) && !replica.isWitness && replica.voteFloor === undefined && !isBusy
}

/** By the last committed configuration, whichever of its sets it votes in. */
function wasVoter({ memberships, commit, id, incarnation }: ReplicaState): boolean {
  const voters = votersOf(memberships.committed(commit).configuration).flat()
  return voters.some((member) => member.id === id && member.incarnation === incarnation && member.role === 'voter')
}

/** Between `least` and three times `most`: a priority above 0 draws from the early part, one below 0 waits longer. */
function drawTimeout(least: number, most: number, priority: number, random: number): number {
  const share = random / 0x1_0000_0000
  if (priority >= 0) return least + ((most - least) * share) / (1 + priority)
  return (least + (most - least) * share) * Math.min(3, 1 - priority / 2)
}

function resign(replica: ReplicaState): void {
  const { leading } = replica
  if (leading === undefined) return
  const reads = [...leading.waiting.ids, ...(leading.confirming?.ids ?? [])]
  const requests = [...leading.waiting.requests, ...(leading.confirming?.requests ?? [])]
  replica.leading = undefined
  replica.setLeader(undefined)
  replica.refuse([...reads, ...leading.changes.map(({ id }) => id)], 'notLeader')
  for (const { from, request } of requests) replica.send(from, { kind: 'readIndexReply', request, index: undefined })
  replica.setTimer('heartbeat', undefined)
  // As a follower it waits like any other.
  replica.electionDeadline = replica.nowMs
  resetElection(replica)
}
