// Calls between nodes. On the caller's side a table from number to call, so that answers find their way and a lost
// connection fails what is open; on the callee's side a call like any other, whose settling becomes an item.

import { Call, StopCall, SystemCall } from '../kernel/call.ts'
import { ExitError, type ExitReason } from '../kernel/exit-reason.ts'
import type { Pid } from '../kernel/pid.ts'
import type { CallFlavour } from './wire.ts'

/** A table smaller than this is not searched for calls that are over. */
const SWEEP_AT_LEAST = 1024

interface OpenCall {
  readonly call: Call
  /** The node of the callee. */
  readonly nodeName: string
}

/** Calls to other nodes that have no answer yet. */
export class OpenCalls {
  readonly #calls = new Map<number, OpenCall>()
  #nextId = 1
  #sweepAt = SWEEP_AT_LEAST

  /** How many are kept. */
  get size(): number {
    return this.#calls.size
  }

  /** The number of a call that is about to be sent. */
  add(call: Call, nodeName: string): number {
    if (this.#calls.size >= this.#sweepAt) this.#sweep()
    const id = this.#nextId++
    this.#calls.set(id, { call, nodeName })
    return id
  }

  /** The call of this number to this node, which thereby is open no longer. */
  take(id: number, nodeName: string): Call | undefined {
    const open = this.#calls.get(id)
    if (open === undefined || open.nodeName !== nodeName) return undefined
    this.#calls.delete(id)
    return open.call
  }

  /** The connection to a node is lost. */
  lost(nodeName: string): void {
    for (const [id, open] of [...this.#calls]) {
      if (open.nodeName === nodeName) this.take(id, nodeName)?.fail('noconnection')
    }
  }

  // A call that timed out, or whose caller has ended, is not taken out there and then: the kernel need not know of this
  // table. It goes when the table has doubled.
  #sweep(): void {
    for (const [id, { call }] of this.#calls) {
      if (call.done || call.caller?.alive === false) this.#calls.delete(id)
    }
    this.#sweepAt = Math.max(SWEEP_AT_LEAST, 2 * this.#calls.size)
  }
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
