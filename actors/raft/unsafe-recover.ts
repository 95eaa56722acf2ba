// The way back from the loss of a quorum that will not return. Unsafe, and named so: what was committed by the lost
// replicas alone is lost, and if one of them comes back after all, there are two groups of one name.

import { OptionError } from '../../src/kernel/errors.ts'
import type { TransactionalStore } from '../../src/storage/store.ts'
import type { Configuration, Member } from './core/configuration.ts'
import { encodeConfiguration } from './core/configuration-codec.ts'
import type { LogPosition, ReplicaId } from './core/entry.ts'
import { encodeEntry } from './core/entry-codec.ts'
import { ReplicaStorage } from './replica-storage.ts'

export interface UnsafeRecovery {
  readonly group: string
  /** The survivor whose disk this is: of all survivors the one whose log has the highest last term, then index. */
  readonly id: ReplicaId
  /** Survivors that shall vote beside it, with the incarnations of their disks. Default: none. */
  readonly others?: readonly Pick<Member, 'id' | 'incarnation'>[]
}

/**
 * Writes a new membership, of this replica and `others`, at the end of a stopped replica's log, in a new term. Do this
 * on one survivor only; start it, and the others after it. All lost replicas must be gone for good.
 * @param store of the stopped replica, opened by the caller, and closed by the caller.
 * @returns where the new membership stands.
 * @throws OptionError for a disk that holds no such group; LogError and StorageError as reading it does.
 */
export async function unsafeRecover(store: TransactionalStore, recovery: UnsafeRecovery): Promise<LogPosition> {
  const { group, id, others = [] } = recovery
  const newIncarnation = () => {
    throw new OptionError('group', group, 'a group that this disk holds')
  }
  const storage = await ReplicaStorage.open(store, { group, founders: undefined, newIncarnation })
  const { hardState, snapshot, entries } = storage.recovered
  const lastEntry = entries.at(-1)
  const last: LogPosition = lastEntry ?? snapshot?.last ?? { index: 0, term: 0 }
  const { term = 0, commit = 0 } = hardState ?? {}
  const position = { index: last.index + 1, term: Math.max(term, last.term) + 1 }
  const members: Member[] = [{ id, incarnation: storage.incarnation }, ...others]
    .map((member): Member => ({ ...member, role: 'voter' }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  const configuration: Configuration = { members }
  const entry = encodeEntry({
    ...position,
    kind: 'configuration',
    timeMs: lastEntry?.timeMs ?? 0,
    payload: encodeConfiguration(configuration),
  })
  await storage.persist({
    truncateFrom: undefined,
    entries: [entry],
    // What it may have lost, it shall stand for election without.
    hardState: { term: position.term, votedFor: undefined, commit, voteFloor: undefined },
  })
  return position
}
