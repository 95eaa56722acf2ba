// Our group in this room: three replicas, each on a worker thread with an LMDB environment of its own, kept by a
// supervisor; and a client on the main thread.

import { join } from 'node:path'
import { createNode, type Node } from 'espalier'
import { namesOf, RaftClient, type RaftClientOptions, ReplicaMachine, type ReplicaStatus } from 'espalier/raft'
import { Threads, threadSupervisor } from 'espalier/threads'
import { dataFolder } from '../harness/folder.ts'
import type { ReplicaSettings } from './replica-thread.ts'

export const GROUP = 'bench'
export const REPLICAS = ['r1', 'r2', 'r3'] as const

export class ThreadGroup {
  readonly #node: Node
  readonly #threads: Threads

  private constructor(node: Node, threads: Threads) {
    this.#node = node
    this.#threads = threads
  }

  /** Starts the group, and waits until it has a leader. */
  static async start(settings: Pick<ReplicaSettings, 'disk'>): Promise<ThreadGroup> {
    const node = createNode({ name: 'bench' })
    // A frozen thread is ended once the group has long had another leader.
    const threads = new Threads(node, { watchdog: { frozenAfterMs: 1000, graceMs: 500 } })
    const folder = dataFolder('raft')
    const specs = REPLICAS.map((id) => {
      const replica: ReplicaSettings = { ...settings, id, group: GROUP, nodes: REPLICAS, path: join(folder, id) }
      const boot = { module: new URL('./replica-thread.js', import.meta.url), export: 'bootReplica', args: [replica] }
      return { name: id, options: { storage: settings.disk === 'lmdb', boot } }
    })
    await node.start(threadSupervisor(threads, specs, { intensity: 100, periodMs: 1000 }))
    const group = new ThreadGroup(node, threads)
    await group.leader()
    return group
  }

  client(options: Partial<RaftClientOptions> = {}): Promise<RaftClient> {
    const replica = (id: string) => this.#replica(id)
    return RaftClient.start(this.#node, { replicas: REPLICAS, replica, deadlineMs: 30_000, ...options })
  }

  /** The replica that leads, once all three are there and agree. */
  async leader(): Promise<ReplicaStatus> {
    for (;;) {
      const asked = REPLICAS.map((id) => this.#replica(id).call('status', undefined, { timeoutMs: 200 }))
      const answered = await Promise.all(asked.map((status) => status.catch(() => undefined)))
      const known = answered.filter((status) => status !== undefined)
      const leader = known.find(({ role }) => role === 'leader')
      const isSettled = known.length === REPLICAS.length && known.every((status) => status.leader === leader?.id)
      if (leader !== undefined && isSettled) return leader
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  kill(id: string): void {
    void this.#threads.get(id)?.terminate()
  }

  /** Hangs a replica's thread for good. */
  freeze(id: string): void {
    this.#node.at(id, 'freezer').send('freeze')
  }

  #replica(id: string) {
    return this.#node.at(ReplicaMachine, id, namesOf(GROUP).replica)
  }
}
