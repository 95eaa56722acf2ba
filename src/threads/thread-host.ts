// What the supervisors of the main thread's node know of threads: pools are the threads started with the pool's name,
// and a child may have a thread of its own, which ends with it.

import type { Host } from '../behaviours/placement.ts'
import { Down } from '../kernel/messages.ts'
import type { Node } from '../kernel/node.ts'
import type { Thread, ThreadOptions } from './thread.ts'

/** The threads of a process, as a host needs them. */
interface Crew {
  start(name: string, options?: ThreadOptions): Promise<Thread>
  list(): readonly Thread[]
}

/** The host of `node`'s supervisors over the threads of `crew`. */
export function threadHost(node: Node, crew: Crew): Host {
  /** A pool whose threads are all away is still a pool. */
  const pools = new Set<string>()
  let count = 0
  return {
    pool: (name) => {
      const nodes = crew.list().flatMap((thread) => (thread.pool === name ? [thread.name] : []))
      if (nodes.length > 0) pools.add(name)
      return pools.has(name) ? nodes : undefined
    },
    openOwn: async () => {
      count += 1
      const thread = await crew.start(`${node.name}-own-${count}`)
      return {
        nodeName: thread.name,
        started: (pid) => {
          node.spawn(
            async (self) => {
              const watch = self.monitor(pid)
              await self.receive((message) => message instanceof Down && message.ref === watch)
              await thread.stop()
            },
            { label: `keeper of ${thread.name}` },
          )
        },
        failed: () => void thread.terminate(),
      }
    },
  }
}
