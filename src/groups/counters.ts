// Counters of processes, and their sums: gproc's counters and aggregated counters. A process that ends takes its share
// out of the sum.

import { OptionError, ProcessError } from '../kernel/errors.ts'
import type { Key } from '../kernel/key.ts'
import { mapKey } from '../kernel/key.ts'
import type { Node } from '../kernel/node.ts'
import type { Pid } from '../kernel/pid.ts'
import type { Entry } from './entry-index.ts'
import { MAX_ENTRIES, OwnedEntries } from './owned-entries.ts'

export interface CountersOptions {
  /** For errors. Default `counters`. */
  readonly name?: string
  /** Most counters at a time. Default 1 000 000. */
  readonly maxEntries?: number
}

/** Integers that processes of one node keep under keys, one per process and key, with the sum of each key. */
export class Counters<K extends Key = string> {
  readonly name: string
  readonly #entries: OwnedEntries<K, number>
  readonly #totals = new Map<string | number, number>()

  /** @throws OptionError for a wrong option. */
  constructor(node: Node, options: CountersOptions = {}) {
    this.name = options.name ?? 'counters'
    const bound = { name: this.name, field: 'maxEntries', limit: options.maxEntries ?? MAX_ENTRIES }
    this.#entries = new OwnedEntries(node, bound, (entry) => this.#removed(entry))
  }

  /**
   * Gives a process of this node a counter.
   *
   * @param initial default 0.
   * @throws ProcessError ERR_BADARG if it has one under this key, ERR_NOPROC if it has ended or lives elsewhere;
   * OptionError for what is no integer; CapacityError at `maxEntries`.
   */
  register(pid: Pid, key: K, initial = 0): void {
    if (this.#entries.get(key, pid) !== undefined) {
      throw new ProcessError('badarg', `${this.name}: ${pid} has ${JSON.stringify(key)} already`)
    }
    const total = integer('initial', this.total(key) + integer('initial', initial))
    this.#entries.set(key, pid, initial)
    this.#totals.set(mapKey(key), total)
  }

  /** Takes a counter away. False if there was none. */
  unregister(pid: Pid, key: K): boolean {
    const entry = this.#entries.delete(key, pid)
    if (entry !== undefined) this.#removed(entry)
    return entry !== undefined
  }

  /**
   * Adds to a counter and answers its new value.
   *
   * @param by default 1; may be negative.
   * @throws ProcessError ERR_BADARG if the process has no such counter; OptionError if `by` is no integer, or the counter
   * or its sum would leave the safe integers.
   */
  add(pid: Pid, key: K, by = 1): number {
    return this.#put(this.#of(pid, key), by)
  }

  /** Sets a counter to `value` (default 0) and answers the old one. Throws as {@link Counters.add | add} does. */
  reset(pid: Pid, key: K, value = 0): number {
    const entry = this.#of(pid, key)
    this.#put(entry, integer('value', value) - entry.value)
    return entry.value
  }

  /** The counter of a process, or undefined. */
  value(pid: Pid, key: K): number | undefined {
    return this.#entries.get(key, pid)?.value
  }

  /** The sum of all counters under `key`, 0 if there is none. O(1). */
  total(key: K): number {
    return this.#totals.get(mapKey(key)) ?? 0
  }

  /** The counters under `key`, oldest first. */
  lookup(key: K): Entry<K, number>[] {
    return this.#entries.index.at(key)
  }

  #of(pid: Pid, key: K): Entry<K, number> {
    const entry = this.#entries.get(key, pid)
    if (entry !== undefined) return entry
    throw new ProcessError('badarg', `${this.name}: ${pid} has no ${JSON.stringify(key)}`)
  }

  #put({ key, pid, value }: Entry<K, number>, by: number): number {
    const sum = integer('by', value + integer('by', by))
    const total = integer('by', this.total(key) + by)
    this.#entries.set(key, pid, sum)
    this.#totals.set(mapKey(key), total)
    return sum
  }

  #removed({ key, value }: Entry<K, number>): void {
    if (this.#entries.index.countAt(key) === 0) this.#totals.delete(mapKey(key))
    else this.#totals.set(mapKey(key), this.total(key) - value)
  }
}

function integer(field: string, value: number): number {
  if (!Number.isSafeInteger(value)) throw new OptionError(field, value, 'an integer within ±(2^53 - 1)')
  return value
}
