// An index whose entries belong to living processes of one node, and go when these end. It holds what registries,
// counters and groups share: who may own an entry, how many there may be, and that nobody hears of a death before the
// entries of the dead are gone.

import type { EndListener } from '../kernel/end-listeners.ts'
import { CapacityError, OptionError, ProcessError } from '../kernel/errors.ts'
import type { Key } from '../kernel/key.ts'
import type { Node } from '../kernel/node.ts'
import type { Pid } from '../kernel/pid.ts'
import { type Entry, EntryIndex } from './entry-index.ts'

/** The default bound on the entries of a registry, a set of counters or a scope of groups. */
export const MAX_ENTRIES = 1_000_000

export interface OwnedEntriesOptions {
  /** For error messages. */
  readonly name: string
  /** The user's option that sets the bound, and its value. */
  readonly field: string
  readonly limit: number
}

export class OwnedEntries<K extends Key, V> implements EndListener {
  readonly index = new EntryIndex<K, V>()
  readonly node: Node
  readonly #options: OwnedEntriesOptions
  readonly #lost: (entry: Entry<K, V>) => void

  /** @param lost called for each entry of a process that has ended, the youngest first, once it is out of the index. */
  constructor(node: Node, options: OwnedEntriesOptions, lost: (entry: Entry<K, V>) => void) {
    const { field, limit } = options
    if (!Number.isSafeInteger(limit) || limit < 1) throw new OptionError(field, limit, 'an integer >= 1')
    this.node = node
    this.#options = options
    this.#lost = lost
  }

  /** Adds or replaces the entry of a process. @throws ProcessError ERR_NOPROC, CapacityError. */
  set(key: K, pid: Pid, value: V): Entry<K, V> {
    const { name, field, limit } = this.#options
    if (!this.node.isAlive(pid)) throw new ProcessError('noproc', `${name}: ${pid} is no living process of this node`)
    if (this.index.size >= limit && this.index.get(key, pid) === undefined) throw new CapacityError(name, field, limit)
    const entry = { key, pid, value }
    this.index.set(entry)
    this.node.watchEnd(pid, this)
    return entry
  }

  get(key: K, pid: Pid): Entry<K, V> | undefined {
    return this.node.isLocal(pid) ? this.index.get(key, pid) : undefined
  }

  /** The entry that was there. */
  delete(key: K, pid: Pid): Entry<K, V> | undefined {
    if (!this.node.isLocal(pid)) return undefined
    const entry = this.index.delete(key, pid)
    if (entry !== undefined && this.index.countOf(pid) === 0) this.node.unwatchEnd(pid, this)
    return entry
  }

  /** The entries of a process, oldest first. */
  of(pid: Pid): Entry<K, V>[] {
    return this.node.isLocal(pid) ? this.index.of(pid) : []
  }

  ended(pid: Pid): void {
    const entries = this.index.of(pid).reverse()
    for (const { key } of entries) this.index.delete(key, pid)
    for (const entry of entries) this.#lost(entry)
  }
}
