// Entries found from both sides: by key, and by the process they belong to. All operations on one entry are O(1).
// One entry at most for a key and a process. The processes are all of one life of one node: their numbers tell them
// apart. Entries never change: an update replaces, so what a lookup has answered stays as it was.

import { type Key, mapKey } from '../kernel/key.ts'
import type { Pid } from '../kernel/pid.ts'
import { MultiMap } from './multi-map.ts'

/** What a process has registered under a key. */
export interface Entry<K, V> {
  readonly key: K
  readonly pid: Pid
  readonly value: V
}

export class EntryIndex<K extends Key, V> {
  readonly #byKey = new MultiMap<string | number, number, Entry<K, V>>(({ pid }) => pid.id)
  readonly #byPid = new MultiMap<number, string | number, Entry<K, V>>(({ key }) => mapKey(key))
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: K, pid: Pid): Entry<K, V> | undefined {
    return this.#byKey.get(mapKey(key), pid.id)
  }

  /** Adds an entry, or replaces the one of the same key and process in its place. */
  set(entry: Entry<K, V>): void {
    const key = mapKey(entry.key)
    const before = this.#byKey.count(key)
    this.#byKey.set(key, entry)
    this.#size += this.#byKey.count(key) - before
    this.#byPid.set(entry.pid.id, entry)
  }

  /** The entry that was there. */
  delete(key: K, pid: Pid): Entry<K, V> | undefined {
    const text = mapKey(key)
    const entry = this.#byKey.get(text, pid.id)
    if (entry === undefined) return undefined
    this.#byKey.delete(text, pid.id)
    this.#byPid.delete(pid.id, text)
    this.#size--
    return entry
  }

  /** The entries of a key, oldest first. */
  at(key: K): Entry<K, V>[] {
    return this.#byKey.list(mapKey(key))
  }

  /** The oldest entry of a key. */
  first(key: K): Entry<K, V> | undefined {
    return this.#byKey.first(mapKey(key))
  }

  countAt(key: K): number {
    return this.#byKey.count(mapKey(key))
  }

  /** The entries of a process, oldest first. */
  of(pid: Pid): Entry<K, V>[] {
    return this.#byPid.list(pid.id)
  }

  countOf(pid: Pid): number {
    return this.#byPid.count(pid.id)
  }

  /** Every entry, key by key. */
  *all(): IterableIterator<Entry<K, V>> {
    for (const entries of this.#byKey.lists()) yield* entries
  }

  /** Every key that has an entry. */
  keys(): K[] {
    return [...this.#byKey.firsts()].map((entry) => entry.key)
  }
}
