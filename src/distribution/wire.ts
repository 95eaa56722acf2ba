// What goes over a connection: one item per signal, call or answer, `[kind, …]`. Payloads that a user sends are refused
// if they cannot cross; reasons of ends must cross whatever they hold, so they are shown as text where they cannot.

import { type Call, StopCall, SystemCall } from '../kernel/call.ts'
import type { Pid, Reference } from '../kernel/pid.ts'
import { toPortable } from '../kernel/portable.ts'
import type { Signal } from '../kernel/signals.ts'
import { encodePortable } from './codec.ts'

/** Version of this format; nodes of different versions do not connect. */
export const VERSION = 3

/** What a node says first, and what the other answers. */
export type Greeting =
  | readonly ['hello', version: number, name: string, creation: number]
  | readonly ['welcome', version: number, name: string, creation: number]
  | readonly ['refused', reason: string]

export type CallFlavour = 'call' | 'system' | 'stop'

export type Item =
  | readonly ['message', to: Pid, tag: string | null, payload: unknown]
  | readonly ['alias', to: Reference, payload: unknown]
  | readonly ['call', to: Pid, from: Pid | null, id: number, flavour: CallFlavour, tag: string, payload: unknown]
  | readonly ['failed', id: number, reason: unknown]
  | readonly ['link' | 'unlink', to: Pid, from: Pid]
  | readonly ['exit' | 'link_exit', to: Pid, from: Pid, reason: unknown]
  | readonly ['monitor' | 'demonitor', to: Pid, from: Pid, ref: Reference]
  | readonly ['down', to: Pid, from: Pid, ref: Reference, reason: unknown]

export function encodeGreeting(greeting: Greeting): Uint8Array {
  return encodePortable(greeting)
}

export function encodeCall(call: Call, id: number): Uint8Array {
  const flavour = call instanceof StopCall ? 'stop' : call instanceof SystemCall ? 'system' : 'call'
  return pack('call', [call.callee, call.from, id, flavour, call.tag], call.payload, 'payload')
}

export function encodeFailure(id: number, reason: unknown): Uint8Array {
  return pack('failed', [id], reason, 'reason', true)
}

/** Throws NotPortableError if the user's part of the signal cannot cross. Calls have {@link encodeCall}. */
export function encodeSignal(signal: Signal): Uint8Array {
  const { kind, to } = signal
  switch (kind) {
    case 'message':
      return pack(kind, [to, typeof signal.head === 'string' ? signal.head : null], signal.payload, 'payload')
    case 'alias_message':
      return pack('alias', [signal.ref], signal.payload, 'payload')
    case 'link':
    case 'unlink':
      return pack(kind, [to], signal.from, 'from')
    case 'exit':
      return pack(kind, [to, signal.from], signal.reason, 'reason')
    case 'link_exit':
      return pack(kind, [to, signal.from], signal.reason, 'reason', true)
    case 'monitor':
    case 'demonitor':
      return pack(kind, [to, signal.from], signal.ref, 'ref')
    case 'down':
      return pack(kind, [to, signal.from, signal.ref], signal.reason, 'reason', true)
    default:
      throw new TypeError(`a signal that never leaves its thread: ${kind}`)
  }
}

function pack(kind: Item[0], parts: readonly unknown[], last: unknown, field: string, lenient = false): Uint8Array {
  const portable = parts.map((part) => toPortable(part, field))
  return encodePortable([kind, ...portable, toPortable(last, field, lenient)])
}
