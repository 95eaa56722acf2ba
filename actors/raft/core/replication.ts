// A leader's side of log replication: rounds of heartbeats, appends within each peer's limits, replies.
//
// Invariants: entries leave in parallel with the leader's own write; a reply counts for the life of the disk that is
// configured, and for what it proves only; whatever a lost message leaves behind, the next round finds.

import { commitByCounting, isSelf } from './commit.ts'
import type { Entry, LogIndex, LogPosition, ReplicaId } from './entry.ts'
import type { Leadership } from './leadership.ts'
import { advanceMembership, giveUpChanges, noticeLife } from './membership.ts'
import type { AppendReply } from './message.ts'
import { Progress } from './progress.ts'
import { releaseCommitted } from './proposals.ts'
import { maybeQuiesce } from './quiescence.ts'
import { hasQuorum } from './quorum.ts'
import { batchEnd } from './raft-log.ts'
import { confirmReads, startConfirming } from './reads.ts'
import type { ReplicaState } from './replica-state.ts'
import { stepDown } from './roles.ts'
import { beginSnapshot, checkSnapshots } from './snapshot-transfer.ts'
import { advanceHandover, checkHandover } from './transfer.ts'

/** The heartbeat timer has fired. */
export function heartbeatTimeout(replica: ReplicaState): void {
  const { leading, settings, nowMs } = replica
  if (leading === undefined) return
  if (settings.checkQuorum && nowMs >= leading.checkAt && !renewQuorum(replica, leading)) {
    stepDown(replica, 'noQuorum')
    return
  }
  checkHandover(replica)
  giveUpChanges(replica)
  if (replica.role !== 'leader') return
  checkSnapshots(replica)
  leading.marks = [leading.marks[1], replica.log.lastIndex]
  advanceMembership(replica)
  if (replica.role !== 'leader' || maybeQuiesce(replica)) return
  startRound(replica)
  replica.setTimer('heartbeat', settings.heartbeatMs)
}

/** Sends a heartbeat to everybody, of a round of its own. */
export function startRound(replica: ReplicaState, quiesce = false): void {
  const { leading, nowMs, settings } = replica
  if (leading === undefined) return
  replica.round += 1
  const oldest = nowMs - settings.electionTimeoutMs[1]
  leading.roundsSent = leading.roundsSent.filter(({ at }) => at >= oldest)
  leading.roundsSent.push({ round: replica.round, at: nowMs })
  for (const peer of leading.peers.values()) sendHeartbeat(replica, peer, quiesce)
}

export function replicateToAll(replica: ReplicaState): void {
  const { leading } = replica
  if (leading === undefined) return
  leading.idleRounds = 0
  for (const peer of leading.peers.values()) replicateTo(replica, peer)
}

/** Sends a peer what it may be sent now. */
export function replicateTo(replica: ReplicaState, peer: Progress): void {
  const { log, settings } = replica
  const through = sendableTo(replica, peer)
  while (!peer.isPaused(settings) && peer.next <= through) {
    const previous = placeBefore(replica, peer.next)
    if (previous === undefined) {
      beginSnapshot(replica, peer)
      return
    }
    const atMost = Math.min(settings.maxBatch, through + 1 - peer.next)
    const entries = log.slice(peer.next, atMost, settings.maxBatchBytes)
    if (entries === undefined) {
      fetch(replica, peer)
      return
    }
    sendEntries(replica, peer, previous, entries)
  }
}

/** The leader's own write is done: witnesses may have what it holds. */
export function replicateToWitnesses(replica: ReplicaState): void {
  for (const peer of replica.leading?.peers.values() ?? []) {
    if (isWitness(replica, peer)) replicateTo(replica, peer)
  }
}

/** Entries for a peer have been read from the disk. */
export function handleFetched(replica: ReplicaState, to: ReplicaId, from: LogIndex, entries: readonly Entry[]): void {
  const peer = replica.leading?.peers.get(to)
  // A late answer, to a question that nobody asks any more, is none to the one that is asked now.
  if (peer === undefined || peer.fetching !== from) return
  peer.fetching = undefined
  const previous = placeBefore(replica, peer.next)
  const sound = entries.findIndex(({ index, term }, at) => index !== from + at || replica.log.termAt(index) !== term)
  const usable = sound < 0 ? entries : entries.slice(0, sound)
  if (previous !== undefined && peer.next === from && usable.length > 0) {
    sendFetched(replica, peer, usable)
    replicateTo(replica, peer)
  } else if (previous === undefined || peer.next === from) {
    // Compacted meanwhile, or damaged: the snapshot may stand for it. Else the next round tries again.
    beginSnapshot(replica, peer)
  } else replicateTo(replica, peer)
}

export function handleAppendReply(replica: ReplicaState, reply: AppendReply): void {
  const { leading } = replica
  if (leading === undefined) return
  const peer = leading.peers.get(reply.from)
  if (peer === undefined || peer.incarnation !== reply.incarnation) {
    noticeLife(replica, reply)
    return
  }
  // The configured life is the present one: what was heard of another is of the past.
  if ((leading.newLives.get(peer.id)?.noticedRound ?? reply.round) < reply.round) leading.newLives.delete(peer.id)
  peer.isActive = true
  peer.confirmedRound = Math.max(peer.confirmedRound, Math.min(reply.round, replica.round))
  if (reply.outcome.accepted) handleAccepted(replica, peer, reply.outcome.match, reply.round)
  else handleRefused(replica, peer, reply.outcome, reply.round)
  confirmReads(replica)
}

/** Commits what can be, and does what waited for it. */
export function maybeCommit(replica: ReplicaState): void {
  const { leading } = replica
  if (leading === undefined || !commitByCounting(replica)) return
  releaseCommitted(leading, replica.commit)
  advanceMembership(replica)
  // Whoever was still to answer may have left the group: perhaps nobody is missing now, or is left to answer.
  confirmReads(replica)
  startConfirming(replica)
}

/** One progress for each other member, in its present life. */
export function syncPeers(replica: ReplicaState, next: LogIndex): void {
  const { leading } = replica
  if (leading === undefined) return
  const members = replica.memberships.members().filter(({ id }) => id !== replica.id)
  for (const { id, incarnation } of members) {
    if (leading.peers.get(id)?.incarnation === incarnation) continue
    leading.peers.set(id, new Progress(id, incarnation, next))
    leading.newLives.delete(id)
  }
  for (const id of leading.peers.keys()) {
    if (!members.some((member) => member.id === id)) leading.peers.delete(id)
  }
}

function handleAccepted(replica: ReplicaState, peer: Progress, match: LogIndex, round: number): void {
  if (match > replica.log.lastIndex) return
  const isNews = peer.acknowledged(match, round)
  if (isNews) replica.trace({ name: 'acknowledged', by: peer.id, incarnation: peer.incarnation, match })
  const isReached = peer.state === 'snapshot' && peer.match >= replica.log.base.index
  if (peer.state === 'probe' || isReached) peer.becomeReplicate()
  if (isNews) {
    maybeCommit(replica)
    advanceHandover(replica)
    advanceMembership(replica)
  }
  if (replica.leading !== undefined) replicateTo(replica, peer)
}

function handleRefused(
  replica: ReplicaState,
  peer: Progress,
  { previous, hint }: { readonly previous: LogIndex; readonly hint: LogPosition },
  round: number,
): void {
  if (peer.state === 'snapshot') return
  if (previous <= peer.match) {
    // Late, unless it was asked after the reply that confirmed `match`: then its log is shorter than it was, by damage.
    if (round <= peer.matchRound) return
    peer.match = Math.min(peer.match, hint.index)
  } else if (peer.state === 'probe' && previous !== (placeBefore(replica, peer.next) ?? replica.log.base).index) return
  const agreed = replica.log.lastAtMost(hint.index, hint.term)
  const next = agreed === undefined ? Math.min(hint.index + 1, replica.log.base.index) : agreed.index + 1
  peer.becomeProbe(Math.max(peer.match + 1, Math.min(previous, next), 1))
  replicateTo(replica, peer)
}

/** Empty, behind what the peer should have by now: it refuses if it has not, and so a loss is found. */
function sendHeartbeat(replica: ReplicaState, peer: Progress, quiesce: boolean): void {
  const { log, commit, round } = replica
  const previous = placeBefore(replica, peer.state === 'snapshot' ? log.firstIndex : peer.next) ?? log.base
  const flag = quiesce ? { quiesce } : {}
  replica.send(peer.id, { kind: 'append', previous, entries: [], commit, round, ...flag })
}

/** A read costs time whatever its size: one for all that may be on its way to the peer. */
function fetch(replica: ReplicaState, peer: Progress): void {
  const { maxBatch, maxBatchBytes, maxInflight, maxInflightBytes } = replica.settings
  const isAhead = peer.state === 'replicate'
  const maxEntries = isAhead ? maxBatch * (maxInflight - peer.inflight) : maxBatch
  const maxBytes = isAhead ? Math.max(maxBatchBytes, maxInflightBytes - peer.inflightBytes) : maxBatchBytes
  peer.fetching = peer.next
  replica.emit({ type: 'fetch', to: peer.id, from: peer.next, maxEntries, maxBytes })
}

/** What was read leaves batch by batch, as far as the peer's limits go. */
function sendFetched(replica: ReplicaState, peer: Progress, entries: readonly Entry[]): void {
  const { settings } = replica
  let start = 0
  while (start < entries.length && !peer.isPaused(settings)) {
    const previous = placeBefore(replica, peer.next)
    if (previous === undefined) return
    const end = batchEnd(entries, start, settings.maxBatch, settings.maxBatchBytes)
    sendEntries(replica, peer, previous, entries.slice(start, end))
    start = end
  }
}

function sendEntries(replica: ReplicaState, peer: Progress, previous: LogPosition, entries: readonly Entry[]): void {
  const { commit, round } = replica
  let bytes = 0
  for (const entry of entries) bytes += entry.bytes.length
  replica.send(peer.id, { kind: 'append', previous, entries, commit, round })
  peer.sent(previous.index + entries.length, bytes)
}

/** The place before an index; undefined if it is compacted away. */
function placeBefore(replica: ReplicaState, index: LogIndex): LogPosition | undefined {
  const term = replica.log.termAt(index - 1)
  return term === undefined ? undefined : { index: index - 1, term }
}

/**
 * A witness never leads, so what it alone has could neither be committed nor be overwritten, and would keep everybody
 * else from being elected: it gets what is durable here only.
 */
function sendableTo(replica: ReplicaState, peer: Progress): LogIndex {
  return isWitness(replica, peer) ? replica.writes.durable : replica.log.lastIndex
}

function isWitness(replica: ReplicaState, { id }: Progress): boolean {
  return replica.memberships.member(id)?.role === 'witness'
}

/** CheckQuorum: whether a quorum has been heard of since the last look. */
function renewQuorum(replica: ReplicaState, leading: Leadership): boolean {
  const holds = hasQuorum(replica.memberships.voters, (member) => {
    if (isSelf(replica, member)) return true
    const peer = leading.peers.get(member.id)
    return peer?.incarnation === member.incarnation && peer.isActive
  })
  for (const peer of leading.peers.values()) peer.isActive = false
  leading.checkAt = replica.nowMs + replica.settings.electionTimeoutMs[1]
  return holds
}
