// Where the replicas of a Raft group live.
//
//   raft node          rest_for_one, 2 in 5 s
//   ├─ raft logs       the node's store, shared by its groups
//   └─ replica         one_for_all, 2 in 5 s
//      ├─ replica      the gen_statem around the core, on the high lane
//      └─ applier      the state machine and its sessions
//
// On the same thread the tree is handed a store; on a thread of its own it is made from plain data: the thread opens its
// LMDB environment itself, and finds its peers by their nodes' names.

import { keyValueMap } from '../actors/consensus/machines/key-value.ts'
import { lockService } from '../actors/consensus/machines/lock.ts'
import type { StateMachine } from '../actors/consensus/state-machine.ts'
import type { RaftOptions } from '../actors/raft/core/options.ts'
import type { FoundingRecord } from '../actors/raft/log-keeper.ts'
import type { ReplicaProtocol } from '../actors/raft/protocol.ts'
import { ReplicaMachine } from '../actors/raft/replica.ts'
import type { ReplicaPolicies } from '../actors/raft/replica-options.ts'
import { namesOf, raftNode } from '../actors/raft/replica-tree.ts'
import { OptionError } from '../src/kernel/errors.ts'
import type { Node } from '../src/kernel/node.ts'
import type { Files } from '../src/kernel/ports/index.ts'
import type { Ref } from '../src/kernel/ref.ts'
import { openLmdb } from '../src/storage/lmdb/lmdb-store.ts'
import { systemFiles } from '../src/system/system-files.ts'
import { systemModules } from '../src/system/system-modules.ts'
import type { ThreadContext } from '../src/threads/thread-context.ts'
import type { ThreadSpec } from '../src/threads/thread-supervisor.ts'

/** What a replica on a thread of its own is started with: plain data. Each node is named as its replica. */
export interface RaftThreadOptions extends ReplicaPolicies {
  readonly group: string
  readonly id: string
  /** The founders: at the replica's first start they are the group, later they are known from the disk. */
  readonly nodes: readonly string[]
  /** Folder of the replica's LMDB environment. That it was founded is written beside it, in `PATH.GROUP.founded`. */
  readonly path: string
  /** Bound of the environment. Default 16 GiB. */
  readonly maxBytes?: number
  /** Default `key-value`; `lock` is the lock service; or a `StateMachine` that a module exports. */
  readonly machine?: 'key-value' | 'lock' | { readonly module: string; readonly export: string }
  /** The core's own options. */
  readonly raft?: RaftOptions
}

/** How long a thread waits for the folder that a dead one before it may still hold, in milliseconds. */
const lockTimeoutMs = 5000

/** A replica as a thread: for `Threads.start` or a `threadSupervisor`, from the compiled package. */
export function raftThread(options: RaftThreadOptions): ThreadSpec {
  const boot = { module: import.meta.url, export: bootRaftReplica.name, args: [options] }
  return { name: options.id, options: { storage: true, boot } }
}

/**
 * What a thread made by {@link raftThread} runs: starts the replica's tree, which lives as long as the thread. `peer` is
 * where another replica is reached; by default on the node of its name.
 */
export async function bootRaftReplica(
  context: ThreadContext,
  options: RaftThreadOptions,
  peer = (id: string): Ref<ReplicaProtocol> | undefined => raftReplicaAt(context.node, id, options.group),
): Promise<void> {
  const { node, storage } = context
  if (storage === undefined) throw new OptionError('storage', storage, 'a connection to the storage thread')
  const machine = await machineOf(options.machine ?? 'key-value')
  const { path, maxBytes } = options
  const { raft, ...policies } = options
  await node.start(
    raftNode({
      ...policies,
      ...(raft === undefined ? {} : { raft }),
      machine,
      founders: options.nodes,
      founding: fileRecord(systemFiles, path),
      peer,
      store: () =>
        openLmdb({ path, connection: storage, lockTimeoutMs, ...(maxBytes === undefined ? {} : { maxBytes }) }),
      ports: node.ports,
    }),
  )
}

/** The replica of a group on a node of the mesh. */
export function raftReplicaAt(node: Node, nodeName: string, group: string) {
  return node.at(ReplicaMachine, nodeName, namesOf(group).replica)
}

/** A founding record as a file beside the environment: emptying the environment's folder does not take it along. */
export function fileRecord(files: Files, path: string): FoundingRecord {
  const pathOf = (group: string) => `${path}.${encodeURIComponent(group)}.founded`
  return {
    isFounded: async (group) => (await files.read(pathOf(group))) !== undefined,
    founded: async (group) => {
      await files.create(pathOf(group), new TextEncoder().encode(`${group}\n`))
    },
  }
}

async function machineOf(machine: NonNullable<RaftThreadOptions['machine']>): Promise<StateMachine> {
  if (machine === 'key-value') return keyValueMap
  if (machine === 'lock') return lockService()
  const loaded = await systemModules.load(machine.module, machine.export)
  if (!isMachine(loaded)) throw new OptionError('machine', `${machine.module}: ${machine.export}`, 'a StateMachine')
  return loaded
}

function isMachine(value: unknown): value is StateMachine {
  return typeof value === 'object' && value !== null && 'apply' in value && 'snapshot' in value
}
