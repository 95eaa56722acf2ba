// Entries found from both sides: by key, and by the process they belong to. All operations on one entry are O(1).
// One entry at most for a key and a process. The processes are all of one life of one node: their numbers tell them
// apart. Entries never change: an update replaces, so what a lookup has answered stays as it was.

import { type Key, mapKey } from '../kernel/key.ts'
import type { Pid } from '../kernel/pid.ts'

/** What a process has registered under a key. */
export interface Entry<K, V> {
  readonly key: K
  readonly pid: Pid
  readonly value: V
}

export class EntryIndex<K extends Key, V> {
  readonly #byKey = new Map<string | number, SmallMap<number, Entry<K, V>>>()
  readonly #byPid = new Map<number, SmallMap<string | number, Entry<K, V>>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: K, pid: Pid): Entry<K, V> | undefined {
    return this.#byKey.get(mapKey(key))?.get(pid.id)
  }

  /** Adds an entry, or replaces the one of the same key and process in its place. */
  set(entry: Entry<K, V>): void {
    const key = mapKey(entry.key)
    const ofKey = slot(this.#byKey, key)
    this.#size -= ofKey.size
    ofKey.set(entry.pid.id, entry)
    this.#size += ofKey.size
    slot(this.#byPid, entry.pid.id).set(key, entry)
  }

  /** The entry that was there. */
  delete(key: K, pid: Pid): Entry<K, V> | undefined {
    const text = mapKey(key)
    const entry = this.#byKey.get(text)?.get(pid.id)
    if (entry === undefined) return undefined
    remove(this.#byKey, text, pid.id)
    remove(this.#byPid, pid.id, text)
    this.#size--
    return entry
  }

  /** The entries of a key, oldest first. */
  at(key: K): Entry<K, V>[] {
    return this.#byKey.get(mapKey(key))?.list() ?? []
  }

  countAt(key: K): number {
    return this.#byKey.get(mapKey(key))?.size ?? 0
  }

  /** The entries of a process, oldest first. */
  of(pid: Pid): Entry<K, V>[] {
    return this.#byPid.get(pid.id)?.list() ?? []
  }

  countOf(pid: Pid): number {
    return this.#byPid.get(pid.id)?.size ?? 0
  }

  /** Every entry, key by key. */
  *all(): IterableIterator<Entry<K, V>> {
    for (const ofKey of this.#byKey.values()) yield* ofKey.list()
  }

  /** Every key that has an entry. */
  keys(): K[] {
    const keys: K[] = []
    for (const ofKey of this.#byKey.values()) {
      const [first] = ofKey.list()
      if (first !== undefined) keys.push(first.key)
    }
    return keys
  }
}

function slot<A, B, E>(maps: Map<A, SmallMap<B, E>>, at: A): SmallMap<B, E> {
  let map = maps.get(at)
  if (map === undefined) {
    map = new SmallMap()
    maps.set(at, map)
  }
  return map
}

function remove<A, B, E>(maps: Map<A, SmallMap<B, E>>, at: A, key: B): void {
  const map = maps.get(at)
  map?.delete(key)
  if (map?.size === 0) maps.delete(at)
}

/** A map that costs no Map while it holds one entry: most keys have one process, and most processes one key. */
class SmallMap<A, E> {
  #one: { readonly key: A; value: E } | undefined
  #many: Map<A, E> | undefined

  get size(): number {
    return this.#many !== undefined ? this.#many.size : this.#one === undefined ? 0 : 1
  }

  get(key: A): E | undefined {
    if (this.#many !== undefined) return this.#many.get(key)
    return this.#one?.key === key ? this.#one.value : undefined
  }

  set(key: A, value: E): void {
    if (this.#many !== undefined) this.#many.set(key, value)
    else if (this.#one === undefined) this.#one = { key, value }
    else if (this.#one.key === key) this.#one.value = value
    else {
      this.#many = new Map([
        [this.#one.key, this.#one.value],
        [key, value],
      ])
      this.#one = undefined
    }
  }

  delete(key: A): void {
    if (this.#many !== undefined) this.#many.delete(key)
    else if (this.#one?.key === key) this.#one = undefined
  }

  list(): E[] {
    if (this.#many !== undefined) return [...this.#many.values()]
    return this.#one === undefined ? [] : [this.#one.value]
  }
}
