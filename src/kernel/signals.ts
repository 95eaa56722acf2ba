// Signals: everything one process can do to another except put a message into its mailbox. They are queued in the order
// of sending, for all processes of a thread in one queue, and handled before any process reads its mailbox again: so the
// order between a pair of processes is kept, and an exit cascade has run its course before anybody sees a part of it.
// A message to a process that still has signals under way joins this queue, or it would overtake them.

import type { Call } from './call.ts'
import type { ExitReason } from './exit-reason.ts'
import { CALL, SYSTEM } from './messages.ts'
import type { Node } from './node.ts'
import type { Pid, Reference } from './pid.ts'
import type { Process } from './process.ts'

export type Signal =
  | { readonly kind: 'message'; readonly to: Pid; readonly head: unknown; readonly payload: unknown }
  | { readonly kind: 'link'; readonly to: Pid; readonly from: Pid }
  | { readonly kind: 'unlink'; readonly to: Pid; readonly from: Pid }
  /** `exit(to, reason)` by a process or by the world outside. */
  | { readonly kind: 'exit'; readonly to: Pid; readonly from: Pid; readonly reason: ExitReason }
  /** The other end of a link has ended. */
  | { readonly kind: 'link_exit'; readonly to: Pid; readonly from: Pid; readonly reason: ExitReason }
  | { readonly kind: 'monitor'; readonly to: Pid; readonly from: Pid; readonly ref: Reference }
  | { readonly kind: 'demonitor'; readonly to: Pid; readonly from: Pid; readonly ref: Reference }
  | {
      readonly kind: 'down'
      readonly to: Pid
      readonly from: Pid
      readonly ref: Reference
      readonly reason: ExitReason
    }
  /** An awaited answer for the code of `to`. Never leaves the thread. */
  | { readonly kind: 'resume'; readonly to: Pid; readonly settle: () => void }
  /** A look at `to`, in order with the other signals; null if it is no more. Never leaves the thread. */
  | { readonly kind: 'inspect'; readonly to: Pid; readonly look: (process: Process | null) => void }
  /** A message to an alias: `to` is the alias's owner; to another node, nobody: only that node knows. */
  | { readonly kind: 'alias_message'; readonly to: Pid; readonly ref: Reference; readonly payload: unknown }

/** The way to processes of other nodes; the distribution layer puts one in. */
export interface Router {
  /** Sends `signal` to another node, in order per pair of processes. */
  deliver(signal: Signal): void
  /** Sends a message, cast or call as it is. False: it takes a signal; nothing has happened. */
  message?(to: Pid, head: unknown, payload: unknown): boolean
}

/** A signal has found nobody: tells whoever needs to know. */
export function bounce(node: Node, signal: Signal, reason: 'noproc' | 'noconnection'): void {
  switch (signal.kind) {
    case 'link':
      return node.notify(signal.from, { kind: 'link_exit', to: signal.from, from: signal.to, reason })
    case 'monitor':
      return node.notify(signal.from, { kind: 'down', to: signal.from, from: signal.to, ref: signal.ref, reason })
    case 'message':
      if (signal.head === CALL || signal.head === SYSTEM) return (signal.payload as Call).fail(reason)
      return node.deadLetter(signal.to, signal.head, signal.payload, reason)
    case 'inspect':
      return signal.look(null)
    case 'resume':
      node.counters.fenced++
  }
}

/** A process has ended: tells those who monitor it, those it is linked to, and those it monitors. */
export function announceEnd(node: Node, process: Process, reason: ExitReason): void {
  const { pid: from, watchers, linkSet, monitorTable } = process
  if (watchers !== null) for (const [ref, to] of watchers) node.notify(to, { kind: 'down', to, from, ref, reason })
  // The youngest link first: nobody promises an order, but this is Erlang's.
  if (linkSet !== null) {
    for (const to of linkSet.list().reverse()) node.notify(to, { kind: 'link_exit', to, from, reason })
  }
  if (monitorTable === null) return
  for (const { pid: to, ref } of monitorTable.values()) {
    if (to !== undefined) node.notify(to, { kind: 'demonitor', to, from, ref })
  }
}
