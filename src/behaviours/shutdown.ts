// How a supervisor ends its children. It watches by monitor, so that a child which unlinked itself cannot hang it, and
// keeps the link until the child is gone, so that its own end in between takes the child with it.

import type { ExitReason } from '../kernel/exit-reason.ts'
import { isOrderly } from '../kernel/exit-reason.ts'
import { Down } from '../kernel/messages.ts'
import { Pid, type Reference } from '../kernel/pid.ts'
import type { Process } from '../kernel/process.ts'
import { flushExit } from '../kernel/receive.ts'
import type { Self } from '../kernel/self.ts'
import type { Child } from './child-spec.ts'

/** Ends one child as its spec says, and waits until it has. */
export async function stopChild(process: Process, self: Self, child: Child): Promise<void> {
  if (child.pid instanceof Pid) await stopChildren(process, self, [{ child, pid: child.pid }])
}

/** Ends children at the same time, under one time limit: that of their common spec. */
export async function stopChildren(
  process: Process,
  self: Self,
  children: readonly { readonly child: Child; readonly pid: Pid }[],
): Promise<void> {
  const waiting = new Map<Reference, { child: Child; pid: Pid }>()
  for (const { child, pid } of children) {
    waiting.set(self.monitor(pid), { child, pid })
    self.sendExit(pid, child.shutdown === 'brutal_kill' ? 'kill' : 'shutdown')
    // No time at all: the kill must be there before the child has a turn.
    if (child.shutdown === 0) self.sendExit(pid, 'kill')
  }
  const limit = children[0]?.child.shutdown
  let deadline = typeof limit === 'number' && limit > 0 ? self.now() + limit : Number.POSITIVE_INFINITY
  while (waiting.size > 0) {
    const timeoutMs = Math.max(0, deadline - self.now())
    const down = await self.receive((message) => message instanceof Down && waiting.has(message.ref), { timeoutMs })
    if (down instanceof Down) {
      const gone = waiting.get(down.ref)
      waiting.delete(down.ref)
      if (gone !== undefined) ended(process, self, gone.child, gone.pid, down.reason)
    } else {
      for (const { pid } of waiting.values()) self.sendExit(pid, 'kill')
      deadline = Number.POSITIVE_INFINITY
    }
  }
}

function ended(process: Process, self: Self, child: Child, pid: Pid, reason: ExitReason): void {
  self.unlink(pid)
  // A child that ended before the monitor was set: its real reason is in the exit message, which must not stay.
  const exit = flushExit(process, pid)
  const actual = exit === undefined ? reason : exit.reason
  const expected =
    child.shutdown === 'brutal_kill' && actual === 'killed'
      ? true
      : actual === 'shutdown' || (child.restart !== 'permanent' && isOrderly(actual))
  if (!expected) report(process, 'shutdown_error', child.id, actual)
}

/** Tells the operator about a child. */
export function report(
  process: Process,
  event: 'child_terminated' | 'start_error' | 'shutdown_error' | 'shutdown',
  child: string,
  reason: ExitReason,
): void {
  process.node.report({ kind: 'supervisor', pid: process.pid, name: process.name, event, child, reason })
}
