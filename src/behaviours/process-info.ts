// What can be seen of a process from outside: Erlang's process_info/1.

import type { Node } from '../kernel/node.ts'
import { actorOf } from '../kernel/own.ts'
import type { Pid } from '../kernel/pid.ts'
import type { Process } from '../kernel/process.ts'
import type { Priority } from '../kernel/scheduler.ts'
import type { Self } from '../kernel/self.ts'
import { never } from '../kernel/thenable.ts'

export interface ProcessInfo {
  readonly pid: Pid
  readonly name: string | undefined
  readonly label: string | undefined
  /** What runs in it: the name of its definition, or of its body. */
  readonly definition: string
  /**
   * `running`: its code is under way or awaits something; `runnable`: it has something to do and waits for its turn;
   * `waiting`: for a message; `suspended`: by `sys.suspend`.
   */
  readonly status: 'running' | 'runnable' | 'waiting' | 'suspended'
  /** The tag of what it handles, if it is `running`: that of a call or cast, `info`, `init`, `continue`, … */
  readonly handling: string | undefined
  /** Messages that wait. */
  readonly mailboxLength: number
  /** Messages that a state machine has postponed. */
  readonly postponed: number
  readonly links: readonly Pid[]
  /** What it monitors, one entry a monitor. */
  readonly monitors: readonly (Pid | string)[]
  /** Who monitors it, one entry a monitor. */
  readonly monitoredBy: readonly Pid[]
  readonly trapExit: boolean
  readonly priority: Priority
  readonly parent: Pid | undefined
  /** Counted since `sys.statistics(…, true)`; undefined if nobody counts. */
  readonly messages: { readonly in: number; readonly out: number } | undefined
}

/**
 * What can be seen of a process of this node, or undefined if it is no more. In order with what the asker has sent it,
 * and answered at once, whatever the process does: Erlang's `process_info/1`.
 */
export function processInfo(by: Node | Self, pid: Pid): Promise<ProcessInfo | undefined> {
  const { node, process: asker } = actorOf(by)
  if (asker?.alive === false) return never()
  return new Promise((resolve) => {
    const look = (process: Process | null) => {
      const info = process === null ? undefined : describe(process)
      if (asker === null) resolve(info)
      else asker.resume(() => resolve(info))
    }
    node.post(pid, { kind: 'inspect', to: pid, look })
  })
}

function describe(process: Process): ProcessInfo {
  const { pid, name, label, behaviour, handling, mailbox, heldBack, trapExit, priority, parent } = process
  const statistics = process.debug?.statistics
  return {
    pid,
    name,
    label,
    definition: behaviour?.name ?? 'process',
    status: statusOf(process),
    handling,
    mailboxLength: mailbox.length,
    postponed: heldBack,
    links: process.linkSet?.list() ?? [],
    monitors: [...(process.monitorTable?.values() ?? [])].map((entry) => entry.target),
    monitoredBy: [...(process.watchers?.values() ?? [])],
    trapExit,
    priority,
    parent,
    messages: statistics && { in: statistics.messagesIn, out: statistics.messagesOut },
  }
}

function statusOf({ suspended, queued, busy, receiving }: Process): ProcessInfo['status'] {
  if (suspended) return 'suspended'
  if (queued) return 'runnable'
  return busy && receiving === null ? 'running' : 'waiting'
}
