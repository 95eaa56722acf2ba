// What a process can find in its mailbox. A mailbox entry is a pair (head, payload); a head that is a string is the
// tag of a cast, the others are the marks below. Users see the payloads; the marks never leave the kernel and the
// behaviours, so no user message can be mistaken for a signal.

import type { ExitReason } from './exit-reason.ts'
import type { Pid, Reference } from './pid.ts'

class Mark {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** A plain message: payload is the value that was sent. */
export const INFO = new Mark('info')
/** A call: payload is a {@link Call}. */
export const CALL = new Mark('call')
/** An exit signal that was trapped: payload is an {@link Exit}. */
export const EXIT = new Mark('exit')
/** A monitored process has ended: payload is a {@link Down}. */
export const DOWN = new Mark('down')

/** A trapped exit signal: Erlang's `{'EXIT', From, Reason}`. */
export class Exit {
  readonly from: Pid
  readonly reason: ExitReason

  constructor(from: Pid, reason: ExitReason) {
    this.from = from
    this.reason = reason
  }
}

/** A monitor has fired: Erlang's `{'DOWN', Ref, process, Target, Reason}`. Comes once per monitor. */
export class Down {
  readonly ref: Reference
  /** What was monitored: the pid, or the name if it was monitored by name. */
  readonly target: Pid | string
  readonly reason: ExitReason

  constructor(ref: Reference, target: Pid | string, reason: ExitReason) {
    this.ref = ref
    this.target = target
    this.reason = reason
  }
}

/** A cast as selective receive shows it; servers have it dispatched to their `cast` handlers. */
export class Cast {
  readonly tag: string
  readonly payload: unknown

  constructor(tag: string, payload: unknown) {
    this.tag = tag
    this.payload = payload
  }
}

/** The response to a request that was to come as a message: see `sendRequest`. */
export class ResponseMessage {
  /** What `sendRequest` answered. */
  readonly request: unknown

  constructor(request: unknown) {
    this.request = request
  }
}

/** A request to the process itself rather than to its code (OTP's system messages): payload is a {@link Call}. */
export const SYSTEM = new Mark('system')

/** A time-out of a state machine has run out: payload is its own. Never bounded, and not shown to selective receive. */
export const TIMEOUT = new Mark('timeout')

/** What a person calls a message with this head: its tag, or its kind. */
export function tagOf(head: unknown, payload: unknown): string {
  if (typeof head === 'string') return head
  if (head === CALL) return (payload as { readonly tag: string }).tag
  return head instanceof Mark ? head.name : 'info'
}
