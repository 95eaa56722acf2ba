// Leadership handed over on purpose (Raft thesis §3.10): bring the target up to date, tell it to stand, and lead on if
// nothing comes of it. A leader whose disk fails hands over by itself, and steps down if that fails.

import { stand } from './election.ts'
import type { ReplicaId } from './entry.ts'
import type { TimeoutNow } from './message.ts'
import type { ReplicaState } from './replica-state.ts'
import { replicateTo } from './replication.ts'
import { mayStand, stepDown } from './roles.ts'

export function transfer(replica: ReplicaState, id: number, to: ReplicaId): void {
  const member = replica.memberships.member(to)
  if (replica.leading === undefined) replica.refuse([id], 'notLeader')
  else if (replica.handover !== undefined) replica.refuse([id], 'transferring')
  else if (to === replica.id) replica.emit({ type: 'done', id })
  else if (member?.role === 'learner') replica.refuse([id], 'isLearner')
  else if (member?.role !== 'voter') replica.refuse([id], 'notMember')
  else begin(replica, id, to)
}

/** The disk does not take writes: whoever has most of the log shall lead. */
export function handOverForDisk(replica: ReplicaState): void {
  const { leading } = replica
  if (leading === undefined || replica.handover !== undefined) return
  let best: { readonly id: ReplicaId; readonly match: number } | undefined
  for (const { id, incarnation, isActive, state, match } of leading.peers.values()) {
    const isFit = isActive && state === 'replicate' && replica.memberships.member(id)?.role === 'voter'
    if (isFit && replica.memberships.isVoter(id, incarnation) && match > (best?.match ?? -1)) best = { id, match }
  }
  if (best === undefined) stepDown(replica, 'disk')
  else begin(replica, undefined, best.id)
}

/** Tells the target to stand once it has the whole log. */
export function advanceHandover(replica: ReplicaState): void {
  const { leading, handover, log } = replica
  if (leading === undefined || handover === undefined || handover.isSent) return
  const peer = leading.peers.get(handover.to)
  if (peer === undefined || peer.match !== log.lastIndex) return
  handover.isSent = true
  // From here on another may be elected in spite of every lease.
  leading.leaseFloor = log.lastIndex
  replica.trace({ name: 'transferSent', to: handover.to })
  replica.send(handover.to, { kind: 'timeoutNow', last: log.last })
}

/** Gives up what has taken longer than an election. */
export function checkHandover(replica: ReplicaState): void {
  const { handover, nowMs } = replica
  if (handover === undefined || nowMs < handover.deadline) return
  replica.handover = undefined
  if (handover.id !== undefined) replica.refuse([handover.id], handover.isSent ? 'noQuorum' : 'notCaughtUp')
  const mustGo = handover.id === undefined || replica.hasDiskTrouble || replica.hasFailedWrite
  if (mustGo && replica.role === 'leader') stepDown(replica, 'disk')
}

/** The role or the leader has changed: is it the one meant? */
export function settleHandover(replica: ReplicaState): void {
  const { handover, leader } = replica
  if (handover === undefined || leader === undefined) return
  replica.handover = undefined
  if (handover.id === undefined) return
  if (leader === handover.to) replica.emit({ type: 'done', id: handover.id })
  else replica.refuse([handover.id], 'noQuorum')
}

/** Stale unless the log still ends where the leader saw it end. */
export function handleTimeoutNow(replica: ReplicaState, { from, last }: TimeoutNow): void {
  const { log } = replica
  const isMeant = replica.role === 'follower' && replica.leader === from
  if (isMeant && log.lastIndex === last.index && log.has(last) && mayStand(replica)) stand(replica, true)
}

function begin(replica: ReplicaState, id: number | undefined, to: ReplicaId): void {
  replica.handover = { id, to, deadline: replica.nowMs + replica.settings.electionTimeoutMs[1], isSent: false }
  const peer = replica.leading?.peers.get(to)
  if (peer !== undefined) replicateTo(replica, peer)
  advanceHandover(replica)
}
