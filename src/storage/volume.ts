// The contents of one in-memory store: what is visible, and how to undo what is not yet synced. Synchronous and
// without time; memory-disk.ts adds the queue, the flush and the faults.
//
// Invariant: undoing the un-synced groups, last first, yields exactly what was durable.

import { BatchReader, kinds } from './batch.ts'
import { StorageError } from './errors.ts'
import { compareSlice, maxKeyBytes } from './keys.ts'
import { SortedMap } from './sorted-map.ts'
import { restOf, type ScanPage, type ScanRange, type StoredEntry } from './store.ts'

/** What undoes changes: keys and what they held, in order of the changes. */
type Changes = (Uint8Array | undefined)[]

/** How much of the first lost batch a cut leaves behind. LMDB leaves nothing; a broken disk may. */
export interface Tear {
  /** Operations of the batch that are kept. */
  readonly operations: number
  /** Bytes kept of the next put's value, if nothing stood under its key. Default: the put is lost whole. */
  readonly bytes?: number
}

export class Volume {
  readonly #map = new SortedMap()
  #bytes = 0
  /** The un-synced batches in order, each with what undoes it. */
  #unsynced: { readonly encoded: Uint8Array; readonly changes: Changes }[] = []

  get bytes(): number {
    return this.#bytes
  }

  get unsynced(): number {
    return this.#unsynced.length
  }

  /** Applies a batch whole or not at all; it is visible at once and un-synced. */
  apply(encoded: Uint8Array, capacityBytes: number): void {
    const changes: Changes = []
    const before = this.#bytes
    try {
      const operation = new BatchReader(encoded)
      while (operation.next()) this.#apply(operation, changes)
      if (this.#bytes > capacityBytes && this.#bytes > before) {
        throw new StorageError('ERR_STORAGE_MAP_FULL', `the store would exceed its ${capacityBytes} bytes`)
      }
    } catch (error) {
      this.#undo(changes)
      throw error
    }
    this.#unsynced.push({ encoded, changes })
  }

  /** Makes the first `batches` un-synced batches durable. */
  sync(batches: number): void {
    this.#unsynced.splice(0, batches)
  }

  /** Loses every un-synced batch but the first `kept`, and leaves a torn part of the first lost one if asked. */
  rollBack(kept: number, tear?: Tear): void {
    const lost = this.#unsynced.splice(kept)
    this.#unsynced = []
    for (const group of lost.toReversed()) this.#undo(group.changes)
    const torn = lost[0]
    if (torn !== undefined && tear !== undefined) this.#tear(torn.encoded, tear)
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#map.get(key)?.slice()
  }

  scan(range: ScanRange): ScanPage {
    const { maxEntries = 1000, maxBytes = 1024 * 1024 } = range
    const entries: StoredEntry[] = []
    let bytes = 0
    for (const [key, value] of this.#map.between(range.from, range.to, range.reverse)) {
      const last = entries.at(-1)
      bytes += key.length + value.length
      if (last !== undefined && (entries.length >= maxEntries || bytes > maxBytes)) {
        return { entries, rest: restOf(range, last.key) }
      }
      entries.push({ key: key.slice(), value: value.slice() })
    }
    return { entries, rest: undefined }
  }

  /** Every key, in order. */
  keys(): Uint8Array[] {
    const behind = new Uint8Array(maxKeyBytes + 1).fill(0xff)
    return [...this.#map.between(Uint8Array.of(0), behind)].map(([key]) => key)
  }

  /** Replaces a stored value behind everyone's back: rot. Undefined removes it. False if the key is not there. */
  damage(key: Uint8Array, change: (value: Uint8Array) => Uint8Array | undefined): boolean {
    const value = this.#map.get(key)
    if (value === undefined) return false
    this.#set(change(value.slice()), key)
    return true
  }

  #apply(operation: BatchReader, changes: Changes | undefined): void {
    const { kind, bytes, keyFrom, keyTo, valueFrom, valueTo } = operation
    if (kind === kinds.deleteRange) {
      for (const [key, value] of this.#map.removeBetween(operation.key, operation.value)) {
        this.#bytes -= key.length + value.length
        changes?.push(key, value)
      }
    } else if (kind === kinds.expect || kind === kinds.expectAbsent) {
      const held = this.#map.get(bytes, keyFrom, keyTo)
      const isAsExpected =
        kind === kinds.expectAbsent
          ? held === undefined
          : held !== undefined && compareSlice(held, bytes, valueFrom, valueTo) === 0
      if (!isAsExpected) throw new StorageError('ERR_STORAGE_CONFLICT', 'a key holds another value')
    } else {
      // A view: nobody writes to a batch's bytes once it is taken.
      const value = kind === kinds.put ? operation.value : undefined
      const before = this.#set(value, bytes, keyFrom, keyTo)
      changes?.push(this.#map.lastKey, before)
    }
  }

  #undo(changes: Changes): void {
    for (let i = changes.length - 2; i >= 0; i -= 2) {
      const key = changes[i]
      if (key !== undefined) this.#set(changes[i + 1], key)
    }
  }

  #tear(encoded: Uint8Array, tear: Tear): void {
    const operation = new BatchReader(encoded)
    for (let left = tear.operations; operation.next(); left--) {
      if (left > 0) this.#apply(operation, undefined)
      // What was synced under the key stays: a value is never written over the one before it.
      else if (operation.kind === kinds.put && tear.bytes !== undefined && this.#map.get(operation.key) === undefined) {
        this.#set(operation.value.slice(0, tear.bytes), operation.key)
      }
      if (left <= 0) return
    }
  }

  #set(value: Uint8Array | undefined, bytes: Uint8Array, from = 0, to = bytes.length): Uint8Array | undefined {
    const before = this.#map.set(value, bytes, from, to)
    if (before !== undefined) this.#bytes -= to - from + before.length
    if (value !== undefined) this.#bytes += to - from + value.length
    return before
  }
}
