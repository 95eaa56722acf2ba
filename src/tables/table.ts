// A table in memory, after ETS: entries under keys, written by the process that owns it, read by every process of the
// node and by other threads, and gone when its owner ends, unless an heir takes it over.
//
// A `Table` is the right to write, of one owner: it is void once the table has another owner or none. So the handler of
// a process that was killed writes nothing any more.

import type { EndListener } from '../kernel/end-listeners.ts'
import { OptionError, ProcessError } from '../kernel/errors.ts'
import type { Key } from '../kernel/key.ts'
import type { Node } from '../kernel/node.ts'
import { type Pid, samePid } from '../kernel/pid.ts'
import { Scratch } from './codec.ts'
import { MAX_BYTES_LIMIT, MAX_ENTRIES_LIMIT } from './layout.ts'
import { TableError } from './table-error.ts'
import { TableReader } from './table-reader.ts'
import { TableWriter } from './table-writer.ts'

export interface TableOptions {
  /** For messages. Default `table`. */
  readonly name?: string
  /** Most entries, at most 2^24. Default 65 536. Eight bytes are set aside for each. */
  readonly maxEntries?: number
  /**
   * Room for keys and values, in bytes, at most 2^31. Default 16 MiB. An entry takes 16 bytes, the JSON text of its key
   * and its value in MessagePack, rounded up to a power of two.
   */
  readonly maxBytes?: number
  /** Who is given the table when its owner ends. Default: nobody, and the table is deleted. */
  readonly heir?: TableHeir
}

export interface TableHeir {
  /** A process of the same node. If it has ended when its time comes, the table is deleted. */
  readonly pid: Pid
  /** Handed on to it with the table. */
  readonly data?: unknown
}

// Used within one operation only.
const keys = new Scratch()
const values = new Scratch()

/** What the new owner of a table is sent: ETS's `{'ETS-TRANSFER', Table, From, Data}`. */
export class TableTransfer<K extends Key = Key, V = unknown> {
  readonly table: Table<K, V>
  /** The owner before. */
  readonly from: Pid
  readonly data: unknown

  constructor(table: Table<K, V>, from: Pid, data: unknown) {
    this.table = table
    this.from = from
    this.data = data
  }
}

/** The right of one process to write a table. Reads as {@link TableReader}. */
export class Table<K extends Key = string, V = unknown> extends TableReader<K, V> {
  /** Whose right this is. */
  readonly owner: Pid
  readonly #ownership: Ownership
  readonly #writer: TableWriter

  /** @internal Use {@link createTable}. */
  constructor(ownership: Ownership, owner: Pid) {
    super({ name: ownership.name, buffer: ownership.writer.buffer })
    this.#ownership = ownership
    this.#writer = ownership.writer
    this.owner = owner
  }

  /**
   * Sets the value under a key. Needs room for the new value beside an old one.
   *
   * @throws CapacityError at `maxEntries` or `maxBytes`, and then changes nothing; TableError ERR_TABLE_NOT_OWNER,
   * ERR_TABLE_DELETED; OptionError for what is no key.
   */
  insert(key: K, value: V): void {
    this.#check()
    this.#writer.put(keys.encodeKey(key), values.encodeValue(value))
  }

  /** The same, if there is nothing under the key yet; else false. */
  insertNew(key: K, value: V): boolean {
    this.#check()
    const bytes = keys.encodeKey(key)
    if (this.#writer.has(bytes)) return false
    this.#writer.put(bytes, values.encodeValue(value))
    return true
  }

  /** Removes an entry. False if there was none. Throws as {@link Table.insert | insert} does, but for capacity. */
  delete(key: K): boolean {
    this.#check()
    return this.#writer.delete(keys.encodeKey(key))
  }

  /** Removes an entry and answers its value, undefined if there was none. */
  take(key: K): V | undefined {
    this.#check()
    const value = this.get(key)
    this.#writer.delete(keys.encodeKey(key))
    return value
  }

  /**
   * Adds to a number and answers the sum.
   *
   * @param by default 1; may be negative.
   * @param initial what is added to if there is no entry; default: that is an error.
   * @throws ProcessError ERR_BADARG if there is nothing to add to; OptionError if the sum is no safe integer; and as
   * {@link Table.insert | insert}.
   */
  updateCounter(this: Table<K, number>, key: K, by = 1, initial?: number): number {
    this.#check()
    const value = this.has(key) ? this.get(key) : initial
    if (typeof value !== 'number') {
      throw new ProcessError('badarg', `table ${this.name}: no number under ${JSON.stringify(key)}`)
    }
    const sum = value + by
    if (!Number.isSafeInteger(sum)) throw new OptionError('by', by, 'a sum within ±(2^53 - 1)')
    this.#writer.put(keys.encodeKey(key), values.encodeValue(sum))
    return sum
  }

  /**
   * Makes another process of the node the owner and sends it a {@link TableTransfer}. This right is void from now on.
   *
   * @throws ProcessError ERR_NOPROC if it has ended or lives elsewhere.
   */
  giveAway(to: Pid, data?: unknown): void {
    this.#check()
    this.#ownership.transfer(to, data)
  }

  /** Changes who is given the table when its owner ends; undefined: nobody. */
  setHeir(heir: TableHeir | undefined): void {
    this.#check()
    this.#ownership.heir = heir
  }

  /** Deletes the table: from now on, readers get ERR_TABLE_DELETED. */
  drop(): void {
    this.#check()
    this.#ownership.drop()
  }

  #check(): void {
    this.#ownership.check(this.owner)
  }
}

/** Who owns a table, for as long as it is there. */
class Ownership implements EndListener {
  readonly name: string
  readonly writer: TableWriter
  readonly #node: Node
  heir: TableHeir | undefined
  #owner: Pid | undefined

  constructor(node: Node, name: string, writer: TableWriter, heir: TableHeir | undefined) {
    this.#node = node
    this.name = name
    this.writer = writer
    this.heir = heir
  }

  /** @throws ProcessError ERR_NOPROC. */
  own(pid: Pid): void {
    if (!this.#node.watchEnd(pid, this)) {
      throw new ProcessError('noproc', `table ${this.name}: ${pid} is no living process of this node`)
    }
    this.#owner = pid
  }

  check(pid: Pid): void {
    if (this.#owner !== undefined && samePid(pid, this.#owner)) return
    if (!this.#node.isAlive(pid)) this.#node.counters.fenced++
    if (this.#owner === undefined) throw new TableError('ERR_TABLE_DELETED', this.name, 'is deleted')
    throw new TableError('ERR_TABLE_NOT_OWNER', this.name, `belongs to ${this.#owner}, not ${pid}`)
  }

  transfer(to: Pid, data: unknown): void {
    const from = this.#owner
    if (from === undefined) return
    this.own(to)
    if (!samePid(from, to)) this.#node.unwatchEnd(from, this)
    this.#node.send(to, new TableTransfer(new Table(this, to), from, data))
  }

  drop(): void {
    if (this.#owner !== undefined) this.#node.unwatchEnd(this.#owner, this)
    this.#owner = undefined
    this.writer.drop()
  }

  ended(): void {
    if (this.heir !== undefined && this.#node.isAlive(this.heir.pid)) this.transfer(this.heir.pid, this.heir.data)
    else this.drop()
  }
}

/**
 * Creates a table that `owner`, a process of `node`, may write.
 *
 * Limits: one writer, so other processes ask the owner; values are copied in and out; memory is taken at once (the
 * system commits it as it is used), does not grow, and is not given back before the table goes.
 *
 * @throws OptionError for a wrong option; ProcessError ERR_NOPROC if the owner has ended or lives elsewhere.
 */
export function createTable<K extends Key = string, V = unknown>(
  node: Node,
  owner: Pid,
  options: TableOptions = {},
): Table<K, V> {
  const { name = 'table', maxEntries = 65_536, maxBytes = 16 * 1024 * 1024 } = options
  within('maxEntries', maxEntries, 1, MAX_ENTRIES_LIMIT)
  within('maxBytes', maxBytes, 64, MAX_BYTES_LIMIT)
  const writer = new TableWriter(name, { maxEntries, maxBytes }, node.ports.random.uint32())
  const ownership = new Ownership(node, name, writer, options.heir)
  ownership.own(owner)
  return new Table(ownership, owner)
}

function within(field: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new OptionError(field, value, `an integer from ${low} to ${high}`)
  }
}
