// What happens to a message too many: a mailbox with a bound refuses it, drops it, or drops the oldest for it.
// Signals, answers, and what the kernel itself puts into a mailbox are never bounded and never dropped.

import type { Call } from './call.ts'
import { CALL, INFO } from './messages.ts'
import type { Process } from './process.ts'

/** See `MailboxOptions`. */
export interface Bound {
  readonly capacity: number
  readonly overflow: 'refuse' | 'drop_newest' | 'drop_oldest'
}

/** Turns a message away. Answers what its sender is told: false only if the mailbox refuses. */
export function refuse(process: Process, bound: Bound, head: unknown, payload: unknown): boolean {
  const dropping = bound.overflow === 'drop_newest'
  if (head === CALL) (payload as Call).fail('overloaded')
  else if (dropping || head === INFO) process.node.deadLetter(process.pid, head, payload, 'overflow')
  else process.node.counters.refused++
  return dropping
}

/** Makes room by dropping the oldest message that may be dropped. */
export function dropOldest(process: Process): void {
  const { mailbox } = process
  for (let i = 0; i < mailbox.length; i++) {
    const head = mailbox.headAt(i)
    const payload = mailbox.payloadAt(i)
    if (typeof head !== 'string' && head !== INFO && head !== CALL) continue
    process.removeAt(i)
    if (head === CALL) (payload as Call).fail('overloaded')
    else process.node.deadLetter(process.pid, head, payload, 'overflow')
    return
  }
}
