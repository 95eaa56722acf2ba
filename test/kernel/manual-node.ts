// A node whose time and turns a test moves by hand.

import { Node } from '../../src/kernel/node.ts'
import { Scheduler } from '../../src/kernel/scheduler.ts'
import { createSystemPorts } from '../../src/system/index.ts'
import { ManualClock, ManualTurns } from './manual-time.ts'

export interface ManualNode {
  readonly node: Node
  readonly scheduler: Scheduler
  readonly clock: ManualClock
  readonly turns: ManualTurns
}

export function createManualNode(turns = new ManualTurns()): ManualNode {
  const clock = new ManualClock()
  const scheduler = new Scheduler({ clock, turns })
  const node = new Node({ name: 'manual', ports: { ...createSystemPorts(), clock, turns }, scheduler })
  return { node, scheduler, clock, turns }
}
