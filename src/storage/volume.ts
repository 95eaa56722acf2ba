// The contents of one in-memory store: what is visible, and how to undo what is not yet synced. Synchronous and
// without time; memory-disk.ts adds the queue, the flush and the faults.
//
// Invariant: undoing the un-synced groups, last first, yields exactly what was durable.

import { operationsOf, type WriteOperation } from './batch.ts'
import { StorageError } from './errors.ts'
import { equalBytes } from './keys.ts'
import { bytesOf, SortedMap, textOf } from './sorted-map.ts'
import { restOf, type ScanPage, type ScanRange, type StoredEntry } from './store.ts'

type Change = readonly [key: string, before: Uint8Array | undefined]

/** How much of the first lost batch a cut leaves behind. LMDB leaves nothing; a broken disk may. */
export interface Tear {
  /** Operations of the batch that are kept. */
  readonly operations: number
  /** Bytes kept of the next put's value. Default: the put is lost whole. */
  readonly bytes?: number
}

export class Volume {
  readonly #map = new SortedMap()
  #bytes = 0
  /** The un-synced batches in order, each with what undoes it. */
  #unsynced: { readonly encoded: Uint8Array; readonly changes: readonly Change[] }[] = []

  get bytes(): number {
    return this.#bytes
  }

  get unsynced(): number {
    return this.#unsynced.length
  }

  /** Applies a batch whole or not at all; it is visible at once and un-synced. */
  apply(encoded: Uint8Array, capacityBytes: number): void {
    const changes: Change[] = []
    const before = this.#bytes
    try {
      for (const operation of operationsOf(encoded)) this.#apply(operation, changes)
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
    for (const group of [...lost].reverse()) this.#undo(group.changes)
    const torn = lost[0]
    if (torn !== undefined && tear !== undefined) this.#tear(torn.encoded, tear)
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#map.get(textOf(key))?.slice()
  }

  scan(range: ScanRange): ScanPage {
    const { maxEntries = 1000, maxBytes = 1024 * 1024 } = range
    const keys = this.#map.keysBetween(textOf(range.from), textOf(range.to))
    if (range.reverse === true) keys.reverse()
    const entries: StoredEntry[] = []
    let bytes = 0
    for (const key of keys) {
      const value = this.#map.get(key)
      if (value === undefined) continue
      const last = entries.at(-1)
      bytes += key.length + value.length
      if (last !== undefined && (entries.length >= maxEntries || bytes > maxBytes)) {
        return { entries, rest: restOf(range, last.key) }
      }
      entries.push({ key: bytesOf(key), value: value.slice() })
    }
    return { entries, rest: undefined }
  }

  /** Replaces a stored value behind everyone's back: rot. Undefined removes it. False if the key is not there. */
  damage(key: Uint8Array, change: (value: Uint8Array) => Uint8Array | undefined): boolean {
    const text = textOf(key)
    const value = this.#map.get(text)
    if (value === undefined) return false
    this.#set(text, change(value.slice()))
    return true
  }

  #apply(operation: WriteOperation, changes: Change[]): void {
    if (operation.kind === 'deleteRange') {
      for (const key of this.#map.keysBetween(textOf(operation.from), textOf(operation.to))) {
        changes.push([key, this.#map.get(key)])
        this.#set(key, undefined)
      }
      return
    }
    const key = textOf(operation.key)
    const held = this.#map.get(key)
    if (operation.kind === 'expect' || operation.kind === 'expectAbsent') {
      const expected = operation.kind === 'expect' ? operation.value : undefined
      if (!equalBytes(held, expected)) throw new StorageError('ERR_STORAGE_CONFLICT', 'a key holds another value')
      return
    }
    changes.push([key, held])
    this.#set(key, operation.kind === 'put' ? operation.value.slice() : undefined)
  }

  #undo(changes: readonly Change[]): void {
    for (const [key, before] of [...changes].reverse()) this.#set(key, before)
  }

  #tear(encoded: Uint8Array, tear: Tear): void {
    let left = tear.operations
    for (const operation of operationsOf(encoded)) {
      if (left > 0) this.#apply(operation, [])
      else if (operation.kind === 'put' && tear.bytes !== undefined) {
        this.#set(textOf(operation.key), operation.value.slice(0, tear.bytes))
      }
      if (left <= 0) return
      left -= 1
    }
  }

  #set(key: string, value: Uint8Array | undefined): void {
    const before = this.#map.get(key)
    if (before !== undefined) this.#bytes -= key.length + before.length
    if (value === undefined) this.#map.delete(key)
    else {
      this.#bytes += key.length + value.length
      this.#map.set(key, value)
    }
  }
}
