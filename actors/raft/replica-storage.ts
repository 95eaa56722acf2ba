// The disk of one replica: its log with the hard state, and its snapshots, in one store. Several groups of a node share
// the store, and so its flush.
//
// Invariants: entries and the hard state that come together are one transaction; so is a switch to another snapshot. A
// promise resolves once it would survive a power cut. After a failed write nothing is written until the core has been
// told, so that nothing stands on what is not there. Which life of the disk this is, is written before anything else.

import { OptionError } from '../../src/kernel/errors.ts'
import { type DurableLog, openLog } from '../../src/storage/durable-log.ts'
import { LogError } from '../../src/storage/log-error.ts'
import type { TransactionalStore } from '../../src/storage/store.ts'
import type { Configuration } from './core/configuration.ts'
import type { HardState } from './core/effect.ts'
import type { Entry, Incarnation, LogIndex, LogPosition } from './core/entry.ts'
import { decodeEntry } from './core/entry-codec.ts'
import type { SnapshotDescription } from './core/message.ts'
import type { RecoveredState } from './core/options.ts'
import { decodeMetadata, encodeMetadata, type LogMetadata } from './log-metadata.ts'
import { type Chunk, SnapshotStore } from './snapshot-store.ts'
import { recover } from './storage-recovery.ts'

export interface StorageOptions {
  /** The group's name: 1 to 59 of `a-z A-Z 0-9 . _ / -`, unique in the store. */
  readonly group: string
  /** Draws the name of this life of the disk, if it is empty and no founder's. */
  readonly newIncarnation: () => Incarnation
  /**
   * The founders' membership, for the one start that founds the group; later starts find it on the disk. Given to an
   * emptied disk again, the replica could vote twice: see docs/raft.md.
   */
  readonly founders: Configuration | undefined
  /** Largest entry in bytes. Default 1 MiB. */
  readonly maxEntryBytes?: number | undefined
}

/** A write that is not on the disk, nor any behind it. */
export class WriteFailure extends Error {
  /** What the log now ends with. */
  readonly durable: LogPosition
  /** False for what failed only because it came behind a failed write: the core has heard of that. */
  readonly isFirst: boolean
  /** The log takes further writes; otherwise the store must be opened anew. */
  readonly goesOn: boolean

  constructor(cause: unknown, durable: LogPosition, isFirst: boolean, goesOn: boolean) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.durable = durable
    this.isFirst = isFirst
    this.goesOn = goesOn
  }
}

/** A snapshot under way: chunk by chunk, then `finish`. */
export interface SnapshotWriter {
  write(bytes: Uint8Array): Promise<void>
  /**
   * Puts it in force, and what it stands for in the log may be compacted after; unless a later one is, or the log does
   * not reach as far on this disk: see {@link ReplicaStorage.snapshot}.
   */
  finish(snapshot: SnapshotDescription): Promise<void>
}

/** What a write changes. */
export interface LogWrite {
  readonly truncateFrom: LogIndex | undefined
  readonly entries: readonly Entry[]
  readonly hardState: HardState | undefined
}

/** Where terms begin in the log, ascending: copied when a term begins or ends, shared otherwise. */
type TermStarts = readonly LogPosition[]

interface Kept {
  readonly metadata: LogMetadata
  readonly terms: TermStarts
}

export class ReplicaStorage {
  /** What the disk held when it was opened. */
  readonly recovered: RecoveredState
  /** The founders' membership, of a founder's disk. */
  readonly founders: Configuration | undefined
  readonly #log: DurableLog
  readonly #snapshots: SnapshotStore
  /** As of the last write handed to the disk, durable or not. */
  #kept: Kept
  #durable: Kept
  #snapshot: SnapshotDescription | undefined
  /** A write has failed, and the core has yet to be told. */
  #failed = false
  /** A snapshot takes the log's place: writes wait for it. */
  #switching: Promise<void> | undefined
  /** The snapshot being written. */
  #writing = 0
  /** A received snapshot that was found whole. */
  #arrived: { readonly number: number; readonly snapshot: SnapshotDescription } | undefined

  private constructor(
    log: DurableLog,
    snapshots: SnapshotStore,
    metadata: LogMetadata,
    recovered: RecoveredState,
    founders: Configuration | undefined,
  ) {
    this.#log = log
    this.#snapshots = snapshots
    this.recovered = recovered
    this.founders = founders
    this.#snapshot = recovered.snapshot
    this.#kept = { metadata, terms: termsOf(recovered) }
    this.#durable = this.#kept
  }

  /**
   * Opens a replica's disk, and founds or renews it if it is empty.
   * @throws LogError ERR_LOG_ROT if the log's head is lost, so that nobody can say how this replica has voted: it must
   *   be wiped, and come back as a new member. StorageError as the store does. OptionError for a wrong group.
   */
  static async open(store: TransactionalStore, options: StorageOptions): Promise<ReplicaStorage> {
    const name = `raft/${options.group}`
    const { maxEntryBytes = 1024 * 1024 } = options
    const log = await openLog(store, { name, maxEntryBytes: maxEntryBytes + 256, maxMetadataBytes: 4096 })
    const snapshots = new SnapshotStore(store, name)
    const found = log.metadata.length === 0 ? undefined : decodeMetadata(log.metadata)
    await snapshots.open(found?.snapshot ?? 0)
    const founders = await snapshots.founders(found === undefined ? options.founders : undefined)
    if (found === undefined) {
      const incarnation = options.founders === undefined ? options.newIncarnation() : ''
      const metadata: LogMetadata = { hardState: undefined, incarnation, lastTerm: 0, snapshot: 0 }
      await log.change({ metadata: encodeMetadata(metadata) })
      const recovered: RecoveredState = { hardState: undefined, snapshot: undefined, entries: [], claimed: undefined }
      return new ReplicaStorage(log, snapshots, metadata, recovered, options.founders)
    }
    const { metadata, recovered } = await recover(log, snapshots, found)
    return new ReplicaStorage(log, snapshots, metadata, recovered, found.incarnation === '' ? founders : undefined)
  }

  get incarnation(): Incarnation {
    return this.#kept.metadata.incarnation
  }

  /** The snapshot in force. */
  get snapshot(): SnapshotDescription | undefined {
    return this.#snapshot
  }

  // ---- the log -----------------------------------------------------------------------------------------------------

  /** Writes as one step. Rejects with {@link WriteFailure}. */
  async persist(write: LogWrite): Promise<void> {
    if (this.#switching !== undefined) await this.#switching
    if (this.#failed) throw new WriteFailure('behind a failed write', this.#lastDurable(), false, true)
    const { truncateFrom, entries } = write
    const hardState = write.hardState ?? this.#kept.metadata.hardState
    const first = entries[0]
    const last = truncateFrom === undefined ? this.#log.last.index : truncateFrom - 1
    if (first !== undefined && first.index !== last + 1 && !this.#log.isFailing) {
      throw new OptionError('entries', first.index, `the index behind the log's last, ${last + 1}`)
    }
    const terms = follow(this.#kept.terms, truncateFrom, entries)
    const metadata: LogMetadata = { ...this.#kept.metadata, hardState, lastTerm: terms.at(-1)?.term ?? 0 }
    const change = { entries: entries.map(({ bytes }) => bytes), metadata: encodeMetadata(metadata) }
    await this.#commit({ metadata, terms }, () =>
      this.#log.change(truncateFrom === undefined ? change : { ...change, truncateFrom }),
    )
  }

  /** The core has been told of the failed write: what comes now stands on what is durable. */
  goOn(): void {
    this.#failed = false
  }

  /** Writes nothing of meaning: to see whether the disk works. Rejects with {@link WriteFailure}. */
  probe(): Promise<void> {
    return this.persist({ truncateFrom: undefined, entries: [], hardState: undefined })
  }

  /** Entries from the disk, fewer than asked at the log's end; none if the first is compacted away or damaged. */
  async read(from: LogIndex, maxEntries: number, maxBytes: number): Promise<Entry[]> {
    try {
      const entries: Entry[] = []
      for (const bytes of await this.#log.read(from, { maxEntries, maxBytes })) {
        const entry = decodeEntry(bytes)
        if (entry === undefined || entry.index !== from + entries.length) break
        entries.push(entry)
      }
      return entries
    } catch (error) {
      if (error instanceof LogError) return []
      throw error
    }
  }

  /** Removes the log through an entry that the snapshot in force stands for. */
  async compact(through: LogIndex): Promise<void> {
    if (this.#switching !== undefined) await this.#switching
    const isThere = through >= this.#log.firstIndex && through <= this.#log.last.index
    if (this.#failed || !isThere || through > (this.#snapshot?.last.index ?? 0)) return
    const terms = this.#kept.terms.filter((_, at, all) => (all[at + 1]?.index ?? through + 1) > through)
    await this.#commit({ ...this.#kept, terms }, () => this.#log.compact(through))
  }

  // ---- snapshots ---------------------------------------------------------------------------------------------------

  /** Begins a snapshot of the own state. One at a time. */
  newSnapshot(): SnapshotWriter {
    const number = this.#snapshots.newNumber()
    this.#writing = number
    let offset = 0
    return {
      write: (bytes) => {
        const at = offset
        offset += bytes.length
        return this.#snapshots.write(number, at, bytes)
      },
      finish: async (snapshot) => {
        await this.#snapshots.describe(number, snapshot)
        if (this.#switching !== undefined) await this.#switching
        this.#writing = 0
        const isOutdone = snapshot.last.index <= (this.#snapshot?.last.index ?? 0)
        // What is committed by others need not be on this disk: a log does not begin behind its end.
        if (isOutdone || this.#failed || snapshot.last.index > this.#log.last.index) return
        const metadata = { ...this.#kept.metadata, snapshot: number }
        await this.#commit({ ...this.#kept, metadata }, () => this.#log.change({ metadata: encodeMetadata(metadata) }))
        this.#snapshot = snapshot
        await this.#tidy(() => this.#snapshots.sweep(number))
      },
    }
  }

  /** The bytes of the snapshot in force; undefined if there is none, or it has been damaged since it was opened. */
  async readSnapshot(): Promise<Uint8Array | undefined> {
    if (this.#snapshot === undefined) return undefined
    return this.#snapshots.read(this.#kept.metadata.snapshot, this.#snapshot)
  }

  /** A part of the snapshot in force, for a peer; undefined if another is in force by now, or it is damaged. */
  async chunkAt(snapshot: SnapshotDescription, offset: number): Promise<Chunk | undefined> {
    if (this.#snapshot?.last.index !== snapshot.last.index || this.#snapshot.checksum !== snapshot.checksum) {
      return undefined
    }
    return this.#snapshots.chunkAt(this.#kept.metadata.snapshot, offset)
  }

  /** Keeps a part of a peer's snapshot: see {@link SnapshotStore.receive}. */
  receive(snapshot: SnapshotDescription, offset: number, chunk: Uint8Array): Promise<number> {
    return this.#snapshots.receive(snapshot, offset, chunk)
  }

  /** The bytes of a snapshot received whole; undefined if it is damaged, and then forgotten. */
  async received(snapshot: SnapshotDescription): Promise<Uint8Array | undefined> {
    const received = await this.#snapshots.received(snapshot)
    this.#arrived = received === undefined ? undefined : { number: received.number, snapshot }
    return received?.bytes
  }

  /** A received snapshot is of no use. */
  forgetReceived(): Promise<void> {
    return this.#snapshots.forgetReceived()
  }

  /**
   * Puts a snapshot that {@link received} has found whole in place of the log and of the snapshot before, in one
   * transaction. With `keepFrom` the entries from there on, behind the snapshot, stay.
   */
  async install(snapshot: SnapshotDescription, hardState: HardState, keepFrom: LogIndex | undefined): Promise<void> {
    if (this.#arrived?.snapshot !== snapshot) throw new OptionError('snapshot', snapshot.last, 'one that was received')
    const { last } = snapshot
    const { number } = this.#arrived
    const switched = async (): Promise<void> => {
      if (keepFrom === undefined || keepFrom > this.#log.last.index + 1) {
        const metadata = { ...this.#kept.metadata, hardState, lastTerm: last.term, snapshot: number }
        await this.#commit({ metadata, terms: [last] }, () =>
          this.#log.reset({ index: last.index, checksum: snapshot.checksum }, encodeMetadata(metadata)),
        )
      } else {
        const metadata = { ...this.#kept.metadata, hardState, snapshot: number }
        const terms = this.#kept.terms.filter((_, at, all) => (all[at + 1]?.index ?? keepFrom) >= keepFrom)
        await this.#commit({ metadata, terms }, () => this.#log.compact(keepFrom - 1, encodeMetadata(metadata)))
      }
      this.#snapshot = snapshot
    }
    const done = switched()
    this.#switching = done.catch(() => {})
    try {
      await done
    } finally {
      this.#switching = undefined
    }
    await this.#tidy(() => this.#snapshots.forgetReceived())
    await this.#tidy(() => this.#snapshots.sweep(number, this.#writing))
  }

  /** What a failure leaves lying is swept out when the disk is opened next. */
  async #tidy(act: () => Promise<void>): Promise<void> {
    await act().catch(() => {})
  }

  // ---- what is durable ---------------------------------------------------------------------------------------------

  async #commit(kept: Kept, act: () => Promise<unknown>): Promise<void> {
    this.#kept = kept
    try {
      await act()
      this.#durable = kept
    } catch (error) {
      const isFirst = !this.#failed
      this.#failed = true
      // The log has read itself anew before it says so; what it ends with now is on the disk.
      this.#kept = this.#durable
      throw new WriteFailure(error, this.#lastDurable(), isFirst, isPassing(error))
    }
  }

  #lastDurable(): LogPosition {
    return { index: this.#log.durable.index, term: this.#durable.metadata.lastTerm }
  }
}

function isPassing(error: unknown): boolean {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^ERR_STORAGE_(FULL|MAP_FULL|READ_ONLY|OVERLOADED)$/.test(code)
}

function termsOf({ snapshot, entries }: RecoveredState): TermStarts {
  return follow(snapshot === undefined ? [] : [snapshot.last], undefined, entries)
}

function follow(terms: TermStarts, truncateFrom: LogIndex | undefined, entries: readonly Entry[]): TermStarts {
  let next = truncateFrom === undefined ? terms : terms.filter(({ index }) => index < truncateFrom)
  let last = next.at(-1)?.term
  for (const { index, term } of entries) {
    if (term === last) continue
    next = [...next, { index, term }]
    last = term
  }
  return next
}
