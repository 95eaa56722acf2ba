// A registry: processes of one node found by keys, each with a value. (The node's own names, `self.register`, are
// another table: one text per process, as in Erlang.)
//
// Everything here is synchronous, so look-then-register is free of races, and in force at once. When a process ends,
// its entries go in the same turn, before any link, monitor or listener tells of the end.

import type { EndListener } from '../kernel/end-listeners.ts'
import { OptionError, ProcessError } from '../kernel/errors.ts'
import type { Key } from '../kernel/key.ts'
import type { Node } from '../kernel/node.ts'
import type { Pid } from '../kernel/pid.ts'
import type { Definition, Given, Ref } from '../kernel/ref.ts'
import type { Entry } from './entry-index.ts'
import { MAX_ENTRIES, OwnedEntries } from './owned-entries.ts'
import { type BroadcastOptions, type Sender, sendToAll } from './sender.ts'

export interface RegistryOptions {
  /** `unique`: a key belongs to one process at a time. `duplicate`: many processes may register under one key. */
  readonly keys: 'unique' | 'duplicate'
  /** For events and errors. Default `registry`. */
  readonly name?: string
  /** Most entries at a time. Default 1 000 000. */
  readonly maxEntries?: number
}

/** What a listener of a registry is sent. A new value of an old entry is no event, as in Elixir. */
export class RegistryEvent<K = Key, V = unknown> {
  readonly kind: 'register' | 'unregister'
  /** The registry's name. */
  readonly registry: string
  readonly key: K
  readonly pid: Pid
  readonly value: V

  constructor(kind: 'register' | 'unregister', registry: string, entry: Entry<K, V>) {
    this.kind = kind
    this.registry = registry
    this.key = entry.key
    this.pid = entry.pid
    this.value = entry.value
  }
}

/**
 * Elixir's `Registry` and gproc's names and properties. K: the keys; V: the value of an entry (none by default).
 *
 * Differs from Elixir: a process registers once under a key, as in gproc, in a registry with duplicate keys too; any
 * process of the node can be registered, not only the caller; there is no lag between a death and the removal.
 */
export class Registry<K extends Key = string, V = undefined> {
  readonly name: string
  readonly #unique: boolean
  readonly #entries: OwnedEntries<K, V>
  readonly #node: Node
  readonly #listeners = new Map<number, Pid>()
  readonly #listenerEnds: EndListener = { ended: (pid) => this.#listeners.delete(pid.id) }

  /** @throws OptionError for a wrong option. */
  constructor(node: Node, options: RegistryOptions) {
    if (options.keys !== 'unique' && options.keys !== 'duplicate') {
      throw new OptionError('keys', options.keys, "'unique' or 'duplicate'")
    }
    this.name = options.name ?? 'registry'
    this.#node = node
    this.#unique = options.keys === 'unique'
    const bound = { name: this.name, field: 'maxEntries', limit: options.maxEntries ?? MAX_ENTRIES }
    this.#entries = new OwnedEntries(node, bound, (entry) => this.#announce('unregister', entry))
  }

  /** The number of entries. */
  get size(): number {
    return this.#entries.index.size
  }

  /**
   * Registers a process of this node under `key`.
   *
   * @throws ProcessError ERR_BADARG if the key is taken (unique) or the process has it already (duplicate); ERR_NOPROC
   * if the process has ended or lives elsewhere. CapacityError at `maxEntries`. OptionError for what is no key.
   */
  register(pid: Pid, key: K, ...value: Given<V>): void {
    const taken = this.#unique ? this.#entries.index.first(key) : this.#entries.get(key, pid)
    if (taken !== undefined) {
      throw new ProcessError('badarg', `${this.name}: ${JSON.stringify(key)} is taken by ${taken.pid}`)
    }
    const [given] = value as readonly unknown[]
    this.#announce('register', this.#entries.set(key, pid, given as V))
  }

  /** Takes an entry out. False if there was none. */
  unregister(pid: Pid, key: K): boolean {
    const entry = this.#entries.delete(key, pid)
    if (entry !== undefined) this.#announce('unregister', entry)
    return entry !== undefined
  }

  /**
   * Replaces the value of an entry by what `change` makes of it, and answers the new one.
   *
   * @throws ProcessError ERR_BADARG if the process has no such entry.
   */
  updateValue(pid: Pid, key: K, change: (value: V) => V): V {
    const entry = this.#entries.get(key, pid)
    if (entry === undefined) {
      throw new ProcessError('badarg', `${this.name}: ${pid} is not registered under ${JSON.stringify(key)}`)
    }
    return this.#entries.set(key, pid, change(entry.value)).value
  }

  /** The entries of a key, oldest first: none, one (unique), or many. O(1) and the length of the answer. */
  lookup(key: K): Entry<K, V>[] {
    return this.#entries.index.at(key)
  }

  /** The entries of a key whose value fulfils `holds`, oldest first. */
  match(key: K, holds: (value: V, pid: Pid) => boolean): Entry<K, V>[] {
    return this.lookup(key).filter(({ value, pid }) => holds(value, pid))
  }

  /** The entries of any key that fulfil `holds`. Looks at all of them: O(n). */
  select(holds: (entry: Entry<K, V>) => boolean): Entry<K, V>[] {
    return [...this.#entries.index.all()].filter(holds)
  }

  /**
   * The process that has `key`, or the oldest of those that share it. With a definition, typed by it: the caller's
   * word, not checked.
   */
  whereis(key: K): Pid | undefined
  whereis<T extends Definition>(definition: T, key: K): Ref<T> | undefined
  whereis(first: K | Definition, second?: K): Pid | undefined {
    const key = isDefinition(first) ? second : first
    return key === undefined ? undefined : this.#entries.index.first(key)?.pid
  }

  /** The value that a process has registered under `key`, or undefined. */
  value(pid: Pid, key: K): V | undefined {
    return this.#entries.get(key, pid)?.value
  }

  /** The keys of a process, oldest first. */
  keys(pid: Pid): K[] {
    return this.#entries.of(pid).map((entry) => entry.key)
  }

  /** Sends `message` to every process registered under `key`, oldest first. Answers to how many. */
  dispatch(from: Sender, key: K, message: unknown, options?: BroadcastOptions): number {
    return sendToAll(
      from,
      this.lookup(key).map((entry) => entry.pid),
      message,
      options,
    )
  }

  /**
   * Sends a {@link RegistryEvent} to `listener`, a process of this node, for each entry that comes or goes, until it
   * ends or {@link Registry.unlisten | unlisten} is called. Idempotent.
   *
   * @throws ProcessError ERR_NOPROC if it has ended or lives elsewhere.
   */
  listen(listener: Pid): void {
    if (!this.#node.watchEnd(listener, this.#listenerEnds)) {
      throw new ProcessError('noproc', `${this.name}: ${listener} is no living process of this node`)
    }
    this.#listeners.set(listener.id, listener)
  }

  /** Ends {@link Registry.listen | listen}. False if the process did not listen. */
  unlisten(listener: Pid): boolean {
    if (!this.#node.isLocal(listener)) return false
    this.#node.unwatchEnd(listener, this.#listenerEnds)
    return this.#listeners.delete(listener.id)
  }

  #announce(kind: RegistryEvent['kind'], entry: Entry<K, V>): void {
    for (const listener of this.#listeners.values()) {
      this.#node.send(listener, new RegistryEvent(kind, this.name, entry))
    }
  }
}

function isDefinition(value: unknown): value is Definition {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
