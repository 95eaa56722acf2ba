// What surrounds the core in its process: requests that wait for an answer, writes that are under way, timers asked for.
// Everything that happens goes in through `step`; effects.ts carries out what comes of it.
//
// Invariants: one step at a time, its effects in order; every request that was taken is answered or forgotten with its
// client; what is queued is bounded.

import type { Ref } from '../../src/kernel/ref.ts'
import type { From, Self } from '../../src/kernel/self.ts'
import { StorageError } from '../../src/storage/errors.ts'
import { encodeCommand } from '../consensus/command.ts'
import { Answers } from './answers.ts'
import { ClockWatch } from './clock-watch.ts'
import type { Configuration } from './core/configuration.ts'
import type { HardState } from './core/effect.ts'
import type { LogIndex, ReplicaId, Term } from './core/entry.ts'
import type { Input, MembershipChange, Proposal, TimerName } from './core/input.ts'
import type { Message, SnapshotDescription } from './core/message.ts'
import { RaftCore } from './core/raft-core.ts'
import { perform } from './effects.ts'
import type {
  ApplierProtocol,
  Asker,
  Assembled,
  ClientItem,
  ClientProtocol,
  ClientRequest,
  Expected,
  Question,
  RaftCounters,
  ReplicaProtocol,
  ReplicaStatus,
  ReplicaView,
  WireMessage,
} from './protocol.ts'
import { type Policies, policiesOf, type ReplicaOptions } from './replica-options.ts'
import { type ReplicaStorage, WriteFailure } from './replica-storage.ts'
import { unpackItems } from './wire.ts'

/** What an effect `installSnapshot` asks for. */
interface Installation {
  readonly snapshot: SnapshotDescription
  readonly hardState: HardState
  readonly keepFrom: LogIndex | undefined
}

/** Writes of new proposals that may be under way; what comes meanwhile is the next batch. */
const PROPOSING_WRITES = 2

export class ReplicaHost {
  readonly options: ReplicaOptions
  readonly policies: Policies
  readonly self: Self
  readonly own: Ref<ReplicaProtocol>
  readonly storage: ReplicaStorage
  readonly core: RaftCore
  readonly answers: Answers
  applier: Ref<ApplierProtocol> | undefined

  /** Timers that this turn has set (milliseconds) or stopped. */
  readonly timers = new Map<TimerName | 'disk' | 'probe', number | undefined>()
  /** Numbers of the writes under way, ascending. */
  readonly writes: number[] = []
  /** Proposals and changes that the core has, by number. */
  readonly proposed = new Map<number, Asker>()
  readonly reading = new Map<number, Question>()
  /** Accepted in this step, not yet told to the applier. */
  expected: Expected[] = []
  leader: ReplicaId | undefined
  term: Term = 0
  configuration: Configuration | undefined
  isCommitted = false
  hasViewChanged = false
  applied: LogIndex
  isInTrouble = false
  /** The snapshot that is being put in place. */
  installation: Installation | undefined
  /** Why this replica must stop. */
  fatal: unknown
  readonly watchers = new Map<string, Ref<ClientProtocol>>()
  readonly counters: RaftCounters = {
    elections: 0,
    termsSeen: 0,
    leaderships: 0,
    proposals: 0,
    entriesWritten: 0,
    writes: 0,
    entriesCommitted: 0,
    entriesApplied: 0,
    snapshotsTaken: 0,
    snapshotsInstalled: 0,
    readsAnswered: 0,
    refusals: 0,
    failedWrites: 0,
    slowApplies: 0,
  }
  /** Only leases hang on it. */
  readonly #clockWatch: ClockWatch | undefined
  #nextId = 1
  #queue: Proposal[] = []
  #reads: number[] = []
  #leaseReads: number[] = []
  #flushIsDue = false
  #lastWriteMs = 0

  constructor(options: ReplicaOptions, self: Self, storage: ReplicaStorage) {
    this.options = options
    this.policies = policiesOf(options)
    this.self = self
    this.own = self.pid as Ref<ReplicaProtocol>
    this.storage = storage
    this.answers = new Answers(self)
    const { recovered, incarnation, founders } = storage
    this.applied = storage.snapshot?.last.index ?? 0
    const isNew =
      recovered.hardState === undefined && recovered.snapshot === undefined && recovered.entries.length === 0
    const { random, clock } = options.ports
    this.#clockWatch = options.raft?.leaseReads === true ? new ClockWatch(clock) : undefined
    this.core = new RaftCore({
      ...options.raft,
      id: options.id,
      incarnation,
      founders: isNew && recovered.claimed === undefined ? founders : undefined,
      recovered,
      random: () => random.uint32(),
      nowMs: self.now(),
    })
  }

  // ---- steps of the core -------------------------------------------------------------------------------------------

  /** The applier is there: the replica may begin. */
  begin(applier: Ref<ApplierProtocol>): void {
    this.applier = applier
    const effects = this.core.begin(this.self.now())
    const { recovered, incarnation } = this.storage
    this.options.observe?.({ input: undefined, effects, recovered, incarnation })
    perform(this, effects)
    this.#tellView()
  }

  step(input: Input): void {
    const nowMs = this.self.now()
    if (this.#clockWatch?.hasJumped(nowMs) === true) this.#step({ type: 'clockJumped' }, nowMs)
    this.#step(input, nowMs)
  }

  #step(input: Input, nowMs: number): void {
    const effects = this.core.step(input, nowMs)
    this.options.observe?.({ input, effects })
    perform(this, effects)
    if (this.hasViewChanged) this.#tellView()
  }

  /** A peer's message. What is meant for another state machine, or a later version of this one, is refused. */
  receive(message: Message): void {
    if (message.kind === 'snapshot' && !this.#canRestore(message.snapshot)) {
      const { last } = message.snapshot
      const { id: from, incarnation, term } = this.core
      const refusal = { kind: 'snapshotReply', from, incarnation, term, last, nextOffset: 0, state: 'refused' } as const
      const peer = this.options.peer(message.from)
      if (peer !== undefined) this.self.cast(peer, 'snapshotReply', refusal)
    } else this.step({ type: 'message', message })
  }

  #canRestore({ machine, version }: SnapshotDescription): boolean {
    return machine === this.options.machine.name && version <= this.options.machine.version
  }

  // ---- requests ----------------------------------------------------------------------------------------------------

  request({ client, items }: ClientRequest): void {
    for (const item of unpackItems(items) ?? []) this.#take(client, item)
    this.answers.send()
    this.#flushSoon()
  }

  /** The replica has not begun. */
  refuseAll({ client, items }: ClientRequest): void {
    for (const { id } of unpackItems(items) ?? [])
      this.answers.refuse({ client, id }, { code: 'notLeader', leader: undefined })
    this.answers.send()
  }

  /** Hands what has gathered to the core: reads at once, proposals as the disk allows. */
  flush(): void {
    this.#flushIsDue = false
    if (this.#reads.length > 0) this.step({ type: 'read', ids: this.#reads.splice(0), lease: false })
    if (this.#leaseReads.length > 0) this.step({ type: 'read', ids: this.#leaseReads.splice(0), lease: true })
    this.#propose()
  }

  change(from: From, change: MembershipChange): void {
    const id = this.#nextId++
    this.proposed.set(id, { from })
    this.step({ type: 'changeMembership', id, change, epochMs: this.#epochMs() })
    this.answers.send()
  }

  transfer(from: From, to: ReplicaId): void {
    const id = this.#nextId++
    this.proposed.set(id, { from })
    this.step({ type: 'transfer', id, to })
    this.answers.send()
  }

  expireSession(from: From, session: number): void {
    this.#enqueue({ from }, encodeCommand({ kind: 'expire', session }))
    this.answers.send()
    this.#flushSoon()
  }

  #take(client: Ref<ClientProtocol>, item: ClientItem): void {
    const asker: Asker = { client, id: item.id }
    if (item.type === 'read') {
      const id = this.#nextId++
      this.reading.set(id, { asker, question: item.question })
      if (item.mode === 'lease') this.#leaseReads.push(id)
      else this.#reads.push(id)
      return
    }
    const { sessionTtlMs: ttlMs, maxSessions } = this.policies
    this.#enqueue(asker, item.type === 'open' ? encodeCommand({ kind: 'open', ttlMs, maxSessions }) : item.payload)
  }

  #enqueue(asker: Asker, payload: Uint8Array): void {
    const { leader } = this
    if (this.core.role !== 'leader') this.answers.refuse(asker, { code: 'notLeader', leader })
    else if (this.#queue.length >= this.policies.maxQueuedRequests) {
      this.answers.refuse(asker, { code: 'rateLimited', leader })
    } else {
      const id = this.#nextId++
      this.proposed.set(id, asker)
      this.#queue.push({ id, payload })
    }
  }

  /** Behind what waits in the mailbox: that will be part of the batch. */
  #flushSoon(): void {
    if (this.#flushIsDue || this.#queue.length + this.#reads.length + this.#leaseReads.length === 0) return
    this.#flushIsDue = true
    this.self.cast(this.own, 'flush')
  }

  #propose(): void {
    if (this.#queue.length === 0) return
    if (this.core.role === 'leader' && this.writes.length >= PROPOSING_WRITES) return
    const most = this.options.raft?.maxBatch ?? 512
    const proposals = this.#queue.length <= most ? this.#queue : this.#queue.slice(0, most)
    this.#queue = this.#queue.length <= most ? [] : this.#queue.slice(most)
    this.counters.proposals += proposals.length
    this.step({ type: 'propose', proposals, epochMs: this.#epochMs() })
    this.answers.send()
    this.#flushSoon()
  }

  #epochMs(): number {
    return Math.floor(this.options.ports.clock.epochMs())
  }

  // ---- the disk ----------------------------------------------------------------------------------------------------

  /** A write has been handed to the disk. */
  wrote(write: number): void {
    if (this.writes.length === 0) this.#watchDisk()
    this.writes.push(write)
  }

  persisted(write: number): void {
    while (this.writes.length > 0 && (this.writes[0] ?? 0) <= write) this.writes.shift()
    this.#lastWriteMs = this.self.now()
    if (this.writes.length === 0) this.timers.set('disk', undefined)
    this.diskWorks()
    this.step({ type: 'persisted', write })
    this.#propose()
  }

  /** Something was not written. Nothing was written since, and nothing will be until the core knows. */
  diskFailed(error: unknown): void {
    if (!(error instanceof WriteFailure)) return this.#sideFailed(error)
    if (!error.goesOn) this.fatal ??= error.cause
    if (!error.isFirst) return
    this.counters.failedWrites += 1
    const [write] = this.writes.splice(0)
    this.storage.goOn()
    this.timers.set('disk', undefined)
    if (write !== undefined) {
      this.step({ type: 'persistFailed', write, reason: error.message, durable: error.durable })
    }
    this.#trouble()
  }

  /** Something beside the log was not written: a part of a snapshot. */
  #sideFailed(error: unknown): void {
    if (!(error instanceof StorageError) || error.outcome !== 'none') throw error
    this.counters.failedWrites += 1
    this.#trouble()
  }

  /** The oldest write may have taken too long. */
  diskIsDue(): void {
    if (this.writes.length === 0) return
    const leftMs = this.#lastWriteMs + this.policies.slowDiskMs - this.self.now()
    if (leftMs > 0) this.timers.set('disk', leftMs)
    else this.#trouble()
  }

  diskWorks(): void {
    if (!this.isInTrouble) return
    this.isInTrouble = false
    this.timers.set('probe', undefined)
    this.step({ type: 'diskTrouble', isOver: true })
  }

  /** Tries whether the disk works again, if nothing else does. */
  probe(): void {
    if (!this.isInTrouble) return
    if (this.writes.length > 0) return this.#probeLater()
    this.storage.probe().then(
      () => this.self.cast(this.own, 'diskWorks'),
      (error: unknown) => this.self.cast(this.own, 'diskFailed', error),
    )
  }

  #watchDisk(): void {
    this.#lastWriteMs = this.self.now()
    this.timers.set('disk', this.policies.slowDiskMs)
  }

  #trouble(): void {
    this.#probeLater()
    if (this.isInTrouble) return
    this.isInTrouble = true
    this.step({ type: 'diskTrouble', isOver: false })
  }

  #probeLater(): void {
    this.timers.set('probe', this.policies.slowDiskMs)
  }

  // ---- the applier -------------------------------------------------------------------------------------------------

  tellApplier(what: 'hold' | 'release'): void {
    if (this.applier !== undefined) this.self.cast(this.applier, what)
  }

  hasApplied({ index, entries, reads }: { index: LogIndex; entries: number; reads: number }): void {
    this.counters.entriesApplied += entries
    this.counters.readsAnswered += reads
    if (index <= this.applied) return
    this.applied = index
    this.step({ type: 'applied', index })
  }

  slowApply(_tookMs: number): void {
    this.counters.slowApplies += 1
  }

  snapshot(from: From): void {
    if (this.applier !== undefined) this.self.cast(this.applier, 'takeSnapshot', from)
  }

  snapshotTaken(snapshot: SnapshotDescription): void {
    this.counters.snapshotsTaken += 1
    this.step({ type: 'snapshotTaken', snapshot })
  }

  sendChunk({ to, ...message }: WireMessage & { readonly to: ReplicaId }): void {
    const peer = this.options.peer(to)
    if (peer !== undefined) this.self.cast(peer, 'snapshot', message)
  }

  // ---- snapshots ---------------------------------------------------------------------------------------------------

  /** A received snapshot was read: the applier shall see whether it can go on from it. */
  assembled({ snapshot, bytes }: Assembled): void {
    if (bytes === undefined || this.applier === undefined) this.#installed(snapshot, false)
    else this.self.cast(this.applier, 'prepare', { snapshot, bytes })
  }

  prepared(snapshot: SnapshotDescription, isIntact: boolean): void {
    const installation = this.installation
    if (!isIntact || installation?.snapshot !== snapshot) {
      this.storage.forgetReceived().catch(() => {})
      return this.#installed(snapshot, false)
    }
    this.storage.install(snapshot, installation.hardState, installation.keepFrom).then(
      () => this.self.cast(this.own, 'installed', { snapshot, error: undefined }),
      (error: unknown) => this.self.cast(this.own, 'installed', { snapshot, error }),
    )
  }

  installed(snapshot: SnapshotDescription, error: unknown): void {
    if (error !== undefined) this.diskFailed(error)
    else if (this.applier !== undefined) this.self.cast(this.applier, 'adopt', snapshot)
    this.#installed(snapshot, error === undefined)
  }

  #installed(snapshot: SnapshotDescription, intact: boolean): void {
    this.installation = undefined
    this.step({ type: 'snapshotInstalled', snapshot, intact })
  }

  // ---- who leads ---------------------------------------------------------------------------------------------------

  get view(): ReplicaView {
    const { leader, term, configuration, isCommitted } = this
    return { id: this.options.id, leader, term, configuration, isCommitted }
  }

  watch(watcher: Ref<ClientProtocol>): void {
    this.watchers.set(String(watcher), watcher)
    this.self.cast(watcher, 'view', this.view)
  }

  unwatch(watcher: Ref<ClientProtocol>): void {
    this.watchers.delete(String(watcher))
  }

  get status(): ReplicaStatus {
    const { core, storage } = this
    return {
      ...this.view,
      incarnation: storage.incarnation,
      role: this.applier === undefined ? 'recovering' : core.role,
      votedFor: core.votedFor,
      last: core.lastPosition,
      commit: core.commitIndex,
      applied: this.applied,
      snapshot: storage.snapshot?.last,
      hasDiskTrouble: this.isInTrouble,
      counters: { ...this.counters },
    }
  }

  #tellView(): void {
    this.hasViewChanged = false
    for (const watcher of this.watchers.values()) this.self.cast(watcher, 'view', this.view)
  }
}
