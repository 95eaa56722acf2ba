// The protocols that can be simulated: how each makes its group, draws its schedules, and what of it can be broken.

import type { Node } from 'espalier'
import type { GroupFactory, Json, Operation, RegisterInput, Schedule, ScheduleRunOptions } from 'espalier/testing'
import { drawRaftSchedule, kindOfRaftMessage, RaftGroup, Totals } from 'espalier/testing/raft'
import { drawSchedule, SampleGroup } from 'espalier/testing/sample'

export interface Making {
  /** Makes the group, and what was counted once the run is over. */
  readonly create: GroupFactory
  readonly history: () => readonly Operation<RegisterInput, Json>[]
  /** Undefined: this protocol counts nothing. */
  readonly totals: Totals | undefined
}

export interface Protocol {
  readonly breaks: Readonly<Record<string, string>>
  readonly draw: (seed: number) => Schedule
  readonly make: (sabotage: string | undefined) => Making
  readonly runOptions: Pick<ScheduleRunOptions, 'kindOf'>
}

const ambient = { ambient: 'the replicas read the real clock: the guard must throw' }

export const protocols = {
  sample: {
    breaks: { 'lost-ack': 'the primary answers before a backup has the request: must be found', ...ambient },
    draw: drawSchedule,
    make: (sabotage) => {
      let group: SampleGroup | undefined
      const bug = sabotage === 'lost-ack' ? sabotage : undefined
      return {
        create: (world, schedule) => {
          group = new SampleGroup(world, schedule, { bug, onBoot: bootOf(sabotage) })
          return group
        },
        history: () => group?.history.operations() ?? [],
        totals: undefined,
      }
    },
    runOptions: {},
  },
  raft: {
    breaks: {
      'vote-before-durable': 'a voter answers before its vote is on its disk',
      'ack-before-durable': 'a follower acknowledges before its entries are on its disk',
      'commit-old-term': 'a leader commits entries of older terms by counting',
      'stale-read': 'a leader answers reads without asking whether it still leads',
      'truncate-always': 'a follower cuts its log behind whatever an append begins with',
      ...ambient,
    },
    draw: drawRaftSchedule,
    make: (sabotage) => {
      let group: RaftGroup | undefined
      const totals = new Totals()
      const bug = sabotage === 'ambient' ? undefined : sabotage
      return {
        create: (world, schedule) => {
          group = new RaftGroup(world, schedule, { bug, totals, onBoot: bootOf(sabotage) })
          return group
        },
        history: () => group?.operations.history() ?? [],
        totals,
      }
    },
    runOptions: { kindOf: kindOfRaftMessage },
  },
} as const satisfies Record<string, Protocol>

export type ProtocolName = keyof typeof protocols

export function isProtocol(name: string): name is ProtocolName {
  return name in protocols
}

export function protocolOf(name: ProtocolName): Protocol {
  return protocols[name]
}

function bootOf(sabotage: string | undefined): ((node: Node) => void) | undefined {
  return sabotage === 'ambient' ? (node) => void node.spawn(() => void Date.now()) : undefined
}
