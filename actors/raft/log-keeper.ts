// The log infrastructure of a node: one store for all its groups, whose writes share each flush. It lives apart from the
// replicas: one that ends is started anew on the same store.

import { noReply } from '../../src/behaviours/results.ts'
import { type CallContext, defineServer } from '../../src/behaviours/server.ts'
import type { Secrets } from '../../src/kernel/ports/index.ts'
import type { TransactionalStore } from '../../src/storage/store.ts'
import type { Configuration } from './core/configuration.ts'
import { ReplicaStorage } from './replica-storage.ts'

export interface LogKeeperOptions {
  /**
   * The node's store. The keeper closes it when it ends. A keeper that is started anew may find it held for a moment by
   * what was there before: give `openLmdb` a `lockTimeoutMs`.
   */
  readonly store: () => Promise<TransactionalStore>
  /** Draws the names of new lives of a disk. */
  readonly secrets: Secrets
  /** Remembers, apart from the store, that a group was founded here. Default: whoever gives `founders` knows. */
  readonly founding?: FoundingRecord | undefined
}

/**
 * What outlives an emptied disk: a replica that comes back on one must not be a founder again. With it, `founders` may
 * be given at each start, and counts at the first.
 */
export interface FoundingRecord {
  /** Whether this replica of the group was ever founded. */
  isFounded(group: string): Promise<boolean>
  /** Writes down, durably, that it is. */
  founded(group: string): Promise<void>
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
    open: (context, request) => {
      context.state.open.set(request.group, outcomeOf(openDisk(context.state, request)))
      return answer(context, request.group)
    },
    storage: (context, group) => answer(context, group),
  },
  terminate: ({ state }) => state.store.close(),
})

async function openDisk({ store, options }: LogKeeper, request: OpenRequest): Promise<ReplicaStorage> {
  const { group, maxEntryBytes } = request
  const { founding, secrets } = options
  const isFounder = request.founders !== undefined && (await founding?.isFounded(group)) !== true
  const founders = isFounder ? request.founders : undefined
  const newIncarnation = () => Buffer.from(secrets.bytes(8)).toString('hex')
  const storage = await ReplicaStorage.open(store, { group, founders, maxEntryBytes, newIncarnation })
  // Before it has acted as a founder: if this fails, it starts again on a disk that is founded.
  if (isFounder) await founding?.founded(group)
  return storage
}

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
