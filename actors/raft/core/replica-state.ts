// All that a replica knows, and the few things that every part of the core does with it: emit an effect, send a message
// once term and vote are durable, write what has changed at the end of a step.
//
// Invariants: term and commit index never decrease; a vote is for one term; what a message promises is durable before it
// is sent. The rules of the protocol stand in the files beside this one, each a set of functions of this state.

import type { Configuration } from './configuration.ts'
import { decodeConfiguration } from './configuration-codec.ts'
import type { Effect, HardState } from './effect.ts'
import type { Entry, Incarnation, LogIndex, LogPosition, ReplicaId, Term } from './entry.ts'
import type { Refused, TimerName } from './input.ts'
import type { Leadership } from './leadership.ts'
import { MembershipHistory } from './membership-history.ts'
import type { Message, SnapshotDescription } from './message.ts'
import type { CoreOptions } from './options.ts'
import { RaftLog } from './raft-log.ts'
import { type Settings, settingsOf } from './settings.ts'
import type { Role, Transition } from './transition.ts'
import { Writes } from './writes.ts'

/** A message without what every message says. */
export type Content = Message extends infer M
  ? M extends Message
    ? Omit<M, 'from' | 'incarnation' | 'term'>
    : never
  : never

/** A handing-over of leadership, the host's or, without an id, the core's own because its disk fails. */
export interface Handover {
  readonly id: number | undefined
  readonly to: ReplicaId
  readonly deadline: number
  /** It has been told to stand. */
  isSent: boolean
}

/** A snapshot that is being received. */
export interface Receiving {
  readonly snapshot: SnapshotDescription
  nextOffset: number
  /** The disk is keeping a chunk, or putting the whole in place. */
  isStoring: boolean
  isInstalling: boolean
}

/** Reads that a follower has asked the leader for. */
export interface ForwardedRead {
  readonly ids: readonly number[]
  readonly askedAt: number
}

export class ReplicaState {
  readonly id: ReplicaId
  readonly incarnation: Incarnation
  readonly settings: Settings
  readonly random: () => number
  nowMs: number
  effects: Effect[] = []

  term: Term
  votedFor: ReplicaId | undefined
  voteFloor: LogPosition | undefined
  log: RaftLog
  writes: Writes
  snapshot: SnapshotDescription | undefined
  memberships: MembershipHistory
  commit: LogIndex
  /** Entries through here have been handed over to be applied. */
  handed: LogIndex
  applied: LogIndex
  /** No later entry is older than this. */
  lastTimeMs = 0

  role: Role = 'follower'
  leader: ReplicaId | undefined
  /** When the leader was last heard of. */
  leaderContactAt = Number.NEGATIVE_INFINITY
  electionDeadline = 0
  /** When the host's election timer fires; undefined if it does not run. */
  timerFiresAt: number | undefined
  /** The round of heartbeats, or of pre-votes. */
  round = 0
  votes = new Map<ReplicaId, boolean>()
  leading: Leadership | undefined
  handover: Handover | undefined
  receiving: Receiving | undefined
  forwarded = new Map<number, ForwardedRead>()
  lastRequest = 0
  isQuiesced = false
  hasDiskTrouble = false
  /** The last write failed. */
  hasFailedWrite = false

  constructor(options: CoreOptions, settings = settingsOf(options)) {
    const { hardState, snapshot, entries, claimed } = options.recovered
    this.id = options.id
    this.incarnation = options.incarnation
    this.settings = settings
    this.random = options.random
    this.nowMs = options.nowMs
    this.term = hardState?.term ?? 0
    this.votedFor = hardState?.votedFor
    this.snapshot = snapshot
    const applied = snapshot?.last ?? { index: 0, term: 0 }
    this.memberships = new MembershipHistory(snapshot && { at: applied.index, configuration: snapshot.configuration })
    this.log = recoverLog(applied, entries, settings.maxCachedBytes)
    this.applied = applied.index
    this.handed = applied.index
    this.commit = Math.min(Math.max(hardState?.commit ?? 0, applied.index), this.log.lastIndex)
    for (let index = this.log.firstIndex; index <= this.log.lastIndex; index += 1) {
      const entry = this.log.entryAt(index)
      if (entry !== undefined) this.learn(entry, applied.index)
    }
    this.memberships.prune(this.commit)
    this.log.evict(this.log.lastIndex)
    this.writes = new Writes(this.log.lastIndex, hardState)
    this.voteFloor = higherOf(hardState?.voteFloor, claimed)
    if (this.voteFloor !== undefined && !isBehind(this.log.last, this.voteFloor)) this.voteFloor = undefined
    if (this.voteFloor?.index !== hardState?.voteFloor?.index) this.writes.isHardStateDirty = true
    // A lease that this replica upheld before it stopped may still run.
    if (settings.leaseReads) this.leaderContactAt = this.nowMs
  }

  get lastPosition(): LogPosition {
    return this.log.last
  }

  get isVoter(): boolean {
    return this.memberships.isVoter(this.id, this.incarnation)
  }

  /** Whoever starts on an empty disk knows nobody until a leader tells. */
  get knowsGroup(): boolean {
    return this.configuration.members.length > 0
  }

  /** A witness votes and stores, and holds no state. */
  get isWitness(): boolean {
    return this.memberships.member(this.id)?.role === 'witness'
  }

  emit(effect: Effect): void {
    this.effects.push(effect)
  }

  trace(transition: Transition): void {
    this.effects.push({ type: 'transition', transition })
  }

  refuse(ids: readonly number[], code: Refused['code']): void {
    if (ids.length > 0) this.emit({ type: 'refused', ids, refused: { code, leader: this.leader } })
  }

  setTimer(timer: TimerName, afterMs: number | undefined): void {
    this.emit({ type: 'timer', timer, afterMs })
  }

  /** Sends once `after` is durable, by default the present term and vote. */
  send(to: ReplicaId, content: Content, after: number = this.writes.forHardState): void {
    const message: Message = { from: this.id, incarnation: this.incarnation, term: this.term, ...content }
    if (after <= this.writes.done) this.emit({ type: 'send', to, message })
    else this.writes.defer({ after, term: this.term, to, message })
  }

  /** Appends to the log in memory; the step's write takes it to the disk. */
  append(entry: Entry): void {
    this.log.append(entry)
    this.learn(entry, this.commit)
    if (entry.kind !== 'configuration') return
    this.sayConfiguration(false)
  }

  truncateFrom(from: LogIndex): void {
    this.log.truncateFrom(from)
    this.writes.truncate(from)
    this.trace({ name: 'truncate', from })
    this.emit({ type: 'overwritten', from })
    if (this.memberships.truncateFrom(from)) this.sayConfiguration(this.memberships.latest.at <= this.commit)
  }

  sayConfiguration(committed: boolean): void {
    const { at, configuration } = committed ? this.memberships.committed(this.commit) : this.memberships.latest
    this.emit({ type: 'configuration', configuration, at, committed })
    if (!committed) this.trace({ name: 'configuration', at, joint: configuration.outgoing !== undefined })
  }

  get configuration(): Configuration {
    return this.memberships.latest.configuration
  }

  setTerm(term: Term, votedFor: ReplicaId | undefined): void {
    this.term = term
    this.votedFor = votedFor
    this.writes.isHardStateDirty = true
  }

  setLeader(leader: ReplicaId | undefined): void {
    if (this.leader === leader) return
    this.leader = leader
    this.emit({ type: 'leader', leader, term: this.term })
  }

  get hardState(): HardState {
    return { term: this.term, votedFor: this.votedFor, commit: this.commit, voteFloor: this.voteFloor }
  }

  /** Writes what has changed, as one write. The commit index alone causes none: a leader tells it again. */
  flush(): void {
    const { writes, log } = this
    if (writes.isHeldBack || !writes.isDirty(log.lastIndex)) return
    const { writtenThrough, truncateFrom } = writes
    const entries = log.slice(writtenThrough + 1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY) ?? []
    const hardState = sameHardState(writes.hardState, this.hardState) ? undefined : this.hardState
    const write = writes.issue(log.lastIndex, hardState)
    this.emit({ type: 'persist', write, truncateFrom, entries, hardState })
  }

  /** Takes the effects of this step. */
  take(): readonly Effect[] {
    const { effects } = this
    this.effects = []
    return effects
  }

  clone(): ReplicaState {
    const copy: ReplicaState = Object.assign(Object.create(ReplicaState.prototype), this)
    copy.effects = [...this.effects]
    copy.log = this.log.clone()
    copy.writes = this.writes.clone()
    copy.memberships = this.memberships.clone()
    copy.votes = new Map(this.votes)
    copy.leading = this.leading?.clone()
    copy.handover = this.handover && { ...this.handover }
    copy.receiving = this.receiving && { ...this.receiving }
    copy.forwarded = new Map(this.forwarded)
    return copy
  }

  /** What an entry in the log means before it is committed. */
  private learn(entry: Entry, known: LogIndex): void {
    this.lastTimeMs = Math.max(this.lastTimeMs, entry.timeMs)
    if (entry.kind !== 'configuration' || entry.index <= known) return
    const configuration = decodeConfiguration(entry.payload)
    if (configuration !== undefined) this.memberships.append(entry.index, configuration)
  }
}

/** Whether `a` is less up to date than `b` (Raft paper §5.4.1): the term decides, then the index. */
export function isBehind(a: LogPosition, b: LogPosition): boolean {
  return a.term !== b.term ? a.term < b.term : a.index < b.index
}

export function higherOf(a: LogPosition | undefined, b: LogPosition | undefined): LogPosition | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return isBehind(a, b) ? b : a
}

function sameHardState(a: HardState | undefined, b: HardState): boolean {
  return (
    a !== undefined &&
    a.term === b.term &&
    a.votedFor === b.votedFor &&
    a.commit === b.commit &&
    a.voteFloor?.index === b.voteFloor?.index &&
    a.voteFloor?.term === b.voteFloor?.term
  )
}

/**
 * The log that the disk holds. It may reach back behind the snapshot: then the first entry gives the base its term, and
 * is itself given up.
 */
function recoverLog(snapshot: LogPosition, entries: readonly Entry[], maxCachedBytes: number): RaftLog {
  const [first] = entries
  const reachesBack = first !== undefined && first.index <= snapshot.index
  const reaches = reachesBack && (entries.at(-1)?.index ?? 0) >= snapshot.index
  const base = reaches && first.index > 1 ? { index: first.index, term: first.term } : snapshot
  const log = new RaftLog(reaches && first.index === 1 ? { index: 0, term: 0 } : base, maxCachedBytes)
  for (const entry of entries) {
    if (entry.index <= log.lastIndex) continue
    if (entry.index !== log.lastIndex + 1 || entry.term < log.lastTerm) break
    log.append(entry)
  }
  return log
}
