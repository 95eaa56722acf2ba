// Snapshots on disk: each under a number of its own, in chunks with a checksum each. Which one is in force, the log's
// metadata says, so that a switch from one to the next is the log's transaction; all others are on their way, or left
// over and swept out.
//
// Invariants: a snapshot's description is written after its last chunk; what is read was checked; a chunk received is
// durable before it is said to be.

import { crc32c } from '../../src/storage/crc32c.ts'
import { KeyValueStore } from '../../src/storage/key-value-store.ts'
import type { TransactionalStore } from '../../src/storage/store.ts'
import type { Configuration } from './core/configuration.ts'
import type { SnapshotDescription } from './core/message.ts'

/** A snapshot that is being received. */
interface Receiving {
  readonly number: number
  readonly snapshot: SnapshotDescription
  /** All bytes below are there. */
  readonly nextOffset: number
}

/** A part of a snapshot, and its CRC32C. */
export interface Chunk {
  readonly bytes: Uint8Array
  readonly checksum: number
}

const RECEIVING = 'r'
const FOUNDERS = 'f'
/** Keys removed by one transaction. */
const SWEEP = 256

export class SnapshotStore {
  readonly #store: KeyValueStore
  #next = 1
  #receiving: Receiving | undefined

  /** @param name of the group: 1 to 64 of `a-z A-Z 0-9 . _ / -` */
  constructor(store: TransactionalStore, name: string) {
    this.#store = new KeyValueStore(store, name)
  }

  /** Takes up what a crash has left: goes on with a snapshot being received, removes all others but `inForce`. */
  async open(inForce: number): Promise<void> {
    const receiving = await this.#store.get(RECEIVING)
    this.#receiving = receiving === undefined ? undefined : (readChecked(receiving) as Receiving | undefined)
    await this.#sweep(new Set([inForce, this.#receiving?.number ?? 0]), Number.POSITIVE_INFINITY)
  }

  /** Writes down the founders' membership, or reads it. */
  async founders(founders: Configuration | undefined): Promise<Configuration | undefined> {
    if (founders !== undefined) {
      await this.#store.put(FOUNDERS, asBytes(founders))
      return founders
    }
    const bytes = await this.#store.get(FOUNDERS)
    return bytes === undefined ? undefined : (readChecked(bytes) as Configuration | undefined)
  }

  /** A number that no snapshot has had. */
  newNumber(): number {
    return this.#next++
  }

  /** Writes a part of a snapshot; durable once this resolves. */
  write(number: number, offset: number, bytes: Uint8Array): Promise<void> {
    return this.#store.put(chunkKey(number, offset), withChecksum(bytes))
  }

  /** Completes a snapshot; until the log's metadata names it, it counts for nothing. */
  describe(number: number, snapshot: SnapshotDescription): Promise<void> {
    return this.#store.put(descriptionKey(number), asBytes(snapshot))
  }

  /** The description of a complete snapshot, or undefined if it is damaged. */
  async description(number: number): Promise<SnapshotDescription | undefined> {
    const bytes = await this.#store.get(descriptionKey(number))
    return bytes === undefined ? undefined : (readChecked(bytes) as SnapshotDescription | undefined)
  }

  /** The whole snapshot, or undefined if it is not what its description says. */
  async read(number: number, snapshot: SnapshotDescription): Promise<Uint8Array | undefined> {
    const whole = new Uint8Array(snapshot.size)
    let at = 0
    for await (const { value } of this.#store.scan({ prefix: `c${numberKey(number)}` })) {
      const chunk = checked(value)
      if (chunk === undefined || chunk.length > whole.length - at) return undefined
      whole.set(chunk, at)
      at += chunk.length
    }
    return at === whole.length && crc32c(whole) === snapshot.checksum ? whole : undefined
  }

  /** The part that begins at an offset, up to the end of the chunk it lies in; undefined if it is damaged. */
  async chunkAt(number: number, offset: number): Promise<Chunk | undefined> {
    const prefix = `c${numberKey(number)}`
    for await (const { key, value } of this.#store.scan({
      prefix,
      after: chunkKey(number, offset + 1),
      reverse: true,
      limit: 1,
    })) {
      const begin = Number.parseInt(Buffer.from(key).toString('latin1').slice(prefix.length), 16)
      const bytes = checked(value)?.subarray(offset - begin)
      return bytes === undefined ? undefined : { bytes, checksum: crc32c(bytes) }
    }
    return undefined
  }

  /**
   * Keeps a received chunk. Goes on with what is there of the same snapshot, whoever sent it; anything else begins anew.
   * @returns how far it is there now: a chunk that does not follow what is there is not kept.
   */
  async receive(snapshot: SnapshotDescription, offset: number, chunk: Uint8Array): Promise<number> {
    const known =
      this.#receiving !== undefined && isSame(this.#receiving.snapshot, snapshot) ? this.#receiving : undefined
    if (known !== undefined && offset !== known.nextOffset) return known.nextOffset
    if (known === undefined && offset !== 0) return 0
    const number = known?.number ?? this.newNumber()
    const receiving: Receiving = { number, snapshot, nextOffset: offset + chunk.length }
    this.#receiving = receiving
    try {
      await this.#store.update((changes) => {
        changes.put(chunkKey(number, offset), withChecksum(chunk))
        changes.put(RECEIVING, asBytes(receiving))
      })
    } catch (error) {
      this.#receiving = known
      throw error
    }
    return receiving.nextOffset
  }

  /** A received snapshot that is complete and right: its number and its bytes. Otherwise it is forgotten. */
  async received(snapshot: SnapshotDescription): Promise<{ number: number; bytes: Uint8Array } | undefined> {
    const receiving = this.#receiving
    if (receiving === undefined || !isSame(receiving.snapshot, snapshot)) return undefined
    const bytes = await this.read(receiving.number, snapshot)
    if (bytes === undefined) {
      await this.forgetReceived()
      return undefined
    }
    await this.describe(receiving.number, snapshot)
    return { number: receiving.number, bytes }
  }

  /** What was received is in force, or of no use. */
  async forgetReceived(): Promise<void> {
    this.#receiving = undefined
    await this.#store.delete(RECEIVING)
  }

  /** Removes every snapshot but the one in force, the one being received, and one that is being written. */
  sweep(inForce: number, writing = 0): Promise<void> {
    // Those that begin meanwhile have later numbers.
    return this.#sweep(new Set([inForce, writing, this.#receiving?.number ?? 0]), this.#next)
  }

  async #sweep(keep: ReadonlySet<number>, below: number): Promise<void> {
    const leftOver: Uint8Array[] = []
    for (const kind of ['c', 'd']) {
      for await (const { key } of this.#store.scan({ prefix: kind })) {
        const number = Number.parseInt(Buffer.from(key).toString('latin1').slice(1, 9), 16)
        this.#next = Math.max(this.#next, number + 1)
        if (number < below && !keep.has(number)) leftOver.push(key)
      }
    }
    for (let at = 0; at < leftOver.length; at += SWEEP) {
      await this.#store.update((changes) => {
        for (const key of leftOver.slice(at, at + SWEEP)) changes.delete(key)
      })
    }
  }
}

function isSame(a: SnapshotDescription, b: SnapshotDescription): boolean {
  const isSamePlace = a.last.index === b.last.index && a.last.term === b.last.term
  return isSamePlace && a.size === b.size && a.checksum === b.checksum
}

function numberKey(number: number): string {
  return number.toString(16).padStart(8, '0')
}

function descriptionKey(number: number): string {
  return `d${numberKey(number)}`
}

function chunkKey(number: number, offset: number): string {
  return `c${numberKey(number)}${offset.toString(16).padStart(12, '0')}`
}

function withChecksum(bytes: Uint8Array): Uint8Array {
  const record = new Uint8Array(4 + bytes.length)
  new DataView(record.buffer).setUint32(0, crc32c(bytes), true)
  record.set(bytes, 4)
  return record
}

function checked(record: Uint8Array): Uint8Array | undefined {
  if (record.length < 4) return undefined
  const bytes = record.subarray(4)
  const checksum = new DataView(record.buffer, record.byteOffset).getUint32(0, true)
  return crc32c(bytes) === checksum ? bytes : undefined
}

function asBytes(value: unknown): Uint8Array {
  return withChecksum(Buffer.from(JSON.stringify(value)))
}

function readChecked(record: Uint8Array): unknown {
  const bytes = checked(record)
  return bytes === undefined ? undefined : JSON.parse(Buffer.from(bytes).toString())
}
