// What is on its way to the disk, and what waits for it. A message that promises durability is kept here until the write
// that it depends on is done.
//
// Invariants: writes are numbered without gaps and complete in order; a completion confirms only entries that have stood
// in the log ever since the write was issued (a truncation clips what earlier writes may confirm), so an overwritten
// entry's late completion confirms nothing.

import { assert } from './assert.ts'
import type { HardState } from './effect.ts'
import type { LogIndex, ReplicaId, Term } from './entry.ts'
import type { Message } from './message.ts'

interface Outstanding {
  readonly write: number
  /** The last index that its completion confirms; clipped by truncations. */
  through: LogIndex
  readonly truncateFrom: LogIndex | undefined
  readonly holdsHardState: boolean
}

export interface Deferred {
  readonly after: number
  readonly term: Term
  readonly to: ReplicaId
  readonly message: Message
}

export class Writes {
  /** Numbers of the last write issued and of the last one done. */
  issued = 0
  done = 0
  /** Entries through here are durable. */
  durable: LogIndex
  /** Entries through here are durable or in an outstanding write. */
  writtenThrough: LogIndex
  /** The lowest truncation that no issued write holds. */
  truncateFrom: LogIndex | undefined
  /** Term, vote or vote floor have changed since the last write. */
  isHardStateDirty = false
  /** The last write that holds term and vote as they are. */
  hardStateWrite = 0
  hardState: HardState | undefined
  /** A write has failed in this step: try again with the next one. */
  isHeldBack = false
  #outstanding: Outstanding[] = []
  #deferred: Deferred[] = []

  constructor(durable: LogIndex, hardState: HardState | undefined) {
    this.durable = durable
    this.writtenThrough = durable
    this.hardState = hardState
  }

  /** The write that whoever depends on term and vote as they are now must wait for. */
  get forHardState(): number {
    return this.isHardStateDirty ? this.issued + 1 : this.hardStateWrite
  }

  /** The write that whoever depends on all entries as they are now must wait for. */
  forEntries(lastIndex: LogIndex): number {
    if (this.isDirty(lastIndex)) return this.issued + 1
    return this.#outstanding.length > 0 ? this.issued : this.done
  }

  isDirty(lastIndex: LogIndex): boolean {
    return this.isHardStateDirty || this.truncateFrom !== undefined || this.writtenThrough < lastIndex
  }

  get outstanding(): number {
    return this.#outstanding.length
  }

  /** Keeps a message until its write is done; of acknowledgements that wait for the same one, the last says it all. */
  defer(deferred: Deferred): void {
    const before = this.#deferred.at(-1)
    if (before?.after === deferred.after && isOutdone(before, deferred)) this.#deferred.pop()
    this.#deferred.push(deferred)
  }

  truncate(from: LogIndex): void {
    if (from <= this.writtenThrough) this.truncateFrom = Math.min(this.truncateFrom ?? from, from)
    this.writtenThrough = Math.min(this.writtenThrough, from - 1)
    this.durable = Math.min(this.durable, from - 1)
    for (const outstanding of this.#outstanding) outstanding.through = Math.min(outstanding.through, from - 1)
  }

  /** Issues a write of everything through `through`; gives its number. */
  issue(through: LogIndex, hardState: HardState | undefined): number {
    this.issued += 1
    this.#outstanding.push({
      write: this.issued,
      through,
      truncateFrom: this.truncateFrom,
      holdsHardState: this.isHardStateDirty,
    })
    if (this.isHardStateDirty) this.hardStateWrite = this.issued
    if (hardState !== undefined) this.hardState = hardState
    this.truncateFrom = undefined
    this.writtenThrough = through
    this.isHardStateDirty = false
    return this.issued
  }

  /** Takes note of a completion, of this write and all before it; of one that has failed, or was known, of nothing. */
  complete(write: number): void {
    assert(write <= this.issued, 'a completion is of a write issued', () => `${write} of ${this.issued}`)
    const at = this.#outstanding.findIndex((outstanding) => outstanding.write === write)
    if (at < 0) return
    for (const { through } of this.#outstanding.splice(0, at + 1)) this.durable = Math.max(this.durable, through)
    this.done = write
  }

  /** What waited for the writes done, in order; one acknowledgement says what all before it said. */
  takeReady(): Deferred[] {
    if (this.#deferred.length === 0) return []
    const ready = this.#deferred.filter(({ after }) => after <= this.done)
    if (ready.length > 0) this.#deferred = this.#deferred.filter(({ after }) => after > this.done)
    return ready.filter((deferred, at) => !isOutdone(deferred, ready[at + 1]))
  }

  /**
   * The write and all behind it are not on the disk, which holds the log through `durable`. What they held is to be
   * written again; what waited for them is never sent.
   */
  fail(write: number, durable: LogIndex): void {
    for (const outstanding of this.#outstanding) {
      if (outstanding.write < write) continue
      if (outstanding.truncateFrom !== undefined) {
        this.truncateFrom = Math.min(this.truncateFrom ?? outstanding.truncateFrom, outstanding.truncateFrom)
      }
      if (outstanding.holdsHardState) this.isHardStateDirty = true
      // Whatever the disk holds of it, the next write says it whole.
      this.hardState = undefined
    }
    this.#outstanding = this.#outstanding.filter((outstanding) => outstanding.write < write)
    this.#deferred = this.#deferred.filter(({ after }) => after < write)
    const sound = Math.min(durable, (this.truncateFrom ?? durable + 1) - 1)
    this.writtenThrough = Math.min(this.writtenThrough, sound)
    this.durable = Math.min(this.durable, sound)
    this.isHeldBack = true
  }

  /** A snapshot has taken the log's place through `index`; of what lay behind, only what is kept still counts. */
  reset(index: LogIndex, keepLater: boolean): void {
    if (keepLater) {
      this.durable = Math.max(this.durable, index)
      this.writtenThrough = Math.max(this.writtenThrough, index)
      return
    }
    for (const outstanding of this.#outstanding) outstanding.through = 0
    this.durable = index
    this.writtenThrough = index
    this.truncateFrom = undefined
  }

  clone(): Writes {
    const copy = new Writes(this.durable, this.hardState)
    Object.assign(copy, {
      issued: this.issued,
      done: this.done,
      writtenThrough: this.writtenThrough,
      truncateFrom: this.truncateFrom,
      isHardStateDirty: this.isHardStateDirty,
      hardStateWrite: this.hardStateWrite,
      isHeldBack: this.isHeldBack,
    })
    copy.#outstanding = this.#outstanding.map((outstanding) => ({ ...outstanding }))
    copy.#deferred = [...this.#deferred]
    return copy
  }
}

function isOutdone(a: Deferred, b: Deferred | undefined): boolean {
  return a.to === b?.to && a.term === b.term && isAcknowledgement(a.message) && isAcknowledgement(b.message)
}

function isAcknowledgement(message: Message): boolean {
  return message.kind === 'appendReply' && message.outcome.accepted
}
