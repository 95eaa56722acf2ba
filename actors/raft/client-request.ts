// A request of a client session on its way: what it is, who waits for it, how often it was sent, and when it is due.

import type { Reference } from '../../src/kernel/pid.ts'
import type { From } from '../../src/kernel/self.ts'
import type { Operation } from './client-protocol.ts'
import type { ReplicaId } from './core/entry.ts'
import type { ClientItem } from './protocol.ts'

/** Who submitted: by call, or by cast with a tag. */
export type Submitter = { readonly from: From } | { readonly tag: number }

export interface ClientRequestState {
  readonly id: number
  readonly operation: Operation | { readonly type: 'open' }
  /** Undefined: the session itself. */
  readonly submitter: Submitter | undefined
  readonly deadlineAt: number
  /** What is sent; undefined while it waits for the session. */
  item: ClientItem | undefined
  /** The session that its item names, and its number in it; 0: none. */
  session: number | undefined
  serial: number
  retryAt: number
  sentTo: ReplicaId | undefined
  /** Its last transmission's place among all of the session. */
  sentAs: number
  attempts: number
  refusals: number
}

export const NEVER = Number.POSITIVE_INFINITY

export function newRequest(
  id: number,
  operation: ClientRequestState['operation'],
  submitter: Submitter | undefined,
  deadlineAt: number,
): ClientRequestState {
  return {
    id,
    operation,
    submitter,
    deadlineAt,
    item: undefined,
    session: undefined,
    serial: 0,
    retryAt: NEVER,
    sentTo: undefined,
    sentAs: 0,
    attempts: 0,
    refusals: 0,
  }
}

/** The wake-up call of a session. */
export interface SessionAlarm {
  readonly at: number
  readonly timer: Reference
}
