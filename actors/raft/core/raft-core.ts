// The Raft core's face: inputs in, effects out. Owns and changes its state in place; no clock, no randomness, no I/O but
// what it is handed and what it answers.
//
// Here the rules of terms come first, for every message, before its kind is looked at (Raft paper §5.1).

import { advanceCommit, handOver } from './commit.ts'
import type { Configuration } from './configuration.ts'
import { encodeConfiguration } from './configuration-codec.ts'
import type { Effect } from './effect.ts'
import {
  campaign,
  countOwnVote,
  electionTimeout,
  handlePreVote,
  handlePreVoteReply,
  handleVote,
  handleVoteReply,
  isDisturbance,
} from './election.ts'
import type { Entry, Incarnation, LogIndex, LogPosition, ReplicaId, Term } from './entry.ts'
import { encodeEntry } from './entry-codec.ts'
import { handleAppend } from './following.ts'
import type { Input } from './input.ts'
import { changeMembership } from './membership.ts'
import type { PlacedConfiguration } from './membership-history.ts'
import type { Message, SnapshotDescription } from './message.ts'
import type { CoreOptions } from './options.ts'
import type { Progress } from './progress.ts'
import { propose } from './proposals.ts'
import { wake } from './quiescence.ts'
import { handleReadIndex, handleReadIndexReply, hasLease, pendingReads, read } from './reads.ts'
import { ReplicaState } from './replica-state.ts'
import { handleAppendReply, handleFetched, heartbeatTimeout, maybeCommit, replicateToWitnesses } from './replication.ts'
import { becomeFollower, resetElection } from './roles.ts'
import {
  chunkStored,
  handleSnapshot,
  handleSnapshotReply,
  snapshotInstalled,
  snapshotTaken,
} from './snapshot-transfer.ts'
import { handleTimeoutNow, handOverForDisk, transfer } from './transfer.ts'
import type { Role } from './transition.ts'

/**
 * The protocol of one replica as a pure machine: inputs in, effects out, nothing ambient. `begin` once, then `step` for
 * each input; the getters show what it knows.
 */
export class RaftCore {
  readonly #state: ReplicaState
  readonly #founders: Configuration | undefined

  /**
   * Takes up what the disk holds. Call {@link begin} before the first step.
   * @throws OptionError for a wrong option.
   */
  constructor(options: CoreOptions | RaftCore) {
    if (options instanceof RaftCore) {
      this.#state = options.#state.clone()
      this.#founders = options.#founders
      return
    }
    this.#state = new ReplicaState(options)
    const { hardState, snapshot, entries, claimed } = options.recovered
    const isEmpty = hardState === undefined && snapshot === undefined && entries.length === 0 && claimed === undefined
    this.#founders = isEmpty ? options.founders : undefined
  }

  /** The effects of starting: what is known committed is to be applied again. */
  begin(nowMs: number): readonly Effect[] {
    const state = this.#state
    state.nowMs = nowMs
    if (this.#founders === undefined) {
      state.sayConfiguration(true)
      if (state.memberships.latest.at > state.commit) state.sayConfiguration(false)
      handOver(state)
    } else found(state, this.#founders)
    if (state.knowsGroup) resetElection(state)
    return finish(state)
  }

  /** @throws RaftAssertionError if an invariant of the core is broken: stop the replica. */
  step(input: Input, nowMs: number): readonly Effect[] {
    const state = this.#state
    const isSetBack = nowMs < state.nowMs
    state.nowMs = nowMs
    if (isSetBack) clockJumped(state)
    state.writes.isHeldBack = false
    handle(state, input)
    return finish(state)
  }

  /** A copy that shares nothing but the source of randomness: for tests. */
  clone(): RaftCore {
    return new RaftCore(this)
  }

  get id(): ReplicaId {
    return this.#state.id
  }
  get incarnation(): Incarnation {
    return this.#state.incarnation
  }
  get term(): Term {
    return this.#state.term
  }
  get votedFor(): ReplicaId | undefined {
    return this.#state.votedFor
  }
  get voteFloor(): LogPosition | undefined {
    return this.#state.voteFloor
  }
  get role(): Role {
    return this.#state.role
  }
  get leader(): ReplicaId | undefined {
    return this.#state.leader
  }
  get commitIndex(): LogIndex {
    return this.#state.commit
  }
  /** How far the host says it has applied. */
  get appliedIndex(): LogIndex {
    return this.#state.applied
  }
  get lastPosition(): LogPosition {
    return this.#state.log.last
  }
  /** Entries through here survive a power cut. */
  get durableIndex(): LogIndex {
    return this.#state.writes.durable
  }
  get firstIndex(): LogIndex {
    return this.#state.log.firstIndex
  }
  get snapshot(): SnapshotDescription | undefined {
    return this.#state.snapshot
  }
  /** In force: the latest in the log. */
  get configuration(): PlacedConfiguration {
    return this.#state.memberships.latest
  }
  get committedConfiguration(): PlacedConfiguration {
    return this.#state.memberships.committed(this.#state.commit)
  }
  get isVoter(): boolean {
    return this.#state.isVoter
  }
  get isQuiesced(): boolean {
    return this.#state.isQuiesced
  }
  /** What a leader knows of its peers; empty for others. */
  get peers(): ReadonlyMap<ReplicaId, Readonly<Progress>> {
    return this.#state.leading?.peers ?? new Map()
  }
  /** Whether a read under a lease would be answered at once, as of the last step. */
  get hasLease(): boolean {
    return hasLease(this.#state)
  }
  get pendingReads(): number {
    return pendingReads(this.#state)
  }
  get uncommittedBytes(): number {
    return this.#state.leading?.uncommittedBytes ?? 0
  }
  /** The target of a transfer under way. */
  get transferTo(): ReplicaId | undefined {
    return this.#state.handover?.to
  }

  /** The term at an index from `firstIndex - 1` to the last; undefined elsewhere. */
  termAt(index: LogIndex): Term | undefined {
    return this.#state.log.termAt(index)
  }

  /** The entry, if it is still in memory. */
  entryAt(index: LogIndex): Entry | undefined {
    return this.#state.log.entryAt(index)
  }
}

/** The founding membership is every founder's first entry, of term 0, and committed by what all of them know. */
function found(state: ReplicaState, founders: Configuration): void {
  const payload = encodeConfiguration(founders)
  state.append(encodeEntry({ index: 1, term: 0, kind: 'configuration', timeMs: 0, payload }))
  advanceCommit(state, 1)
}

function finish(state: ReplicaState): readonly Effect[] {
  state.flush()
  state.log.evict(state.writes.durable)
  return state.take()
}

function handle(state: ReplicaState, input: Input): void {
  switch (input.type) {
    case 'timeout':
      return input.timer === 'election' ? electionTimeout(state) : heartbeatTimeout(state)
    case 'message':
      return handleMessage(state, input.message)
    case 'propose':
      wake(state)
      return propose(state, input.proposals, input.epochMs)
    case 'changeMembership':
      wake(state)
      return changeMembership(state, input.id, input.change, input.epochMs)
    case 'read':
      wake(state)
      return read(state, input.ids, input.lease)
    case 'transfer':
      wake(state)
      return transfer(state, input.id, input.to)
    case 'campaign':
      wake(state)
      return campaign(state)
    case 'persisted':
      return persisted(state, input.write)
    case 'persistFailed':
      return persistFailed(state, input.write, input.durable)
    case 'applied':
      state.applied = Math.max(state.applied, Math.min(input.index, state.handed))
      return
    case 'fetched':
      return handleFetched(state, input.to, input.from, input.entries)
    case 'snapshotTaken':
      return snapshotTaken(state, input.snapshot)
    case 'chunkStored':
      return chunkStored(state, input.last, input.nextOffset)
    case 'snapshotInstalled':
      return snapshotInstalled(state, input.snapshot, input.intact)
    case 'clockJumped':
      return clockJumped(state)
    case 'diskTrouble':
      state.hasDiskTrouble = !input.isOver
      if (state.hasDiskTrouble) handOverForDisk(state)
      return
  }
}

/** Leases begin anew, and so does what a follower has promised a leader: as if heard from just now. */
function clockJumped(state: ReplicaState): void {
  if (state.leading !== undefined) {
    state.leading.roundsSent = []
    state.leading.clockFloor = state.nowMs
  } else if (state.leaderContactAt !== Number.NEGATIVE_INFINITY) {
    state.leaderContactAt = state.nowMs
    if (!state.isQuiesced) resetElection(state)
  }
}

function persisted(state: ReplicaState, write: number): void {
  const { writes } = state
  const before = writes.durable
  writes.complete(write)
  state.hasFailedWrite = false
  if (writes.durable > before) {
    const term = state.log.termAt(writes.durable) ?? 0
    state.trace({ name: 'durable', through: { index: writes.durable, term } })
  }
  for (const { term, to, message } of writes.takeReady()) {
    // What was true in a past term is nobody's business now.
    if (term === state.term) state.emit({ type: 'send', to, message })
  }
  countOwnVote(state)
  maybeCommit(state)
  replicateToWitnesses(state)
}

function persistFailed(state: ReplicaState, write: number, durable: LogPosition): void {
  const { log, writes } = state
  const sound = log.lastAtMost(durable.index, durable.term) ?? log.base
  writes.fail(write, log.has(durable) ? durable.index : Math.min(sound.index, durable.index))
  state.hasFailedWrite = true
  handOverForDisk(state)
}

function handleMessage(state: ReplicaState, message: Message): void {
  if (message.from === state.id) return
  if (!isQuiet(state, message)) wake(state)
  // It says which round it is for: whoever is behind by a term has a vote like any other.
  if (message.kind === 'preVoteReply' && message.term < state.term) return handlePreVoteReply(state, message)
  // Neither is about the receiver's term.
  if (message.kind === 'preVote') return handlePreVote(state, message)
  if (message.kind === 'readIndex') return handleReadIndex(state, message)
  if (message.term > state.term) {
    if (!isToBeFollowed(state, message) || isDisturbance(state, message)) return
    followTerm(state, message)
  } else if (message.term < state.term) {
    correct(state, message)
    return
  }
  dispatch(state, message)
}

function dispatch(state: ReplicaState, message: Message): void {
  switch (message.kind) {
    case 'preVoteReply':
      return handlePreVoteReply(state, message)
    case 'vote':
      return handleVote(state, message)
    case 'voteReply':
      return handleVoteReply(state, message)
    case 'append':
      return handleAppend(state, message)
    case 'appendReply':
      return handleAppendReply(state, message)
    case 'snapshot':
      return handleSnapshot(state, message)
    case 'snapshotReply':
      return handleSnapshotReply(state, message)
    case 'timeoutNow':
      return handleTimeoutNow(state, message)
    case 'readIndexReply':
      return handleReadIndexReply(state, message)
  }
}

/** A later term is taken over from whoever may speak for it: from a reply, only if it is a member's. */
function isToBeFollowed(state: ReplicaState, message: Message): boolean {
  const { kind, from, incarnation } = message
  if (kind === 'preVoteReply' && message.granted) return false
  const isRequest = kind === 'append' || kind === 'snapshot' || kind === 'vote' || kind === 'timeoutNow'
  return isRequest || !state.knowsGroup || state.memberships.has(from, incarnation)
}

function followTerm(state: ReplicaState, { kind, from, term }: Message): void {
  if (state.role === 'leader') {
    state.trace({ name: 'stepDown', why: state.handover?.to === from ? 'transfer' : 'higherTerm' })
  }
  becomeFollower(state, term, kind === 'append' || kind === 'snapshot' ? from : undefined)
}

/** Whoever asks in a past term is told the present one. */
function correct(state: ReplicaState, message: Message): void {
  const { from, kind } = message
  if (kind === 'append') {
    const outcome = { accepted: false, previous: message.previous.index, hint: state.log.last } as const
    state.send(from, { kind: 'appendReply', round: message.round, outcome })
  } else if (kind === 'vote') state.send(from, { kind: 'voteReply', granted: false })
  else if (kind === 'snapshot') {
    const { last } = message.snapshot
    state.send(from, { kind: 'snapshotReply', last, nextOffset: 0, state: 'refused' })
  }
}

/** A message that leaves a sleeping group asleep: the one that put it there, and its answer. */
function isQuiet(state: ReplicaState, message: Message): boolean {
  if (message.kind === 'append') return message.quiesce === true
  if (message.kind !== 'appendReply' || state.leading === undefined) return false
  return message.term === state.term && message.outcome.accepted && message.outcome.match === state.log.lastIndex
}
