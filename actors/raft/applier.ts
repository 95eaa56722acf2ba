// The process that applies what is committed: in slices, so that it never keeps its node busy for long; answers who
// proposed; serves reads; takes snapshots while it goes on applying. Consensus goes on while it stands still.
//
// Invariants: entries are applied once each, in order; a read is served when its index is applied, never before; a
// snapshot's parts are of one moment.

import { type Context, defineServer } from '../../src/behaviours/server.ts'
import { EspalierError } from '../../src/kernel/errors.ts'
import type { Ref } from '../../src/kernel/ref.ts'
import type { From, Self } from '../../src/kernel/self.ts'
import type { StateMachine } from '../consensus/state-machine.ts'
import { Answers } from './answers.ts'
import { AppliedState } from './applied-state.ts'
import type { Configuration } from './core/configuration.ts'
import type { Entry, LogIndex, ReplicaId } from './core/entry.ts'
import type { SnapshotDescription } from './core/message.ts'
import type { ApplierProtocol, Expected, HandedPart, Question, ReplicaProtocol } from './protocol.ts'
import { ReplicaMachine } from './replica.ts'
import type { ReplicaStorage } from './replica-storage.ts'
import { SnapshotJob } from './snapshot-job.ts'

export interface ApplierOptions {
  readonly machine: StateMachine
  /** The replica's disk, as it has opened it. */
  readonly openStorage: (self: Self) => Promise<ReplicaStorage>
  /** The name of the replica. */
  readonly replica: string
  /** How long it applies before others have their turn, in milliseconds. */
  readonly sliceMs: number
  /** A slice longer than this is reported. */
  readonly slowMs: number
  /** Entries and bytes of entries behind the last snapshot after which a new one is taken; 0: never. */
  readonly snapshotEvery: number
  readonly snapshotBytes: number
  readonly snapshotChunkBytes: number
  readonly snapshotPatienceMs: number
}

/** A range of entries that must be read from the disk. */
interface Stored {
  readonly from: LogIndex
  readonly through: LogIndex
}

/** Entries between two looks at the clock. */
const LOOK_EVERY = 16
/** Entries read from the disk at a time. */
const READ_ENTRIES = 1024
const READ_BYTES = 4 * 1024 * 1024

export class Applier {
  readonly options: ApplierOptions
  readonly storage: ReplicaStorage
  readonly replica: Ref<ReplicaProtocol>
  applied: AppliedState
  isHeld = false
  readonly #self: Self
  readonly #own: Ref<ApplierProtocol>
  readonly #answers: Answers
  #queue: (readonly Entry[] | Stored)[] = []
  /** How many of the first batch are applied. */
  #at = 0
  #isReading = false
  #sliceIsDue = false
  readonly #expected = new Map<LogIndex, Expected>()
  /** Reads by the index they wait for, ascending. */
  #reads: { readonly index: LogIndex; readonly questions: readonly Question[] }[] = []
  #served = 0
  #leader: ReplicaId | undefined
  /** Memberships by the index at which they stand, ascending. */
  #configurations: { readonly at: LogIndex; readonly configuration: Configuration }[] = []
  #prepared: { readonly snapshot: SnapshotDescription; readonly state: AppliedState } | undefined
  #job: SnapshotJob | undefined
  #snapshotIndex: LogIndex
  #bytesBehind = 0
  #askers: From[] = []
  /** What each peer was last sent of a snapshot, and until when none takes its place by itself. */
  readonly #handed = new Map<ReplicaId, HandedPart>()
  #keepsUntil = Number.NEGATIVE_INFINITY

  constructor(
    options: ApplierOptions,
    self: Self,
    storage: ReplicaStorage,
    applied: AppliedState,
    replica: Ref<ReplicaProtocol>,
  ) {
    this.options = options
    this.storage = storage
    this.replica = replica
    this.applied = applied
    this.#self = self
    this.#own = self.pid as Ref<ApplierProtocol>
    this.#answers = new Answers(self)
    this.#snapshotIndex = applied.last.index
    const { snapshot } = storage
    if (snapshot !== undefined) this.configure(snapshot.last.index, snapshot.configuration)
  }

  // ---- applying ----------------------------------------------------------------------------------------------------

  take(entries: readonly Entry[] | Stored): void {
    this.#queue.push(entries)
    if (!this.#sliceIsDue) this.slice()
  }

  /** Entries have come from the disk: what is at the head of the queue. */
  stored(entries: readonly Entry[]): void {
    this.#isReading = false
    const range = this.#queue[0]
    if (range === undefined || !('through' in range)) return
    const first = entries[0]
    const last = entries.at(-1)
    if (first === undefined || last === undefined || first.index > this.applied.last.index + 1) {
      throw new EspalierError('ERR_RAFT_ENTRY_LOST', `entry ${range.from} is committed, but not on the disk any more`)
    }
    const rest: Stored[] = last.index < range.through ? [{ from: last.index + 1, through: range.through }] : []
    this.#queue.splice(0, 1, entries, ...rest)
    this.slice()
  }

  slice(): void {
    this.#sliceIsDue = false
    const before = this.applied.last.index
    const beganMs = this.#self.now()
    let looks = LOOK_EVERY
    let isOver = false
    while (!isOver && !this.isHeld && !this.#isReading) {
      const batch = this.#queue[0]
      if (batch === undefined) break
      if ('through' in batch) {
        this.#read(batch)
        break
      }
      const entry = batch[this.#at]
      if (entry === undefined) {
        this.#queue.shift()
        this.#at = 0
        continue
      }
      this.#at += 1
      this.#apply(entry)
      looks -= 1
      if (looks > 0) continue
      looks = LOOK_EVERY
      isOver = this.#self.now() - beganMs >= this.options.sliceMs
    }
    this.#finishSlice(before, beganMs)
    if (isOver) {
      this.#sliceIsDue = true
      this.#self.cast(this.#own, 'slice')
    }
  }

  expect(expected: readonly Expected[]): void {
    for (const each of expected) this.#expected.set(each.position.index, each)
  }

  /** What was accepted from here on is not committed there: it had no effect. */
  overwritten(from: LogIndex): void {
    for (const [index, { asker }] of this.#expected) {
      if (index < from) continue
      this.#expected.delete(index)
      this.#answers.refuse(asker, { code: 'notLeader', leader: this.#leader })
    }
    this.#answers.send()
  }

  configure(at: LogIndex, configuration: Configuration): void {
    this.#configurations = this.#configurations.filter((other) => other.at < at)
    this.#configurations.push({ at, configuration })
    // Who has left is sent no snapshot any more.
    const { members, outgoing = [] } = configuration
    const ids = new Set([...members, ...outgoing].map(({ id }) => id))
    for (const id of this.#handed.keys()) if (!ids.has(id)) this.#handed.delete(id)
  }

  leads(leader: ReplicaId | undefined): void {
    this.#leader = leader
  }

  #apply(entry: Entry): void {
    if (entry.index <= this.applied.last.index) return
    this.#bytesBehind += entry.bytes.length
    const outcome = this.applied.apply(entry)
    const expected = this.#expected.get(entry.index)
    if (expected === undefined) return
    this.#expected.delete(entry.index)
    if (expected.position.term === entry.term) this.#answers.outcome(expected.asker, outcome, this.#leader)
    else this.#answers.refuse(expected.asker, { code: 'notLeader', leader: this.#leader })
  }

  /** Nothing behind the range: what lies there may never be committed. */
  #read({ from, through }: Stored): void {
    this.#isReading = true
    this.storage.read(from, Math.min(READ_ENTRIES, through + 1 - from), READ_BYTES).then(
      (entries) => this.#self.cast(this.#own, 'stored', entries),
      (error: unknown) => this.#self.sendExit(this.#own, { error, stack: '' }),
    )
  }

  #finishSlice(before: LogIndex, beganMs: number): void {
    const { index } = this.applied.last
    this.#serve()
    this.#answers.send()
    if (index > before || this.#served > 0) {
      this.#self.cast(this.replica, 'applied', { index, entries: index - before, reads: this.#served })
      this.#served = 0
    }
    const tookMs = this.#self.now() - beganMs
    if (tookMs > this.options.slowMs) this.#self.cast(this.replica, 'slowApply', tookMs)
    if (index > before) this.#snapshotIfDue()
  }

  // ---- reads -------------------------------------------------------------------------------------------------------

  serve(index: LogIndex, questions: readonly Question[]): void {
    let at = this.#reads.length
    while (at > 0 && (this.#reads[at - 1]?.index ?? 0) > index) at -= 1
    this.#reads.splice(at, 0, { index, questions })
    if (this.isHeld || index > this.applied.last.index) return
    this.#serve()
    this.#answers.send()
    this.#self.cast(this.replica, 'applied', {
      index: this.applied.last.index,
      entries: 0,
      reads: this.#served,
    })
    this.#served = 0
  }

  #serve(): void {
    let ready = 0
    for (const { index, questions } of this.#reads) {
      if (index > this.applied.last.index) break
      ready += 1
      for (const { asker, question } of questions) this.#answers.answer(asker, this.applied.query(question))
      this.#served += questions.length
    }
    if (ready > 0) this.#reads.splice(0, ready)
  }

  // ---- holding still -----------------------------------------------------------------------------------------------

  hold(): void {
    this.isHeld = true
  }

  release(): void {
    if (!this.isHeld) return
    this.isHeld = false
    this.slice()
  }

  // ---- snapshots of others -----------------------------------------------------------------------------------------

  /** Reads a received snapshot; the state stays what it is until {@link adopt}. */
  prepare(snapshot: SnapshotDescription, bytes: Uint8Array): void {
    let isIntact = true
    try {
      this.#prepared = { snapshot, state: AppliedState.restore(this.options.machine, snapshot, bytes) }
    } catch {
      isIntact = false
    }
    this.#self.cast(this.replica, 'prepared', { snapshot, isIntact })
  }

  /** The snapshot is in place on the disk: goes on from its state. */
  adopt(snapshot: SnapshotDescription): void {
    const prepared = this.#prepared
    this.#prepared = undefined
    if (prepared?.snapshot !== snapshot || snapshot.last.index <= this.applied.last.index) return
    this.#job = undefined
    this.applied = prepared.state
    this.#queue = []
    this.#at = 0
    this.#isReading = false
    this.#snapshotIndex = snapshot.last.index
    this.#bytesBehind = 0
    this.configure(snapshot.last.index, snapshot.configuration)
    // Whether these were applied, only their sessions know: whoever asks again is told.
    for (const index of this.#expected.keys()) if (index <= snapshot.last.index) this.#expected.delete(index)
    this.#finishSlice(0, this.#self.now())
  }

  // ---- snapshots of one's own --------------------------------------------------------------------------------------

  /** Takes a snapshot now; whoever asks is answered when it is there. */
  takeSnapshot(asker: From | undefined): void {
    if (asker !== undefined) this.#askers.push(asker)
    if (this.#job !== undefined) return
    const { last } = this.applied
    if (last.index <= (this.storage.snapshot?.last.index ?? 0)) return this.#told({ ok: true })
    const configuration = this.#configurations.findLast(({ at }) => at <= last.index)?.configuration
    if (configuration === undefined) return this.#told({ ok: false, code: 'notReady', leader: this.#leader })
    this.#snapshotIndex = last.index
    this.#bytesBehind = 0
    this.#job = new SnapshotJob({
      storage: this.storage,
      applied: this.applied,
      configuration,
      chunkBytes: this.options.snapshotChunkBytes,
      sliceMs: this.options.sliceMs,
      now: () => this.#self.now(),
      again: () => this.#self.cast(this.#own, 'snapshotSlice'),
      written: (error) => this.#self.cast(this.#own, 'snapshotWritten', { error }),
    })
    this.#job.slice()
  }

  snapshotSlice(): void {
    this.#job?.slice()
  }

  /** A part of the snapshot, or all of it, is on the disk, or is not. */
  snapshotWritten(error: unknown): void {
    const job = this.#job
    if (job === undefined) return
    if (error !== undefined) {
      this.#job = undefined
      this.#self.cast(this.replica, 'diskFailed', error)
      return this.#told({ ok: false, code: 'notReady', leader: this.#leader })
    }
    const snapshot = job.wrote()
    if (snapshot === undefined) return
    this.#job = undefined
    if (this.storage.snapshot !== snapshot) return this.#told({ ok: false, code: 'notReady', leader: this.#leader })
    this.#self.cast(this.replica, 'snapshotTaken', snapshot)
    this.#told({ ok: true })
  }

  /** A peer is being sent the snapshot in force: while it gets on, a newer one would make it begin anew. */
  handing(part: HandedPart): void {
    const before = this.#handed.get(part.to)
    if (before?.last === part.last && before.offset === part.offset) return
    this.#handed.set(part.to, part)
    this.#keepsUntil = this.#self.now() + this.options.snapshotPatienceMs
  }

  #snapshotIfDue(): void {
    const { snapshotEvery, snapshotBytes } = this.options
    const entries = this.applied.last.index - this.#snapshotIndex
    const isDue =
      (snapshotEvery > 0 && entries >= snapshotEvery) || (snapshotBytes > 0 && this.#bytesBehind >= snapshotBytes)
    if (isDue && this.#self.now() >= this.#keepsUntil) this.takeSnapshot(undefined)
  }

  #told(answer: unknown): void {
    for (const asker of this.#askers.splice(0)) this.#self.reply(asker, answer)
  }
}

export const ApplierServer = defineServer<ApplierProtocol>()({
  name: 'raft applier',
  init: async (options: ApplierOptions, { self }): Promise<Applier> => {
    const storage = await options.openStorage(self)
    const { machine } = options
    const { snapshot } = storage
    const bytes = await storage.readSnapshot()
    const applied =
      snapshot === undefined || bytes === undefined
        ? AppliedState.initial(machine)
        : AppliedState.restore(machine, snapshot, bytes)
    const replica = self.whereis(ReplicaMachine, options.replica) ?? self.exit('noproc')
    const applier = new Applier(options, self, storage, applied, replica)
    self.cast(replica, 'ready', self.pid as Ref<ApplierProtocol>)
    return applier
  },
  cast: {
    apply: on((applier, entries) => applier.take(entries)),
    applyStored: on((applier, range) => applier.take(range)),
    stored: on((applier, entries) => applier.stored(entries)),
    expect: on((applier, expected) => applier.expect(expected)),
    overwritten: on((applier, from) => applier.overwritten(from)),
    serve: on((applier, { index, questions }) => applier.serve(index, questions)),
    configuration: on((applier, { at, configuration }) => applier.configure(at, configuration)),
    leader: on((applier, leader) => applier.leads(leader)),
    prepare: on((applier, { snapshot, bytes }) => applier.prepare(snapshot, bytes)),
    adopt: on((applier, snapshot) => applier.adopt(snapshot)),
    hold: just((applier) => applier.hold()),
    release: just((applier) => applier.release()),
    takeSnapshot: on((applier, asker) => applier.takeSnapshot(asker)),
    handing: on((applier, part) => applier.handing(part)),
    slice: just((applier) => applier.slice()),
    snapshotSlice: just((applier) => applier.snapshotSlice()),
    snapshotWritten: on((applier, { error }) => applier.snapshotWritten(error)),
  },
})

/** A handler whose state is the same object for the process's whole life. */
function on<A>(act: (applier: Applier, argument: A) => void) {
  return ({ state }: Context<Applier>, argument: A): Applier => {
    act(state, argument)
    return state
  }
}

/** The same without an argument. */
function just(act: (applier: Applier) => void) {
  return ({ state }: Context<Applier>): Applier => {
    act(state)
    return state
  }
}
