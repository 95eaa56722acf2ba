// One LMDB environment, as the storage thread uses it: synchronous, one write transaction at a time.
//
// Invariant: with LMDB's plain synchronous commit (`overlappingSync: false`) the pages are flushed, then the meta page
// is written through an O_DSYNC descriptor, before `transactionSync` returns: what `commit` reports is durable. And no
// thread of lmdb-js's own writes behind our back, so the process may end at any moment.

import { closeSync, existsSync, fdatasyncSync, openSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ABORT, open, type RootDatabase } from 'lmdb'
import { BatchReader, kinds, WriteBatch } from '../batch.ts'
import { StorageError } from '../errors.ts'
import { equalBytes } from '../keys.ts'
import { restOf, type ScanRange } from '../store.ts'
import { Allowance } from './allowance.ts'
import { checkHeader, makeDataFile, makeFolder } from './data-file.ts'
import { storageErrorOf } from './failures.ts'
import type { EnvironmentOptions } from './messages.ts'
import { releaseOwnership, takeOwnership } from './owner.ts'

type Database = RootDatabase<Uint8Array, Uint8Array>

/** Room that a commit needs beside its data: the branches above it, the list of free pages. */
const spareBytes = 64 * 1024
/** What a batch may take of it, beside twice its bytes: copies of the pages of an entry and of a head, and what is above. */
const batchBytes = 16 * 1024
/** What others, at 2.5 GB/s, write in the time for which an answer of the device holds. */
const deviceReserve = { reserveBytes: 256 * 1024 ** 2, freshMs: 100 }
/** Nobody else writes the store. Pages split in halves are counted; this is for what is worse than that. */
const mapReserve = { reserveBytes: 64 * 1024 ** 2 }

export class Environment {
  readonly #options: EnvironmentOptions
  #database: Database
  /** Set once the device has failed in a way that leaves the outcome open: nothing is written any more. */
  #failed: StorageError | undefined
  readonly #deviceRoom: Allowance
  readonly #mapRoom: Allowance

  /**
   * Opens the folder, and makes it first unless `readOnly`.
   * @param now a monotonic clock, in milliseconds.
   */
  constructor(options: EnvironmentOptions, now: () => number) {
    this.#options = options
    const { path, readOnly, maxBytes } = options
    this.#deviceRoom = new Allowance({ ...deviceReserve, measure: () => freeBytes(path), now })
    this.#mapRoom = new Allowance({ ...mapReserve, measure: () => maxBytes - usedBytes(this.#database), now })
    try {
      if (!readOnly) {
        makeFolder(path)
        takeOwnership(path)
      } else if (!existsSync(dataFile(path))) {
        throw new StorageError('ERR_STORAGE_MISSING', `${path}: there is no store`)
      }
    } catch (error) {
      throw storageErrorOf(error, path)
    }
    try {
      if (!readOnly) makeDataFile(dataFile(path), process.pid)
      this.#database = openDatabase(options)
    } catch (error) {
      if (!readOnly) releaseOwnership(path)
      throw storageErrorOf(error, path)
    }
  }

  /** Writes the batches in one transaction, or one by one if one of them cannot be written. One outcome for each. */
  commit(batches: readonly Uint8Array[]): readonly (StorageError | undefined)[] {
    if (this.#failed !== undefined) return batches.map(() => this.#failed)
    if (this.#options.readOnly) {
      return batches.map(
        () => new StorageError('ERR_STORAGE_READ_ONLY', `${this.#options.path} is open for reading only`),
      )
    }
    try {
      if (!this.#hasRoom(batches)) {
        if (batches.length > 1) return batches.flatMap((batch) => this.commit([batch]))
        return [new StorageError('ERR_STORAGE_FULL', `${this.#options.path}: no space left on the device`)]
      }
      return this.#transact(batches)
    } catch (error) {
      const failure = this.#recover(error)
      if (batches.length === 1 || this.#failed !== undefined) return batches.map(() => failure)
      return batches.flatMap((batch) => this.commit([batch]))
    }
  }

  get(key: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    const value = this.#readable().getBinary(key)
    return value === undefined ? undefined : new Uint8Array(value)
  }

  /** A page of the range as encoded puts, and what of the range is left. */
  scan(range: ScanRange): { readonly bytes: Uint8Array<ArrayBuffer>; readonly rest: ScanRange | undefined } {
    const { from, to, reverse = false, maxEntries = 1000, maxBytes = 1024 * 1024 } = range
    const page = new WriteBatch(4096)
    let rest: ScanRange | undefined
    let last: Uint8Array | undefined
    let count = 0
    let bytes = 0
    // lmdb-js takes `start` as inclusive and `end` as exclusive in both directions; a reverse range needs the opposite.
    const bounds = reverse
      ? { start: to, end: from, reverse, exclusiveStart: true, inclusiveEnd: true }
      : { start: from, end: to }
    for (const { key, value } of this.#readable().getRange({ ...bounds, limit: maxEntries + 1 })) {
      bytes += key.length + value.length
      if (last !== undefined && (count >= maxEntries || bytes > maxBytes)) {
        rest = restOf(range, last)
        break
      }
      page.put(key, value)
      last = new Uint8Array(key)
      count += 1
    }
    return { bytes: page.detach(), rest }
  }

  close(): void {
    this.#database.close()
    if (!this.#options.readOnly) releaseOwnership(this.#options.path)
  }

  /** The flush that the planted bug has not waited for. */
  flushLate(): void {
    if (!this.#options.acknowledgeAtPut) return
    const descriptor = openSync(dataFile(this.#options.path), 'r+')
    fdatasyncSync(descriptor)
    closeSync(descriptor)
  }

  #readable(): Database {
    if (this.#failed !== undefined) throw this.#failed
    this.#database.resetReadTxn()
    return this.#database
  }

  /**
   * Whether the device, or the file's free pages, can take the batches. A commit that runs out of room fails as it should,
   * but lmdb-js 3.5.6 damages its heap on the way, and the process aborts some time later: it shall not come to that.
   */
  #hasRoom(batches: readonly Uint8Array[]): boolean {
    const bytes = spareBytes + mostBytes(batches)
    if (this.#deviceRoom.isAmple(bytes)) return true
    const { path } = this.#options
    return freeBytes(path) >= bytes || statSync(dataFile(path)).size - usedBytes(this.#database) >= bytes
  }

  #transact(batches: readonly Uint8Array[]): (StorageError | undefined)[] {
    const database = this.#database
    let outcomes: (StorageError | undefined)[] = []
    const full = database.transactionSync(() => {
      // LMDB counts its pages slowly: 50 µs, a tenth of a commit.
      const isAmple = this.#mapRoom.isAmple(mostBytes(batches))
      const before = isAmple ? 0 : usedBytes(database)
      outcomes = batches.map((batch) => applyBatch(database, batch, this.#options.path))
      if (isAmple) return undefined
      const used = usedBytes(database)
      return used > this.#options.maxBytes && used > before ? ABORT : undefined
    })
    if (full !== ABORT) return outcomes
    if (batches.length > 1) return batches.flatMap((batch) => this.commit([batch]))
    return [
      new StorageError('ERR_STORAGE_MAP_FULL', `${this.#options.path} would exceed ${this.#options.maxBytes} bytes`),
    ]
  }

  /**
   * After a failed transaction LMDB may refuse all further ones, and lmdb-js does not look: the environment is opened
   * anew. A device error leaves open what reached the disk; then nothing more is written until the user reopens.
   */
  #recover(error: unknown): StorageError {
    const failure = this.#nameOf(error)
    if (failure.outcome === 'unknown' || failure.code === 'ERR_STORAGE_CORRUPTED') {
      this.#failed = failure
      return failure
    }
    try {
      this.#database.close()
      this.#database = openDatabase(this.#options)
    } catch (reopenError) {
      this.#failed = storageErrorOf(reopenError, this.#options.path)
    }
    return failure
  }

  /**
   * LMDB reports a short write, which is how a disk fills up, as an input/output error; the two are told apart by
   * writing another file. A short write comes before the meta page: nothing of the transaction took effect.
   */
  #nameOf(error: unknown): StorageError {
    const failure = storageErrorOf(error, this.#options.path)
    if (failure.code !== 'ERR_STORAGE_IO') return failure
    const probe = join(this.#options.path, 'probe.tmp')
    try {
      writeFileSync(probe, new Uint8Array(4 * 1024 * 1024), { flush: true })
      return failure
    } catch (probeError) {
      const cause = storageErrorOf(probeError, this.#options.path)
      return cause.code === 'ERR_STORAGE_FULL' ? cause : failure
    } finally {
      rmSync(probe, { force: true })
    }
  }
}

function openDatabase(options: EnvironmentOptions): Database {
  checkHeader(dataFile(options.path))
  return open<Uint8Array, Uint8Array>({
    path: dataFile(options.path),
    keyEncoding: 'binary',
    encoding: 'binary',
    overlappingSync: false,
    noSync: options.acknowledgeAtPut,
    readOnly: options.readOnly,
    maxDbs: 1,
  })
}

/** Applies one batch inside the open transaction; a batch whose expectation fails changes nothing. */
function applyBatch(database: Database, batch: Uint8Array, path: string): StorageError | undefined {
  const operation = new BatchReader(batch)
  while (operation.next()) {
    if (!applyOperation(database, operation)) {
      return new StorageError('ERR_STORAGE_CONFLICT', `${path}: a key holds another value than expected`)
    }
  }
  return undefined
}

function applyOperation(database: Database, { kind, key, value }: BatchReader): boolean {
  if (kind === kinds.put) database.putSync(key, value)
  else if (kind === kinds.delete) database.removeSync(key)
  else if (kind === kinds.deleteRange) deleteRange(database, key, value)
  else if (kind === kinds.expect) return equalBytes(database.getBinary(key), value)
  else return database.getBinary(key) === undefined
  return true
}

/** In slices: a cursor must not stand on a page that its own loop deletes from. */
function deleteRange(database: Database, from: Uint8Array, to: Uint8Array): void {
  const slice = 1000
  for (;;) {
    const keys = [...database.getKeys({ start: from, end: to, limit: slice }).map((key) => new Uint8Array(key))]
    for (const key of keys) database.removeSync(key)
    if (keys.length < slice) return
  }
}

/** Bytes that the batches may add to the file: twice their own, for pages half full. */
function mostBytes(batches: readonly Uint8Array[]): number {
  let bytes = 0
  for (const batch of batches) bytes += 2 * batch.length + batchBytes
  return bytes
}

/** What the device has left for this process. */
function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}

/**
 * Bytes of the pages that hold data. Free pages do not count: LMDB uses them again. (lmdb-js grows the map of an
 * environment without bound, so the bound is kept here.)
 */
function usedBytes(database: Database): number {
  const stats: object = database.getStats()
  const read = (name: string): number => {
    const value: unknown = Reflect.get(stats, name)
    return typeof value === 'number' ? value : 0
  }
  return read('pageSize') * (read('treeBranchPageCount') + read('treeLeafPageCount') + read('overflowPages'))
}

function dataFile(folder: string): string {
  return join(folder, 'data.mdb')
}
