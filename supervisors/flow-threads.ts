// The threads of a flow system: three replicas that record the decisions, an environment each, and one thread for the
// machines and the module agents. All are children of one supervisor: a thread that dies comes back, and what was placed
// on it with it.

import { join } from 'node:path'
import type { GroupView } from '../actors/consensus/consensus.ts'
import { RaftClient } from '../actors/raft/raft-client.ts'
import type { Node } from '../src/index.ts'
import { threadSupervisor } from '../src/threads/thread-supervisor.ts'
import { Threads } from '../src/threads/threads.ts'
import { raftReplicaAt, raftThread } from './raft-tree.ts'

/** The group's name, and its replicas: each the node of a thread. */
const group = 'decisions'
const replicas = ['decider-1', 'decider-2', 'decider-3']
/** The node of the machines' thread. */
const machines = 'machines'

/** Bounds of an environment of decisions: 64 MiB, and a snapshot every thousand. */
const maxBytes = 64 * 1024 * 1024
const snapshotEvery = 1000

/** Threads that run, and what a flow system needs of them. */
export interface FlowThreads {
  /** The group that records decisions. */
  readonly decisions: RaftClient
  /** The node of the machines. */
  readonly machinesOn: string
  /** The threads themselves. */
  readonly threads: Threads
  /** Who leads the group, and in which term; undefined if no replica answers. */
  view(): Promise<GroupView | undefined>
  /** Ends the client, the threads, and the mesh. */
  stop(): Promise<void>
}

/** Starts the threads of the flow system whose home is `node`; the group's data lies in `folder`. */
export async function startFlowThreads(node: Node, folder: string): Promise<FlowThreads> {
  const threads = new Threads(node)
  const machine = {
    module: new URL('../actors/decisions/decision-log.js', import.meta.url).href,
    export: 'decisionLog',
  }
  const deciders = replicas.map((id) =>
    raftThread({ group, id, nodes: replicas, path: join(folder, id), machine, maxBytes, snapshotEvery }),
  )
  try {
    const tree = await node.start(
      threadSupervisor(threads, [...deciders, { name: machines }], { intensity: 20, periodMs: 60_000 }),
    )
    const replica = (id: string) => raftReplicaAt(node, id, group)
    const decisions = await RaftClient.start(node, { replicas, replica, window: 64 })
    return {
      decisions,
      threads,
      machinesOn: machines,
      view: () => decisions.view(),
      stop: async () => {
        await decisions.close()
        await tree.stop('shutdown')
        await threads.stop()
      },
    }
  } catch (error) {
    await threads.stop()
    throw error
  }
}
