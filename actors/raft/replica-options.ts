// What a replica is started with, beside the core's own options; defaults and checks.

import { OptionError } from '../../src/kernel/errors.ts'
import type { NodePorts } from '../../src/kernel/ports/index.ts'
import type { Ref } from '../../src/kernel/ref.ts'
import type { TransactionalStore } from '../../src/storage/store.ts'
import type { StateMachine } from '../consensus/state-machine.ts'
import type { Effect } from './core/effect.ts'
import type { Incarnation, ReplicaId } from './core/entry.ts'
import type { Input } from './core/input.ts'
import type { RaftOptions, RecoveredState } from './core/options.ts'
import type { Transition } from './core/transition.ts'
import type { FoundingRecord } from './log-keeper.ts'
import type { ReplicaProtocol } from './protocol.ts'

/** Bounds and policies of a replica. */
export interface ReplicaPolicies {
  /** Entries behind the last snapshot after which a new one is taken. 0: never. Default 100 000. */
  readonly snapshotEvery?: number
  /** The same in bytes of entries. 0: never. Default 256 MiB. */
  readonly snapshotBytes?: number
  /** Bytes of a chunk in which a snapshot is written and sent. Default 256 KiB. */
  readonly snapshotChunkBytes?: number
  /** How long a client's session may be idle, in milliseconds of the log's time. 0: for ever. Default one hour. */
  readonly sessionTtlMs?: number
  /** Sessions at a time; beyond, those used longest ago end. Default 10 000. */
  readonly maxSessions?: number
  /** How long entries are applied before others have their turn, in milliseconds. Default 2. */
  readonly applySliceMs?: number
  /** A write that takes longer is trouble: a leader hands over. Default twice the longest election time-out. */
  readonly slowDiskMs?: number
  /**
   * A peer that is being handed a snapshot, and gets on by a chunk within so long, keeps a newer one from taking its
   * place: it would have to begin anew, perhaps for ever. Only a snapshot that is asked for is taken all the same.
   * Default ten times the longest election time-out.
   */
  readonly snapshotPatienceMs?: number
  /** Requests that wait for their turn to be written; more are refused `rateLimited`. Default 16 384. */
  readonly maxQueuedRequests?: number
}

/** What a step of the core was given, and what came of it. */
export interface ObservedStep {
  /** Undefined at the start. */
  readonly input: Input | undefined
  readonly effects: readonly Effect[]
  /** At the start: what the disk held, and which life of it this is. */
  readonly recovered?: RecoveredState
  readonly incarnation?: Incarnation
}

export interface ReplicaOptions extends ReplicaPolicies {
  /** The group's name: 1 to 59 of `a-z A-Z 0-9 . _ / -`. */
  readonly group: string
  readonly id: ReplicaId
  /** Where another replica is reached; undefined: not at present. Asked for each message. */
  readonly peer: (id: ReplicaId) => Ref<ReplicaProtocol> | undefined
  /** The node's store: shared with other groups of the node, never with another replica of this one. */
  readonly store: () => Promise<TransactionalStore>
  readonly machine: StateMachine
  /**
   * The founding replicas. Given to each of them at its first start, and never again in the life of the group: a replica
   * that starts on an empty disk later comes back as a new member, by `add`. With `founding` they may always be given.
   */
  readonly founders?: readonly ReplicaId[] | undefined
  /** Remembers, apart from the store, that this replica was founded. Default: whoever gives `founders` knows. */
  readonly founding?: FoundingRecord | undefined
  readonly ports: Pick<NodePorts, 'clock' | 'random' | 'secrets'>
  /** The core's own options. */
  readonly raft?: RaftOptions
  /** Hears each named transition of the core, synchronously. Must not throw. */
  readonly onTransition?: ((transition: Transition) => void) | undefined
  /** Hears each step of the core, synchronously. Must not throw. */
  readonly observe?: ((step: ObservedStep) => void) | undefined
}

export type Policies = Required<ReplicaPolicies>

/** Policies with their defaults. @throws OptionError */
export function policiesOf(options: ReplicaOptions): Policies {
  const longest = options.raft?.electionTimeoutMs?.[1] ?? 300
  const policies: Policies = {
    snapshotEvery: options.snapshotEvery ?? 100_000,
    snapshotBytes: options.snapshotBytes ?? 256 * 1024 * 1024,
    snapshotChunkBytes: options.snapshotChunkBytes ?? 256 * 1024,
    sessionTtlMs: options.sessionTtlMs ?? 3_600_000,
    maxSessions: options.maxSessions ?? 10_000,
    applySliceMs: options.applySliceMs ?? 2,
    slowDiskMs: options.slowDiskMs ?? Math.ceil(2 * longest),
    snapshotPatienceMs: options.snapshotPatienceMs ?? Math.ceil(10 * longest),
    maxQueuedRequests: options.maxQueuedRequests ?? 16_384,
  }
  for (const [field, value] of Object.entries(policies)) {
    const least = field.startsWith('snapshotE') || field === 'snapshotBytes' || field === 'sessionTtlMs' ? 0 : 1
    if (!Number.isSafeInteger(value) || value < least) throw new OptionError(field, value, `an integer >= ${least}`)
  }
  return policies
}
