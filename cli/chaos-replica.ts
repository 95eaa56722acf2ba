// What a replica's thread of a chaos run runs: a replica as the package boots it, and beside it a process that hangs the
// thread, or cuts it off from others, when it is told to.

import type { ThreadContext } from '../src/threads/thread-context.ts'
import { bootRaftReplica, type RaftThreadOptions, raftReplicaAt } from '../supervisors/raft-tree.ts'

/** The name of that process. */
export const SABOTEUR = 'saboteur'

/** `hangMs`: turn no more for so long; infinite: for good. `cut`: send nothing to these. */
export type Order = { readonly hangMs: number } | { readonly cut: readonly string[] }

export async function bootChaosReplica(context: ThreadContext, options: RaftThreadOptions): Promise<void> {
  const { node } = context
  let cut: readonly string[] = []
  await bootRaftReplica(context, options, (id) =>
    cut.includes(id) ? undefined : raftReplicaAt(node, id, options.group),
  )
  node.spawn(
    async (self) => {
      for (;;) {
        const order = (await self.receive()) as Order
        if ('cut' in order) cut = order.cut
        else {
          const until = self.now() + order.hangMs
          while (self.now() < until);
        }
      }
    },
    { name: SABOTEUR },
  )
}
