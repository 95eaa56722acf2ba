// Snapshots: compaction behind an own one, handing one to a peer that the log no longer reaches, receiving one.
//
// Invariants: the log is compacted only behind a durable snapshot; chunks are acknowledged one by one and kept over
// breaks and changes of leader; one is installed only if it is newer than what is committed; no peer stays in this state
// when it is gone.

import { crc32c } from '../../../src/storage/crc32c.ts'
import { handOver } from './commit.ts'
import type { LogIndex, LogPosition } from './entry.ts'
import { hearLeader } from './following.ts'
import type { Snapshot, SnapshotDescription, SnapshotReply } from './message.ts'
import type { Progress } from './progress.ts'
import { isBehind, type ReplicaState } from './replica-state.ts'
import { replicateTo } from './replication.ts'

/** An own snapshot is durable: the log before it may go, but for what peers are just about to need. */
export function snapshotTaken(replica: ReplicaState, snapshot: SnapshotDescription): void {
  const { log } = replica
  const { last } = snapshot
  const known = replica.snapshot?.last.index ?? 0
  if (last.index <= known || last.index > replica.commit || !log.has(last)) return
  replica.snapshot = snapshot
  const through = Math.max(log.base.index, Math.min(last.index, neededBy(replica) - 1))
  if (through === log.base.index) return
  log.compact(through)
  replica.trace({ name: 'compact', through })
  replica.emit({ type: 'compact', through })
}

/** Turns to the snapshot for a peer, unless it is gone or has just failed at it. */
export function beginSnapshot(replica: ReplicaState, peer: Progress): void {
  const { snapshot, nowMs } = replica
  if (snapshot === undefined || snapshot.last.index <= peer.match || !peer.isActive || nowMs < peer.snapshotNotBefore) {
    if (peer.state === 'probe') peer.isProbing = true
    return
  }
  peer.becomeSnapshot(snapshot.last, nowMs)
  sendChunk(replica, peer, snapshot, 0)
}

/** Asks again for what got lost, and lets go of who is gone. */
export function checkSnapshots(replica: ReplicaState): void {
  const { leading, nowMs, settings } = replica
  for (const peer of leading?.peers.values() ?? []) {
    if (peer.snapshot === undefined || nowMs - peer.snapshot.activeAt < settings.electionTimeoutMs[1]) continue
    const { offset } = peer.snapshot
    if (peer.isActive && replica.snapshot !== undefined) sendChunk(replica, peer, replica.snapshot, offset)
    else peer.becomeProbe(peer.match + 1)
  }
}

export function handleSnapshotReply(replica: ReplicaState, reply: SnapshotReply): void {
  const peer = replica.leading?.peers.get(reply.from)
  if (peer === undefined || peer.incarnation !== reply.incarnation) return
  peer.isActive = true
  const { snapshot } = replica
  if (peer.snapshot === undefined || snapshot === undefined || !samePlace(peer.snapshot.last, reply.last)) return
  if (reply.state === 'installed') {
    peer.becomeProbe(Math.max(peer.match, reply.last.index) + 1)
    replicateTo(replica, peer)
    probe(replica, peer)
  } else if (reply.state === 'refused') {
    peer.becomeProbe(peer.match + 1)
    peer.snapshotNotBefore = replica.nowMs + replica.settings.electionTimeoutMs[1]
    peer.isProbing = true
  } else if (reply.nextOffset !== peer.snapshot.offset) sendChunk(replica, peer, snapshot, reply.nextOffset)
}

export function handleSnapshot(replica: ReplicaState, message: Snapshot): void {
  if (replica.role === 'leader') return
  hearLeader(replica, message.from)
  const { snapshot, offset, chunk } = message
  if (snapshot.last.index <= replica.commit) {
    replica.send(message.from, {
      kind: 'snapshotReply',
      last: snapshot.last,
      nextOffset: snapshot.size,
      state: 'installed',
    })
    return
  }
  let { receiving } = replica
  if (receiving?.isStoring === true || receiving?.isInstalling === true) return
  if (receiving === undefined || !sameSnapshot(receiving.snapshot, snapshot)) {
    receiving = { snapshot, nextOffset: 0, isStoring: false, isInstalling: false }
    replica.receiving = receiving
  }
  const isSound = offset + chunk.length <= snapshot.size && crc32c(chunk) === message.chunkChecksum
  const isEmpty = chunk.length === 0 && snapshot.size > 0
  if (offset !== receiving.nextOffset || !isSound || isEmpty) {
    replyReceiving(replica, receiving.snapshot, receiving.nextOffset)
    return
  }
  receiving.isStoring = true
  replica.emit({ type: 'storeChunk', snapshot, offset, chunk })
}

export function chunkStored(replica: ReplicaState, last: LogPosition, nextOffset: number): void {
  const { receiving, log, commit } = replica
  if (receiving === undefined || !receiving.isStoring || !samePlace(receiving.snapshot.last, last)) return
  const { snapshot } = receiving
  receiving.isStoring = false
  receiving.nextOffset = nextOffset
  if (last.index <= commit) replica.receiving = undefined
  else if (nextOffset >= snapshot.size) {
    receiving.isInstalling = true
    const keepFrom = log.has(last) ? last.index + 1 : undefined
    const voteFloor = isBehind(last, replica.voteFloor ?? last) ? replica.voteFloor : undefined
    const hardState = { ...replica.hardState, commit: last.index, voteFloor }
    replica.emit({ type: 'installSnapshot', snapshot, hardState, keepFrom })
    return
  }
  replyReceiving(replica, snapshot, nextOffset)
}

export function snapshotInstalled(replica: ReplicaState, snapshot: SnapshotDescription, isIntact: boolean): void {
  const { receiving, log, writes } = replica
  if (receiving === undefined || !receiving.isInstalling || !sameSnapshot(receiving.snapshot, snapshot)) return
  replica.receiving = undefined
  const { last, configuration } = snapshot
  if (!isIntact) {
    replyReceiving(replica, snapshot, 0)
    return
  }
  const keepsLater = log.has(last)
  if (keepsLater) log.compact(last.index)
  else {
    if (log.lastIndex > last.index) replica.emit({ type: 'overwritten', from: last.index + 1 })
    log.reset(last)
  }
  writes.reset(last.index, keepsLater)
  replica.snapshot = snapshot
  if (replica.voteFloor !== undefined && !isBehind(log.last, replica.voteFloor)) {
    replica.voteFloor = undefined
    writes.isHardStateDirty = true
  }
  replica.memberships.reset({ at: last.index, configuration }, keepsLater)
  replica.commit = last.index
  replica.handed = last.index
  replica.applied = last.index
  replica.trace({ name: 'installSnapshot', last })
  replica.sayConfiguration(true)
  if (replica.memberships.latest.at > last.index) replica.sayConfiguration(false)
  handOver(replica)
  if (replica.leader !== undefined && replica.role === 'follower') {
    const { size } = snapshot
    replica.send(replica.leader, { kind: 'snapshotReply', last, nextOffset: size, state: 'installed' })
  }
}

/**
 * The first entry that a live peer still needs. For one that is replicated to, what lies within a batch of the last is
 * kept; for one that is being handed a snapshot, what comes behind it, as far as may be on its way to a peer: else it
 * would need another snapshot as soon as it has this one, and so for ever.
 */
function neededBy(replica: ReplicaState): LogIndex {
  const { leading, log, settings } = replica
  const end = log.lastIndex + 1
  let needed = end
  for (const { state, match, snapshot, isActive } of leading?.peers.values() ?? []) {
    if (!isActive) continue
    const isReplicated = state === 'replicate'
    const from = isReplicated ? match + 1 : Math.max(match, snapshot?.last.index ?? 0) + 1
    const most = settings.maxBatch * (isReplicated ? 1 : settings.maxInflight)
    if (from > 1) needed = Math.min(needed, Math.max(from, end - most))
  }
  return needed
}

/** From the latest own snapshot, the only one that the host still has: if that is another by now, from its start. */
function sendChunk(replica: ReplicaState, peer: Progress, snapshot: SnapshotDescription, offset: number): void {
  const isSame = peer.snapshot !== undefined && samePlace(peer.snapshot.last, snapshot.last)
  if (!isSame || offset > snapshot.size) peer.becomeSnapshot(snapshot.last, replica.nowMs)
  const from = isSame && offset <= snapshot.size ? offset : 0
  if (peer.snapshot !== undefined) {
    peer.snapshot.offset = from
    peer.snapshot.activeAt = replica.nowMs
  }
  replica.emit({ type: 'sendChunk', to: peer.id, snapshot, offset: from, term: replica.term })
}

/** With nothing to send, an empty append asks whether the logs now agree. */
function probe(replica: ReplicaState, peer: Progress): void {
  if (peer.state !== 'probe' || peer.isProbing) return
  const { commit, round, log } = replica
  const term = log.termAt(peer.next - 1)
  if (term === undefined) return
  const previous = { index: peer.next - 1, term }
  replica.send(peer.id, { kind: 'append', previous, entries: [], commit, round })
}

function replyReceiving(replica: ReplicaState, { last }: SnapshotDescription, nextOffset: number): void {
  if (replica.leader === undefined || replica.role !== 'follower') return
  replica.send(replica.leader, { kind: 'snapshotReply', last, nextOffset, state: 'receiving' })
}

function samePlace(a: LogPosition, b: LogPosition): boolean {
  return a.index === b.index && a.term === b.term
}

function sameSnapshot(a: SnapshotDescription, b: SnapshotDescription): boolean {
  return samePlace(a.last, b.last) && a.checksum === b.checksum && a.size === b.size
}
