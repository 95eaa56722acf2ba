// The log infrastructure of a node: one store for all its groups, whose writes share each flush. It lives apart from the
// replicas: one that ends is started anew on the same store.

import { noReply } from '../../src/behaviours/results.ts'
import { type CallContext, defineServer } from '../../src/behaviours/server.ts'
import type { Secrets } from '../../src/kernel/ports/index.ts'
import type { TransactionalStore } from '../../src/storage/store.ts'
import type { Configuration } from './core/configuration.ts'
import { ReplicaStorage } from './replica-storage.ts'

export interface LogKeeperOptions {
  /** The node's store. The keeper closes it when it ends. */
  readonly store: () => Promise<TransactionalStore>
  /** Draws the names of new lives of a disk. */
  readonly secrets: Secrets
}

/** What is opened: see {@link ReplicaStorage.open}. */
export interface OpenRequest {
  readonly group: string
  readonly founders: Configuration | undefined
  readonly maxEntryBytes: number | undefined
}

export interface LogKeeperProtocol {
  readonly call: {
    /** Opens the disk of a replica, which has just started. */
    readonly open: (request: OpenRequest) => Opened
    /** The disk that was opened last for a group. */
    readonly storage: (group: string) => Opened
  }
}

/** A disk, or why there is none. */
export type Opened = { readonly storage: ReplicaStorage } | { readonly error: unknown }

interface LogKeeper {
  readonly options: LogKeeperOptions
  readonly store: TransactionalStore
  readonly open: Map<string, Promise<Opened>>
}

/** Keeps the store of a node. Processes ask it for their disk by its name. */
export const LogKeeperServer = defineServer<LogKeeperProtocol>()({
  name: 'raft logs',
  init: async (options: LogKeeperOptions, { self }): Promise<LogKeeper> => {
    self.trapExit = true
    return { options, store: await options.store(), open: new Map() }
  },
  call: {
    open: (context, { group, founders, maxEntryBytes }) => {
      const { store, options, open } = context.state
      const newIncarnation = () => Buffer.from(options.secrets.bytes(8)).toString('hex')
      open.set(group, outcomeOf(ReplicaStorage.open(store, { group, founders, maxEntryBytes, newIncarnation })))
      return answer(context, group)
    },
    storage: (context, group) => answer(context, group),
  },
  terminate: ({ state }) => state.store.close(),
})

function answer({ self, state, from }: CallContext<LogKeeper>, group: string) {
  const opened = state.open.get(group) ?? Promise.resolve({ error: `group ${group} is not open` })
  opened.then((outcome) => self.reply(from, outcome))
  return noReply<Opened, LogKeeper>(state)
}

function outcomeOf(opening: Promise<ReplicaStorage>): Promise<Opened> {
  return opening.then(
    (storage): Opened => ({ storage }),
    (error: unknown): Opened => ({ error }),
  )
}
