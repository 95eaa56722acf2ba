// Changes of membership (Raft thesis §4): learners first, then voters; one voter at a time, or jointly; in force from the
// moment they stand in the log.
//
// Invariants: a change begins only while the latest configuration is committed and not joint, and an entry of the
// leader's own term is committed (the bug of 2015 in the single-server rule); quorums of two configurations that may
// both be in force intersect; another life of a member counts for nothing until the log says so.

import type { Configuration, Member } from './configuration.ts'
import { encodeConfiguration } from './configuration-codec.ts'
import type { MembershipChange } from './input.ts'
import type { Leadership, PendingChange } from './leadership.ts'
import { isThrough, change as plan, toward, withLearners, withNewLife } from './membership-plan.ts'
import type { AppendReply } from './message.ts'
import { appendOwn } from './proposals.ts'
import { hasQuorum } from './quorum.ts'
import type { ReplicaState } from './replica-state.ts'
import { replicateToAll, startRound, syncPeers } from './replication.ts'
import { stepDown } from './roles.ts'

/** A replacement whose new members do not catch up is given up after so many election time-outs. */
const patience = 10

export function changeMembership(replica: ReplicaState, id: number, change: MembershipChange, epochMs: number): void {
  const { leading, configuration } = replica
  const refusal = refusalOf(replica, change)
  if (leading === undefined || refusal !== undefined) {
    replica.refuse([id], refusal ?? 'notLeader')
    return
  }
  const planned = plan(configuration, change, (member) => isCaughtUp(replica, member))
  if (typeof planned === 'string') {
    replica.refuse([id], planned)
    return
  }
  const giveUpAt = replica.nowMs + patience * replica.settings.electionTimeoutMs[1]
  // A learner that shall be a voter says so in the log; these wait here, until the newcomers have caught up.
  const isWaiting = change.op === 'replaceAll' || (change.op === 'add' && change.role === 'witness')
  leading.changes.push({ id, change, giveUpAt, isWaiting })
  const next = isWaiting ? withLearners(configuration, planned.members) : planned
  if (next !== undefined) appendConfiguration(replica, next, epochMs)
  else advanceMembership(replica)
}

/** Whatever can go on now goes on: called whenever something is committed or somebody has caught up. */
export function advanceMembership(replica: ReplicaState): void {
  const { leading, memberships, configuration } = replica
  if (leading === undefined || memberships.latest.at > replica.commit) return
  if (configuration.outgoing !== undefined) {
    // Only the leader that sees the joint entry committed leaves it: also one that found it in its log.
    if (replica.commit >= leading.termStart) appendConfiguration(replica, { members: configuration.members })
    return
  }
  settle(replica, leading)
  if (replica.commit < leading.termStart) return
  if (!replica.isVoter) {
    startRound(replica)
    stepDown(replica, 'removed')
    return
  }
  if (replica.handover !== undefined) return
  const next = automatic(replica, leading)
  if (next !== undefined) appendConfiguration(replica, next)
}

/** Replacements whose new members do not come up are refused; they stay learners. */
export function giveUpChanges(replica: ReplicaState): void {
  const { leading, nowMs } = replica
  if (leading === undefined) return
  const late = leading.changes.filter(({ isWaiting, giveUpAt }) => isWaiting && nowMs >= giveUpAt)
  if (late.length === 0) return
  leading.changes = leading.changes.filter((change) => !late.includes(change))
  replica.refuse(
    late.map(({ id }) => id),
    'notCaughtUp',
  )
}

/**
 * A reply from a life that the configuration does not know. If it replies to a round sent after it was first heard,
 * it is the present one: a past one is gone.
 */
export function noticeLife(replica: ReplicaState, { from, incarnation, round }: AppendReply): void {
  const { leading } = replica
  const member = replica.memberships.member(from)
  if (leading === undefined || member === undefined || member.incarnation === incarnation) return
  const known = leading.newLives.get(from)
  if (known?.incarnation !== incarnation) {
    if (known === undefined || round > known.noticedRound) {
      leading.newLives.set(from, { incarnation, noticedRound: replica.round, isConfirmed: false })
    }
    return
  }
  if (round <= known.noticedRound || known.isConfirmed) return
  known.isConfirmed = true
  advanceMembership(replica)
}

function refusalOf(replica: ReplicaState, change: MembershipChange) {
  const { leading, memberships, commit } = replica
  if (leading === undefined) return 'notLeader'
  if (replica.handover !== undefined) return 'transferring'
  if (commit < leading.termStart) return 'notReady'
  const isUnderWay = memberships.latest.at > commit || memberships.latest.configuration.outgoing !== undefined
  if (isUnderWay || leading.changes.some(({ isWaiting }) => isWaiting)) return 'changeInProgress'
  const voters = memberships.voters.flat()
  const isLast = change.op === 'remove' && voters.length === 1 && voters[0]?.id === change.node
  return isLast ? 'unsupported' : undefined
}

/** Tells whoever waits for what is committed now. */
function settle(replica: ReplicaState, leading: Leadership): void {
  const { configuration } = replica
  const open: PendingChange[] = []
  for (const pending of leading.changes) {
    const outcome = pending.isWaiting ? undefined : isThrough(configuration, pending.change)
    if (outcome === true) replica.emit({ type: 'done', id: pending.id })
    else if (outcome === false) replica.refuse([pending.id], 'notMember')
    else open.push(pending)
  }
  leading.changes = open
}

/** What the leader changes by itself: another life becomes a learner, a learner that has caught up becomes a voter. */
function automatic(replica: ReplicaState, leading: Leadership): Configuration | undefined {
  const { configuration } = replica
  for (const [id, { incarnation, isConfirmed }] of leading.newLives) {
    const next = isConfirmed ? withNewLife(configuration, id, incarnation) : undefined
    if (next !== undefined) return next
  }
  const waiting = leading.changes.find(({ isWaiting }) => isWaiting)
  if (waiting !== undefined) {
    const target = plan(configuration, waiting.change, () => true)
    if (typeof target === 'string') return undefined
    const voters = [target.members.filter(({ role }) => role !== 'learner')]
    const isReady = (member: Member) => isCaughtUp(replica, member)
    const added = waiting.change.op === 'add' ? waiting.change.node : undefined
    if (!hasQuorum(voters, isReady) || !target.members.every((member) => member.id !== added || isReady(member)))
      return undefined
    waiting.isWaiting = false
    return toward(configuration, target.members)
  }
  const ready = configuration.members.find((member) => member.promote === true && isCaughtUp(replica, member))
  if (ready === undefined) return undefined
  const { id, incarnation } = ready
  const promoted: Member = { id, incarnation, role: 'voter' }
  return toward(
    configuration,
    configuration.members.map((member) => (member === ready ? promoted : member)),
  )
}

/** It has everything that the log held a heartbeat ago. */
function isCaughtUp(replica: ReplicaState, { id, incarnation }: Member): boolean {
  const { leading } = replica
  if (id === replica.id) return incarnation === replica.incarnation
  const peer = leading?.peers.get(id)
  if (leading === undefined || peer === undefined || peer.incarnation !== incarnation) return false
  return peer.state === 'replicate' && peer.match >= leading.marks[0]
}

function appendConfiguration(replica: ReplicaState, configuration: Configuration, epochMs?: number): void {
  appendOwn(replica, 'configuration', encodeConfiguration(configuration), epochMs)
  syncPeers(replica, replica.log.lastIndex)
  replicateToAll(replica)
}
