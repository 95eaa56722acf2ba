// Calls between nodes. On the caller's side a table from number to call, so that answers find their way and a lost
// connection fails what is open; on the callee's side a call like any other, whose settling becomes an item.

import { Call, StopCall, SystemCall } from '../kernel/call.ts'
import { ExitError, type ExitReason } from '../kernel/exit-reason.ts'
import type { Pid } from '../kernel/pid.ts'
import type { CallFlavour } from './wire.ts'

/** A table with fewer calls than this is not searched for calls that are over. */
const SWEEP_AT_LEAST = 1024
/** Slots of a table with few calls. */
const SLOTS = 2048

/**
 * Calls to other nodes that have no answer yet: a call of number n lies in slot n mod the table's size, and a number
 * whose slot is taken is skipped. No Map: each time one with much coming and going is laid out anew, V8 links the old
 * layout, and so all that was in it, to the new one, and young objects die old (60 % of them here; now none).
 */
export class OpenCalls {
  #calls: (Call | null)[] = emptySlots(SLOTS)
  #ids: number[] = new Array<number>(SLOTS).fill(0)
  #nextId = 1
  #sweepAt = SWEEP_AT_LEAST
  #size = 0

  /** How many are kept. */
  get size(): number {
    return this.#size
  }

  /** The number of a call that is about to be sent. */
  add(call: Call): number {
    if (this.#size >= this.#sweepAt) this.#sweep()
    if (2 * this.#size >= this.#calls.length) this.#resize(2 * this.#calls.length)
    const mask = this.#calls.length - 1
    let id = this.#nextId
    while (this.#calls[id & mask] !== null) id++
    this.#nextId = id + 1
    this.#calls[id & mask] = call
    this.#ids[id & mask] = id
    this.#size++
    return id
  }

  /** The call of this number to this node, which thereby is open no longer. */
  take(id: number, nodeName: string): Call | undefined {
    const slot = id & (this.#calls.length - 1)
    const call = this.#calls[slot] ?? null
    if (call === null || this.#ids[slot] !== id || call.callee.nodeName !== nodeName) return undefined
    this.#drop(slot)
    if (this.#size === 0 && this.#calls.length > SLOTS) this.#resize(SLOTS)
    return call
  }

  /** The connection to a node is lost. */
  lost(nodeName: string): void {
    const lost = this.#calls.filter((call) => call?.callee.nodeName === nodeName)
    for (const [slot, call] of this.#calls.entries()) if (call?.callee.nodeName === nodeName) this.#drop(slot)
    for (const call of lost) call?.fail('noconnection')
  }

  #drop(slot: number): void {
    this.#calls[slot] = null
    this.#size--
  }

  // A call that timed out, or whose caller has ended, is not taken out there and then: the kernel need not know of this
  // table. It goes when the table has doubled.
  #sweep(): void {
    for (const [slot, call] of this.#calls.entries()) {
      if (call !== null && (call.done || call.caller?.alive === false)) this.#drop(slot)
    }
    this.#sweepAt = Math.max(SWEEP_AT_LEAST, 2 * this.#size)
  }

  /** Numbers that differ in a table's slots differ in those of one twice as large. */
  #resize(slots: number): void {
    const [calls, ids] = [this.#calls, this.#ids]
    this.#calls = emptySlots(slots)
    this.#ids = new Array<number>(slots).fill(0)
    for (const [slot, call] of calls.entries()) {
      const id = ids[slot] ?? 0
      if (call === null) continue
      this.#calls[id & (slots - 1)] = call
      this.#ids[id & (slots - 1)] = id
    }
  }
}

function emptySlots(count: number): (Call | null)[] {
  return new Array<Call | null>(count).fill(null)
}

/** Where the answer to a call from another node goes. */
export interface Answers {
  /** The connection is lost: no answer gets back. */
  readonly ended: boolean
  answered(id: number, value: unknown): void
  failed(id: number, reason: ExitReason): void
}

/** A call as it came from another node. */
export interface FarCallParts {
  readonly callee: Pid
  readonly from: Pid | null
  readonly flavour: CallFlavour
  readonly tag: string
  readonly payload: unknown
  readonly peer: Answers
  /** Its number on the caller's node. */
  readonly id: number
}

/** The call on the callee's node. */
export function farCall(parts: FarCallParts): Call {
  const Class = parts.flavour === 'stop' ? FarStop : parts.flavour === 'system' ? FarSystem : FarCall
  return new Class(parts)
}

/** What settles a far call: shared by all of them, and called as their method. */
function answered(this: unknown, value: unknown): void {
  const { peer, id } = this as Answerable
  peer.answered(id, value)
}

function failed(this: unknown, error: unknown): void {
  const { peer, id } = this as Answerable
  peer.failed(id, error instanceof ExitError ? error.reason : error)
}

interface Answerable {
  readonly peer: Answers
  readonly id: number
}

class FarCall extends Call implements Answerable {
  override readonly from: Pid | null
  readonly peer: Answers
  readonly id: number
  constructor({ tag, payload, callee, from, peer, id }: FarCallParts) {
    super(tag, payload, null, callee, answered, failed)
    this.from = from
    this.peer = peer
    this.id = id
  }

  // What is left undone for a caller that believes it has failed must not be done later.
  override get isWanted(): boolean {
    return super.isWanted && !this.peer.ended
  }
}

class FarSystem extends SystemCall implements Answerable {
  override readonly from: Pid | null
  readonly peer: Answers
  readonly id: number
  constructor({ tag, payload, callee, from, peer, id }: FarCallParts) {
    super(tag, payload, null, callee, answered, failed)
    this.from = from
    this.peer = peer
    this.id = id
  }
}

class FarStop extends StopCall implements Answerable {
  override readonly from: Pid | null
  readonly peer: Answers
  readonly id: number
  constructor({ tag, payload, callee, from, peer, id }: FarCallParts) {
    super(tag, payload, null, callee, answered, failed)
    this.from = from
    this.peer = peer
    this.id = id
  }
}
