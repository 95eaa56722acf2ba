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

/** A call as it came from another node. */
export interface FarCallParts {
  readonly callee: Pid
  readonly from: Pid | null
  readonly flavour: CallFlavour
  readonly tag: string
  readonly payload: unknown
  readonly answered: (value: unknown) => void
  readonly failed: (reason: ExitReason) => void
}

/** The call on the callee's node. */
export function farCall(parts: FarCallParts): Call {
  const Class = parts.flavour === 'stop' ? FarStop : parts.flavour === 'system' ? FarSystem : FarCall
  return new Class(parts)
}

function failWith(parts: FarCallParts): (error: unknown) => void {
  return (error) => parts.failed(error instanceof ExitError ? error.reason : error)
}

class FarCall extends Call {
  override readonly from: Pid | null
  constructor(parts: FarCallParts) {
    super(parts.tag, parts.payload, null, parts.callee, parts.answered, failWith(parts))
    this.from = parts.from
  }
}

class FarSystem extends SystemCall {
  override readonly from: Pid | null
  constructor(parts: FarCallParts) {
    super(parts.tag, parts.payload, null, parts.callee, parts.answered, failWith(parts))
    this.from = parts.from
  }
}

class FarStop extends StopCall {
  override readonly from: Pid | null
  constructor(parts: FarCallParts) {
    super(parts.tag, parts.payload, null, parts.callee, parts.answered, failWith(parts))
    this.from = parts.from
  }
}
