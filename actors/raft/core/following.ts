// A follower's side of log replication (Raft paper §5.3).
//
// Invariants: what matches is never truncated, however late a message comes; nothing committed is ever truncated; a
// reply covers what this message proves, and leaves once that is durable.

import { assert } from './assert.ts'
import { advanceCommit } from './commit.ts'
import { decodeConfiguration } from './configuration-codec.ts'
import type { LogIndex } from './entry.ts'
import type { Append, AppendReply } from './message.ts'
import { quiesceAsFollower } from './quiescence.ts'
import { isBehind, type ReplicaState } from './replica-state.ts'
import { becomeFollower, resetElection } from './roles.ts'

/** The leader of this term has been heard. */
export function hearLeader(replica: ReplicaState, leader: string): void {
  if (replica.role !== 'follower' || replica.leader !== leader) becomeFollower(replica, replica.term, leader)
  replica.leaderContactAt = replica.nowMs
  resetElection(replica)
}

export function handleAppend(replica: ReplicaState, message: Append): void {
  // Two leaders of one term: the other lies, or is not of this group.
  if (replica.role === 'leader' || !isWellFormed(message)) return
  hearLeader(replica, message.from)
  replica.isQuiesced = false
  const { log, writes, settings } = replica
  const { previous, entries } = message
  if (replica.receiving?.isInstalling === true || previous.index < log.base.index) {
    // What is committed here is in every later leader's log (Leader Completeness).
    if (!acceptBeforeBase(replica, message)) reply(replica, message, Math.min(replica.commit, writes.durable))
    return
  }
  if (!log.has(previous)) {
    const hint = log.lastAtMost(Math.min(previous.index, log.lastIndex), previous.term) ?? log.base
    replica.send(message.from, {
      kind: 'appendReply',
      round: message.round,
      outcome: { accepted: false, previous: previous.index, hint },
    })
    return
  }
  store(replica, message)
  const through = previous.index + entries.length
  learnCommit(replica, Math.min(message.commit, through))
  if (message.quiesce === true && through === log.lastIndex) quiesceAsFollower(replica)
  if (entries.length === 0 || through <= writes.durable || settings.bug === 'ack-before-durable') {
    const match = settings.bug === 'ack-before-durable' ? through : Math.min(through, writes.durable)
    reply(replica, message, match)
  } else reply(replica, message, through, writes.forEntries(log.lastIndex))
}

/** An append from behind the base: what lies at or before the base matches, and the rest is taken as usual. */
function acceptBeforeBase(replica: ReplicaState, message: Append): boolean {
  const { base } = replica.log
  const skipped = base.index - message.previous.index
  if (replica.receiving?.isInstalling === true || message.entries.length <= skipped) return false
  const last = message.entries[skipped - 1]
  if (last === undefined || last.term !== base.term) return false
  handleAppend(replica, { ...message, previous: base, entries: message.entries.slice(skipped) })
  return true
}

function store(replica: ReplicaState, { previous, entries, term }: Append): void {
  const { log } = replica
  if (replica.settings.bug === 'truncate-always' && previous.index < log.lastIndex) {
    replica.truncateFrom(previous.index + 1)
  }
  const isNew = entries.findIndex(({ index, term }) => log.termAt(index) !== term)
  const fresh = isNew < 0 ? [] : entries.slice(isNew)
  const [first] = fresh
  if (first === undefined) return
  if (first.index <= log.lastIndex) {
    assert(first.index > replica.commit, 'committed entries are never truncated', () => {
      return `leader of term ${term} replaces ${first.index}, committed through ${replica.commit}`
    })
    replica.truncateFrom(first.index)
  }
  for (const entry of fresh) replica.append(entry)
  replica.trace({ name: 'appendReceived', from: first.index, through: log.last })
  // The write that brings the log as far as it once was also says so.
  if (replica.voteFloor !== undefined && !isBehind(log.last, replica.voteFloor)) {
    replica.voteFloor = undefined
    replica.writes.isHardStateDirty = true
  }
}

function learnCommit(replica: ReplicaState, commit: LogIndex): void {
  if (commit > replica.commit) advanceCommit(replica, commit)
}

function reply(replica: ReplicaState, { from, round }: Append, match: LogIndex, after?: number): void {
  const content: Omit<AppendReply, 'from' | 'incarnation' | 'term'> = {
    kind: 'appendReply',
    round,
    outcome: { accepted: true, match },
  }
  replica.send(from, content, after)
}

/** Entries follow `previous` without gaps, in terms that never fall nor exceed the leader's, and mean something. */
function isWellFormed({ previous, entries, term }: Append): boolean {
  let { index, term: before } = previous
  for (const entry of entries) {
    index += 1
    if (entry.index !== index || entry.term < before || entry.term > term) return false
    if (entry.kind === 'configuration' && decodeConfiguration(entry.payload) === undefined) return false
    before = entry.term
  }
  return true
}
