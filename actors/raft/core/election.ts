// How a leader is found: Pre-Vote, votes, time-outs (Raft paper §5.2, §5.4; thesis §9.6).
//
// Invariants: at most one vote a term and life of a disk, durable before it is told; a replica's own vote counts no
// earlier; a reply to a pre-vote counts for its round only, and for no vote. Whoever is asked answers, a learner or a
// replica without a configuration too: the candidate counts the lives that its own configuration names, and no others.

import type { Message, PreVote, PreVoteReply, Vote, VoteReply } from './message.ts'
import { tally } from './quorum.ts'
import { expireForwarded, refuseForwarded } from './reads.ts'
import { higherOf, isBehind, type ReplicaState } from './replica-state.ts'
import {
  armElection,
  becomeCandidate,
  becomeFollower,
  becomeLeader,
  becomePreCandidate,
  mayStand,
  resetElection,
} from './roles.ts'
import { checkHandover } from './transfer.ts'

/** The election timer has fired. */
export function electionTimeout(replica: ReplicaState): void {
  replica.timerFiresAt = undefined
  if (replica.role === 'leader' || replica.isQuiesced) return
  expireForwarded(replica)
  checkHandover(replica)
  if (replica.nowMs < replica.electionDeadline) {
    armElection(replica)
    return
  }
  if (mayStand(replica)) {
    campaign(replica)
    return
  }
  if (replica.role !== 'follower') becomeFollower(replica, replica.term, undefined)
  replica.setLeader(undefined)
  refuseForwarded(replica)
  resetElection(replica)
}

/** Stands for election, after a round of pre-votes if those are on. */
export function campaign(replica: ReplicaState): void {
  if (replica.role === 'leader' || !mayStand(replica)) return
  resetElection(replica)
  const ownVote = !upholdsLease(replica)
  if (!replica.settings.preVote) {
    if (ownVote) stand(replica, false)
    return
  }
  becomePreCandidate(replica)
  if (ownVote) replica.votes.set(replica.id, true)
  const { round } = replica
  const content = { kind: 'preVote', campaignTerm: replica.term + 1, round, last: replica.log.last } as const
  for (const peer of votersBeside(replica)) replica.send(peer, content)
  countPreVotes(replica)
}

/** Begins a term of its own. The requests leave once its vote for itself is durable, which also counts only then. */
export function stand(replica: ReplicaState, transfer: boolean): void {
  resetElection(replica)
  becomeCandidate(replica)
  const { last } = replica.log
  for (const peer of votersBeside(replica)) replica.send(peer, { kind: 'vote', last, transfer })
}

/** A write is done: perhaps the one with the vote for itself. */
export function countOwnVote(replica: ReplicaState): void {
  const { writes } = replica
  if (replica.role !== 'candidate' || replica.votes.has(replica.id) || writes.forHardState > writes.done) return
  replica.votes.set(replica.id, true)
  countVotes(replica)
}

export function handlePreVote(replica: ReplicaState, message: PreVote): void {
  const { campaignTerm, round, from } = message
  const granted = campaignTerm > replica.term && !isSticky(replica) && !isBehind(message.last, votingPosition(replica))
  if (!granted) replica.trace({ name: 'refusePreVote', term: replica.term, to: from })
  replica.send(from, { kind: 'preVoteReply', campaignTerm, round, granted })
}

export function handlePreVoteReply(replica: ReplicaState, reply: PreVoteReply): void {
  const isAnswer = reply.round === replica.round && reply.campaignTerm === replica.term + 1
  if (replica.role !== 'preCandidate' || !isAnswer || !isFromVoter(replica, reply)) return
  replica.votes.set(reply.from, reply.granted)
  countPreVotes(replica)
}

export function handleVote(replica: ReplicaState, message: Vote): void {
  const { from, last } = message
  const isFree =
    replica.votedFor === from ||
    (replica.votedFor === undefined && replica.leader === undefined && replica.role !== 'leader')
  const granted = isFree && (message.transfer || !isSticky(replica)) && !isBehind(last, votingPosition(replica))
  if (granted) {
    if (replica.votedFor === undefined) {
      replica.setTerm(replica.term, from)
      replica.trace({ name: 'grantVote', term: replica.term, to: from })
    }
    resetElection(replica)
  }
  const isPlanted = replica.settings.bug === 'vote-before-durable'
  replica.send(from, { kind: 'voteReply', granted }, isPlanted ? 0 : replica.writes.forHardState)
}

export function handleVoteReply(replica: ReplicaState, reply: VoteReply): void {
  if (replica.role !== 'candidate' || !isFromVoter(replica, reply)) return
  replica.votes.set(reply.from, reply.granted)
  countVotes(replica)
}

/**
 * Whether a leader is believed to be alive, so that nobody else gets a vote: a leader itself until CheckQuorum takes it
 * down, and who has heard from one within the least election time-out (Raft thesis §4.2.3).
 */
export function isSticky(replica: ReplicaState): boolean {
  if (!replica.settings.checkQuorum) return false
  return replica.role === 'leader' || replica.isQuiesced || hasRecentContact(replica)
}

/** Whether a vote request of a higher term is to be passed over: it would only disturb. */
export function isDisturbance(replica: ReplicaState, message: Message): boolean {
  return message.kind === 'vote' && !message.transfer && isSticky(replica)
}

/** It has promised the leader, by its last reply, to let nobody take over so soon. */
function upholdsLease(replica: ReplicaState): boolean {
  return replica.settings.leaseReads && replica.settings.checkQuorum && hasRecentContact(replica)
}

function hasRecentContact(replica: ReplicaState): boolean {
  return replica.nowMs - replica.leaderContactAt < replica.settings.electionTimeoutMs[0]
}

/** The log that a vote compares with: as it was before damage took entries away. */
function votingPosition(replica: ReplicaState) {
  return higherOf(replica.voteFloor, replica.log.last) ?? replica.log.last
}

function countPreVotes(replica: ReplicaState): void {
  const outcome = tallyOf(replica)
  // Won without its own vote, which it has promised to a leader's lease: to stand is to give it.
  const isBound = outcome === 'won' && upholdsLease(replica)
  if (outcome === 'won' && !isBound) stand(replica, false)
  else if (isBound || outcome === 'lost') becomeFollower(replica, replica.term, undefined)
}

function countVotes(replica: ReplicaState): void {
  const outcome = tallyOf(replica)
  if (outcome === 'won') becomeLeader(replica)
  else if (outcome === 'lost') becomeFollower(replica, replica.term, undefined)
}

function tallyOf(replica: ReplicaState) {
  return tally(replica.memberships.voters, ({ id, incarnation }) =>
    // Another life of this replica may be configured: its vote is not ours to give.
    id === replica.id && incarnation !== replica.incarnation ? undefined : replica.votes.get(id),
  )
}

function isFromVoter(replica: ReplicaState, { from, incarnation }: Message): boolean {
  return replica.memberships.isVoter(from, incarnation)
}

/** The other voters, each once. */
function votersBeside(replica: ReplicaState): Set<string> {
  const ids = new Set(replica.memberships.voters.flat().map(({ id }) => id))
  ids.delete(replica.id)
  return ids
}
