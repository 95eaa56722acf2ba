// What a replica's thread of this room runs: a replica as the package boots it, or one without a disk, and beside it a
// process that hangs the thread when it is told to.

import { keyValueMap, namesOf, ReplicaMachine, raftNode } from 'espalier/raft'
import { bootRaftReplica, type RaftThreadOptions } from 'espalier/raft/threads'
import { MemoryDisk } from 'espalier/storage'
import type { ThreadContext } from 'espalier/threads'

export interface ReplicaSettings extends RaftThreadOptions {
  /** `memory`: a disk that keeps nothing and takes no time. */
  readonly disk: 'lmdb' | 'memory'
}

export async function bootReplica(context: ThreadContext, settings: ReplicaSettings): Promise<void> {
  const { node } = context
  if (settings.disk === 'lmdb') await bootRaftReplica(context, settings)
  else {
    const { group, id, nodes } = settings
    const disk = new MemoryDisk()
    await node.start(
      raftNode({
        group,
        id,
        founders: nodes,
        machine: keyValueMap,
        peer: (peer) => node.at(ReplicaMachine, peer, namesOf(group).replica),
        store: () => disk.open('raft'),
        ports: node.ports,
      }),
    )
  }
  node.spawn(
    async (self) => {
      await self.receive()
      for (;;);
    },
    { name: 'freezer' },
  )
}
