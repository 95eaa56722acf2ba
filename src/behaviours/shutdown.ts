// How a supervisor ends its children. It watches by monitor, so that a child which unlinked itself cannot hang it, and
// keeps the link until the child is gone, so that its own end in between takes the child with it.

import type { ExitReason } from '../kernel/exit-reason.ts'
import { isOrderly } from '../kernel/exit-reason.ts'
import { Down } from '../kernel/messages.ts'
import type { Pid, Reference } from '../kernel/pid.ts'
import type { Process } from '../kernel/process.ts'
import { flushExit } from '../kernel/receive.ts'
import type { Self } from '../kernel/self.ts'
import type { Child } from './child-spec.ts'

interface Stopping {
  readonly child: Child
  readonly pid: Pid
}

/** Ends one child as its spec says, and waits until it has. */
export async function stopChild(process: Process, self: Self, child: Child, pid: Pid): Promise<void> {
  const waiting = ask(self, [{ child, pid }])
  const { shutdown } = child
  // No time at all: as in OTP, the kill is there before the child has a turn.
  if (shutdown === 0) self.sendExit(pid, 'kill')
  await ends(process, self, waiting, typeof shutdown === 'number' && shutdown > 0 ? shutdown : undefined)
}

/** Ends the children of a pool at the same time, under one time limit: a timer, and if it is 0, they have a turn. */
export async function stopChildren(process: Process, self: Self, children: readonly Stopping[]): Promise<void> {
  const limit = children[0]?.child.shutdown
  await ends(process, self, ask(self, children), typeof limit === 'number' ? Math.max(limit, 1) : undefined)
}

function ask(self: Self, children: readonly Stopping[]): Map<Reference, Stopping> {
  const waiting = new Map<Reference, Stopping>()
  for (const { child, pid } of children) {
    waiting.set(self.monitor(pid), { child, pid })
    self.sendExit(pid, child.shutdown === 'brutal_kill' ? 'kill' : 'shutdown')
  }
  return waiting
}

/** Waits until all have ended, and kills after `limitMs` those that have not. */
async function ends(
  process: Process,
  self: Self,
  waiting: Map<Reference, Stopping>,
  limitMs: number | undefined,
): Promise<void> {
  let deadline = limitMs === undefined ? Number.POSITIVE_INFINITY : self.now() + limitMs
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
