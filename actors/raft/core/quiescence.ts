// A group without work falls silent: the leader says so in a last round, and nobody's timer runs. Any message but that
// one, any request and any campaign wakes a replica, and through it the others.

import type { ReplicaState } from './replica-state.ts'
import { startRound } from './replication.ts'
import { resetElection, stopElectionTimer } from './roles.ts'

/** Falls silent if there has been nothing to do for long enough. */
export function maybeQuiesce(replica: ReplicaState): boolean {
  const { leading, log, commit, settings } = replica
  if (leading === undefined) return false
  const { peers, changes, pendingReads, newLives } = leading
  const isIdle =
    commit === log.lastIndex &&
    changes.length + pendingReads + newLives.size === 0 &&
    replica.handover === undefined &&
    [...peers.values()].every(
      ({ match, confirmedRound }) => match === log.lastIndex && confirmedRound === replica.round,
    )
  leading.idleRounds = isIdle ? leading.idleRounds + 1 : 0
  if (leading.idleRounds <= settings.quiesceAfterRounds) return false
  startRound(replica, true)
  replica.isQuiesced = true
  replica.setTimer('heartbeat', undefined)
  return true
}

export function quiesceAsFollower(replica: ReplicaState): void {
  replica.isQuiesced = true
  stopElectionTimer(replica)
}

/** There is something to do again. */
export function wake(replica: ReplicaState): void {
  if (!replica.isQuiesced) return
  replica.isQuiesced = false
  const { leading, nowMs, settings } = replica
  if (leading === undefined) {
    // As if heard from just now: the leader has had no reason to speak.
    replica.leaderContactAt = nowMs
    resetElection(replica)
    return
  }
  leading.idleRounds = 0
  leading.checkAt = nowMs + settings.electionTimeoutMs[1]
  for (const peer of leading.peers.values()) peer.isActive = false
  startRound(replica)
  replica.setTimer('heartbeat', settings.heartbeatMs)
}
