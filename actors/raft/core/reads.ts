// Linearizable reads without the log (Raft thesis §6.4): an index that was the commit index after the read arrived, told
// once a quorum has confirmed, by replies to a round sent after that, that this replica still led then. Reads that
// arrive while a round is on its way share the next one.
//
// Invariants: nothing is read before an entry of the leader's term is committed; a lease runs from when the confirmed
// round was sent, by the clock of this step, and not while leadership is being handed over; no read waits for ever.

import { decidesAlone, isSelf } from './commit.ts'
import type { LogIndex } from './entry.ts'
import type { Leadership, WaitingReads } from './leadership.ts'
import type { ReadIndex, ReadIndexReply } from './message.ts'
import { hasQuorum, quorumValue } from './quorum.ts'
import type { ReplicaState } from './replica-state.ts'
import { startRound } from './replication.ts'

export function read(replica: ReplicaState, ids: readonly number[], lease: boolean): void {
  const { leading, leader, settings } = replica
  if (pendingReads(replica) + ids.length > settings.maxPendingReads) replica.refuse(ids, 'rateLimited')
  else if (leading !== undefined) {
    leading.waiting.ids.push(...ids)
    if (lease && hasLease(replica)) {
      replica.trace({ name: 'leaseRead', index: replica.commit })
      release(replica, takeWaiting(leading), replica.commit)
    } else startConfirming(replica)
  } else if (leader === undefined) replica.refuse(ids, 'notLeader')
  else {
    replica.lastRequest += 1
    replica.forwarded.set(replica.lastRequest, { ids, askedAt: replica.nowMs })
    replica.send(leader, { kind: 'readIndex', request: replica.lastRequest })
  }
}

/** Reads waiting here, for a leader or as one. */
export function pendingReads(replica: ReplicaState): number {
  let count = replica.leading?.pendingReads ?? 0
  for (const { ids } of replica.forwarded.values()) count += ids.length
  return count
}

export function handleReadIndex(replica: ReplicaState, { from, request }: ReadIndex): void {
  const { leading } = replica
  const isFull = pendingReads(replica) >= replica.settings.maxPendingReads
  if (leading === undefined || isFull) replica.send(from, { kind: 'readIndexReply', request, index: undefined })
  else {
    leading.waiting.requests.push({ from, request })
    startConfirming(replica)
  }
}

export function handleReadIndexReply(replica: ReplicaState, { request, index }: ReadIndexReply): void {
  const forwarded = replica.forwarded.get(request)
  if (forwarded === undefined) return
  replica.forwarded.delete(request)
  if (index === undefined) replica.refuse(forwarded.ids, 'notLeader')
  else replica.emit({ type: 'readable', ids: forwarded.ids, index })
}

/** Whoever was asked leads no more, or nobody knows who does. */
export function refuseForwarded(replica: ReplicaState): void {
  for (const { ids } of replica.forwarded.values()) replica.refuse(ids, 'notLeader')
  replica.forwarded.clear()
}

export function expireForwarded(replica: ReplicaState): void {
  for (const [request, { ids, askedAt }] of replica.forwarded) {
    if (replica.nowMs - askedAt < replica.settings.electionTimeoutMs[0]) continue
    replica.forwarded.delete(request)
    replica.refuse(ids, 'notLeader')
  }
}

/** Begins a round for all reads that wait, unless one is on its way, or the term has committed nothing yet. */
export function startConfirming(replica: ReplicaState): void {
  const { leading, commit, settings } = replica
  if (leading === undefined || leading.confirming !== undefined) return
  if (leading.waiting.ids.length + leading.waiting.requests.length === 0) return
  const isPlanted = settings.bug === 'stale-read'
  if (commit < leading.termStart && !isPlanted) return
  if (decidesAlone(replica) || isPlanted) {
    confirmed(replica, takeWaiting(leading), commit)
    return
  }
  startRound(replica)
  leading.confirming = { ...takeWaiting(leading), round: replica.round, index: commit }
}

/** A peer has replied: perhaps the last that a round of reads needed. */
export function confirmReads(replica: ReplicaState): void {
  const { leading } = replica
  const confirming = leading?.confirming
  if (leading === undefined || confirming === undefined) return
  const isConfirmed = hasQuorum(replica.memberships.voters, (member) => {
    if (isSelf(replica, member)) return true
    const peer = leading.peers.get(member.id)
    return peer?.incarnation === member.incarnation && peer.confirmedRound >= confirming.round
  })
  if (!isConfirmed) return
  leading.confirming = undefined
  confirmed(replica, confirming, confirming.index)
  startConfirming(replica)
}

/** Whether nobody else can lead yet: a quorum has promised so, from when the round was sent that it replied to. */
export function hasLease(replica: ReplicaState): boolean {
  const { leading, nowMs, settings } = replica
  if (leading === undefined || !settings.leaseReads || !settings.checkQuorum) return false
  if (replica.commit < leading.termStart || replica.handover !== undefined) return false
  if (leading.leaseFloor > 0 && replica.commit <= leading.leaseFloor) return false
  if (decidesAlone(replica)) return true
  const round = quorumValue(replica.memberships.voters, (member) => {
    if (isSelf(replica, member)) return replica.round
    const peer = leading.peers.get(member.id)
    return peer?.incarnation === member.incarnation ? peer.confirmedRound : 0
  })
  const sentAt = leading.roundsSent.find((sent) => sent.round === round)?.at
  if (sentAt === undefined || sentAt > nowMs || sentAt <= leading.clockFloor) return false
  return nowMs - sentAt < settings.electionTimeoutMs[0] / (1 + settings.maxClockDrift)
}

function takeWaiting(leading: Leadership): WaitingReads {
  const { waiting } = leading
  leading.waiting = { ids: [], requests: [] }
  return waiting
}

function confirmed(replica: ReplicaState, reads: WaitingReads, index: LogIndex): void {
  replica.trace({ name: 'readConfirmed', index, count: reads.ids.length + reads.requests.length })
  release(replica, reads, index)
}

function release(replica: ReplicaState, { ids, requests }: WaitingReads, index: LogIndex): void {
  if (ids.length > 0) replica.emit({ type: 'readable', ids, index })
  for (const { from, request } of requests) replica.send(from, { kind: 'readIndexReply', request, index })
}
