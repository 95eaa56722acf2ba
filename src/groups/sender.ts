// In whose name something is sent to many: a process's `self`, whose sends are fenced once it has ended, or the node,
// for the world outside. Both keep the order of what they send to one receiver.

import { type Pid, samePid } from '../kernel/pid.ts'
import type { Destination } from '../kernel/self.ts'

/** A process's `self`, or the node. */
export interface Sender {
  /** Sends a plain message. */
  send(to: Destination, message: unknown): void
}

export interface BroadcastOptions {
  /** A process that is left out; mostly the sender. */
  readonly except?: Pid
}

/** Sends `message` to each of `pids`, in their order. Answers how many that were. */
export function sendToAll(from: Sender, pids: Iterable<Pid>, message: unknown, options: BroadcastOptions = {}): number {
  const { except } = options
  let count = 0
  for (const pid of pids) {
    if (except !== undefined && samePid(pid, except)) continue
    from.send(pid, message)
    count++
  }
  return count
}
