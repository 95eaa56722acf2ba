// A disk in memory behind the transactional port: for tests, and the simulator's disk. It flushes when its injected
// `schedule` says so, loses what was not synced at a power cut, and rots, fills up and refuses on command.
//
// Invariants: no time and no randomness of its own; batches that wait while a flush is under way share the next one;
// an acknowledged batch survives `cutPower`, unless `acknowledgeAtPut` (the planted bug) is set.

import { Admission } from './admission.ts'
import type { WriteBatch } from './batch.ts'
import { StorageError } from './errors.ts'
import { checkKey } from './keys.ts'
import { checkScan, type QueueLimits, type ScanPage, type ScanRange, type TransactionalStore } from './store.ts'
import { type Tear, Volume } from './volume.ts'

/** One flush, or one read of several keys: what the disk is busy with. */
export interface DiskJob {
  readonly kind: 'write' | 'read'
  /** Bytes moved. */
  readonly bytes: number
  /** The store's name on this disk. */
  readonly store: string
}

export interface MemoryDiskOptions {
  /** Runs `complete` when the job is done; the only clock the disk has. Default: in a microtask. */
  readonly schedule?: (job: DiskJob, complete: () => void) => void
  /** Bound of each store's keys and values, as `maxBytes` of LMDB. Default 1 GiB. */
  readonly maxBytes?: number
}

/** What a power cut does to each store; by default every un-synced batch is lost. */
export interface PowerCut {
  /** Of `unsynced` batches, how many reached the platter after all. */
  readonly kept?: (store: string, unsynced: number) => number
  /** A torn remainder of the first lost batch: a fault LMDB does not have, for what must notice it. */
  readonly tear?: Tear
}

/** A disk that lives as long as the object: stores opened on it survive their handles, not always a power cut. */
export class MemoryDisk {
  /** Faults a test turns on and off. */
  readonly faults = {
    /** Every write fails with ERR_STORAGE_FULL. */
    full: false,
    /** Every write fails with ERR_STORAGE_READ_ONLY. */
    readOnly: false,
    /** The planted bug: acknowledge once a batch is visible, before it is synced. */
    acknowledgeAtPut: false,
  }
  readonly maxBytes: number
  /** @internal */
  readonly schedule: (job: DiskJob, complete: () => void) => void
  readonly #volumes = new Map<string, Volume>()
  readonly #open = new Map<string, MemoryStore>()

  constructor(options: MemoryDiskOptions = {}) {
    this.schedule = options.schedule ?? ((_job, complete) => void Promise.resolve().then(complete))
    this.maxBytes = options.maxBytes ?? 1024 ** 3
  }

  /** Opens the named store, empty at first. Rejects with ERR_STORAGE_LOCKED while another handle is open. */
  async open(name: string, limits: QueueLimits = {}): Promise<TransactionalStore> {
    if (this.#open.has(name)) throw new StorageError('ERR_STORAGE_LOCKED', `${name} is already open`)
    const store = new MemoryStore(this, name, this.#volume(name), limits, () => this.#open.delete(name))
    this.#open.set(name, store)
    return store
  }

  /** Cuts the power: un-synced batches are lost, open handles die, and their unsettled promises never settle. */
  cutPower(cut: PowerCut = {}): void {
    for (const store of this.#open.values()) store.die()
    this.#open.clear()
    for (const [name, volume] of this.#volumes) volume.rollBack(cut.kept?.(name, volume.unsynced) ?? 0, cut.tear)
  }

  /**
   * Changes a stored value behind the back of its store: rot, a bad page. Undefined removes the key.
   * @returns false if the key is not there.
   */
  damage(name: string, key: Uint8Array, change: (value: Uint8Array) => Uint8Array | undefined): boolean {
    return this.#volume(name).damage(key, change)
  }

  /** All that is stored: each key with its store's name, in order. */
  contents(): { readonly name: string; readonly key: Uint8Array }[] {
    return [...this.#volumes].flatMap(([name, volume]) => volume.keys().map((key) => ({ name, key: key.slice() })))
  }

  #volume(name: string): Volume {
    let volume = this.#volumes.get(name)
    if (volume === undefined) {
      volume = new Volume()
      this.#volumes.set(name, volume)
    }
    return volume
  }
}

interface QueuedWrite {
  readonly encoded: Uint8Array
  /** What the admission counts. */
  readonly size: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

class MemoryStore implements TransactionalStore {
  readonly #disk: MemoryDisk
  readonly #name: string
  readonly #volume: Volume
  readonly #admission: Admission
  readonly #released: () => void
  #writes: QueuedWrite[] = []
  #reads: (() => void)[] = []
  #busy = false
  #dead = false
  #closed: Promise<void> | undefined

  constructor(disk: MemoryDisk, name: string, volume: Volume, limits: QueueLimits, released: () => void) {
    this.#disk = disk
    this.#name = name
    this.#volume = volume
    this.#admission = new Admission(limits)
    this.#released = released
  }

  write(batch: WriteBatch): Promise<void> {
    // One promise for a write: simulated protocols make little else.
    return new Promise((resolve, reject) => {
      this.#checkOpen()
      const size = batch.byteLength
      this.#writes.push({ encoded: this.#admission.enter(batch), size, resolve, reject })
      this.#pump()
    })
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    checkKey('key', key)
    const copy = new Uint8Array(key)
    return this.#read(() => this.#volume.get(copy))
  }

  async scan(range: ScanRange): Promise<ScanPage> {
    checkScan(range)
    return this.#read(() => this.#volume.scan(range))
  }

  close(): Promise<void> {
    this.#closed ??= this.#dead ? Promise.resolve() : this.#enqueueRead(() => {}).then(this.#released)
    return this.#closed
  }

  /** The power is gone: nothing settles any more. */
  die(): void {
    this.#dead = true
    this.#writes = []
    this.#reads = []
  }

  #read<T>(run: () => T): Promise<T> {
    this.#checkOpen()
    return this.#enqueueRead(run)
  }

  #enqueueRead<T>(run: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.#reads.push(() => resolve(run()))
      this.#pump()
    })
  }

  /** Starts the next job. Reads wait for the writes queued with them, so that they see what was written before. */
  #pump(): void {
    if (this.#busy || this.#dead) return
    if (this.#writes.length === 0 && this.#reads.length === 0) return
    this.#busy = true
    const reads = this.#reads
    const queued = this.#writes
    this.#reads = []
    this.#writes = []
    const writes = queued.filter((write) => this.#apply(write))
    let bytes = 0
    for (const write of writes) bytes += write.size
    if (this.#disk.faults.acknowledgeAtPut) for (const write of writes) write.resolve()
    this.#disk.schedule({ kind: writes.length > 0 ? 'write' : 'read', bytes, store: this.#name }, () => {
      if (this.#dead) return
      this.#volume.sync(writes.length)
      for (const write of writes) {
        this.#admission.leave(write.size)
        write.resolve()
      }
      for (const read of reads) read()
      this.#busy = false
      this.#pump()
    })
  }

  #apply(write: QueuedWrite): boolean {
    try {
      const { full, readOnly } = this.#disk.faults
      if (full) throw new StorageError('ERR_STORAGE_FULL', `${this.#name}: no space left on the disk`)
      if (readOnly) throw new StorageError('ERR_STORAGE_READ_ONLY', `${this.#name}: the disk allows no writing`)
      this.#volume.apply(write.encoded, this.#disk.maxBytes)
      return true
    } catch (error) {
      this.#admission.leave(write.size)
      write.reject(error)
      return false
    }
  }

  #checkOpen(): void {
    if (this.#closed !== undefined || this.#dead)
      throw new StorageError('ERR_STORAGE_CLOSED', `${this.#name} is closed`)
  }
}
