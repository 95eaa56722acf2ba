// Where the kernel meets the real machine: the nodes of a thread share one scheduler and, by default, the system's ports.

import { Node } from './kernel/node.ts'
import type { NodePorts } from './kernel/ports/index.ts'
import type { ReportListener } from './kernel/reports.ts'
import { Scheduler } from './kernel/scheduler.ts'
import { createSystemPorts } from './system/index.ts'

export interface CreateNodeOptions {
  /** The node's name, unique among those that talk to each other. Default `node`. */
  readonly name?: string
  /** Replaces ports of the real machine, one by one. */
  readonly ports?: Partial<NodePorts>
  /** Called for each crash, dead letter and supervisor event. Must not throw. Default: nobody is told. */
  readonly onReport?: ReportListener
  /** Who runs next. Default: the thread's own scheduler. */
  readonly scheduler?: Scheduler
}

let shared: Scheduler | undefined

/** Creates a node: the home of processes. Nothing of it keeps the host process alive but set timers. */
export function createNode(options: CreateNodeOptions = {}): Node {
  const ports = { ...createSystemPorts(), ...options.ports }
  let { scheduler } = options
  if (scheduler === undefined) {
    const { clock, turns } = createSystemPorts()
    shared ??= new Scheduler({ clock, turns })
    scheduler = shared
  }
  return new Node({
    name: options.name ?? 'node',
    ports,
    scheduler,
    ...(options.onReport === undefined ? {} : { onReport: options.onReport }),
  })
}
