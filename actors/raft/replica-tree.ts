// A replica as a supervision tree: the replica and its applier stand and fall together, over log infrastructure that
// outlives them.

import type { ChildSpec } from '../../src/behaviours/child-spec.ts'
import { supervisor } from '../../src/behaviours/supervisor.ts'
import type { Ref } from '../../src/kernel/ref.ts'
import type { Self } from '../../src/kernel/self.ts'
import { ApplierServer } from './applier.ts'
import type { Configuration } from './core/configuration.ts'
import type { ReplicaId } from './core/entry.ts'
import { LogKeeperServer, type Opened } from './log-keeper.ts'
import { ReplicaMachine } from './replica.ts'
import { policiesOf, type ReplicaOptions } from './replica-options.ts'
import type { ReplicaStorage } from './replica-storage.ts'

/** Under which names the processes of a group are registered on its node. */
export function namesOf(group: string) {
  return { replica: `raft/${group}`, applier: `raft/${group}/applier` } as const
}

/** The name of a node's log infrastructure. */
export const LOGS = 'raft logs'

/** The log infrastructure of a node: start it before its replicas. */
export function raftLogs(
  options: Pick<ReplicaOptions, 'store' | 'ports' | 'founding'>,
): ChildSpec<typeof LogKeeperServer> {
  const { store, ports, founding } = options
  return { id: LOGS, name: LOGS, start: [LogKeeperServer, { store, secrets: ports.secrets, founding }] }
}

/**
 * A replica with its applier, on a node whose log infrastructure runs: `one_for_all`, twice in five seconds.
 * @throws OptionError
 */
export function raftReplica(options: ReplicaOptions) {
  const names = namesOf(options.group)
  const policies = policiesOf(options)
  const { group, machine, founders, raft } = options
  const request = { group, founders: founders && foundersOf(founders), maxEntryBytes: raft?.maxEntryBytes }
  return supervisor({
    strategy: 'one_for_all',
    intensity: 2,
    periodMs: 5000,
    children: [
      {
        id: 'replica',
        name: names.replica,
        start: [
          ReplicaMachine,
          {
            options,
            openStorage: async (self: Self) => storageIn(await self.call(logsOf(self), 'open', request, forEver)),
          },
          { priority: 'high' },
        ],
      },
      {
        id: 'applier',
        name: names.applier,
        start: [
          ApplierServer,
          {
            machine,
            openStorage: async (self: Self) => storageIn(await self.call(logsOf(self), 'storage', group, forEver)),
            replica: names.replica,
            sliceMs: policies.applySliceMs,
            slowMs: raft?.heartbeatMs ?? 50,
            snapshotEvery: policies.snapshotEvery,
            snapshotBytes: policies.snapshotBytes,
            snapshotChunkBytes: policies.snapshotChunkBytes,
            snapshotPatienceMs: policies.snapshotPatienceMs,
          },
        ],
      },
    ],
  })
}

/** A replica with log infrastructure of its own: for a node that holds one group. */
export function raftNode(options: ReplicaOptions) {
  return supervisor({
    strategy: 'rest_for_one',
    intensity: 2,
    periodMs: 5000,
    children: [raftLogs(options), { id: 'replica', start: [raftReplica(options)], type: 'supervisor' }],
  })
}

const forEver = { timeoutMs: Number.POSITIVE_INFINITY }

function logsOf(self: Self): Ref<typeof LogKeeperServer> {
  const logs = self.whereis(LogKeeperServer, LOGS)
  return logs ?? self.exit('noproc')
}

function storageIn(opened: Opened): ReplicaStorage {
  if ('error' in opened) throw opened.error
  return opened.storage
}

function foundersOf(founders: readonly ReplicaId[]): Configuration {
  return { members: [...founders].sort().map((id) => ({ id, incarnation: '', role: 'voter' })) }
}
