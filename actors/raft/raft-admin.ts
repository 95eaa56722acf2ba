// What an operator does to a group: members, leadership, snapshots, sessions. Each is sent once, follows redirects, and
// is not tried again after any other answer.

import type { Ref } from '../../src/kernel/ref.ts'
import { ConsensusError } from '../consensus/consensus.ts'
import type { Incarnation, ReplicaId } from './core/entry.ts'
import type { MembershipChange } from './core/input.ts'
import type { AdminAnswer, ReplicaProtocol, ReplicaStatus } from './protocol.ts'

export interface RaftAdminOptions {
  /** The replicas that may lead, in the order in which they are asked. */
  readonly replicas: readonly ReplicaId[]
  /** Where a replica is reached; undefined: not at present. */
  readonly replica: (id: ReplicaId) => Ref<ReplicaProtocol> | undefined
  /** How long an operation may take, in milliseconds; then its outcome is unknown. Default 10 000. */
  readonly timeoutMs?: number
}

type Ask = (replica: Ref<ReplicaProtocol>) => Promise<AdminAnswer>

/** Redirects that are followed before the group counts as without a leader. */
const MOST_REDIRECTS = 8

/** The operations reject with ConsensusError: refused with a code, or with an unknown outcome. */
export class RaftAdmin {
  readonly #options: RaftAdminOptions

  constructor(options: RaftAdminOptions) {
    this.#options = options
  }

  /** What a replica knows and counts. Rejects with ExitError if it does not answer. */
  status(id: ReplicaId): Promise<ReplicaStatus> {
    return this.#replica(id).call('status', undefined, this.#timeout)
  }

  /** Takes in a replica that runs on a disk of its own: it catches up first, and then votes. */
  async add(node: ReplicaId): Promise<void> {
    await this.change({ op: 'add', node, incarnation: await this.#incarnation(node), role: 'voter' })
  }

  /** Takes in a replica that receives the log and counts for nothing, until {@link promote}. */
  async addLearner(node: ReplicaId): Promise<void> {
    await this.change({ op: 'add', node, incarnation: await this.#incarnation(node), role: 'learner' })
  }

  /** Makes a learner that has caught up a voter. */
  promote(node: ReplicaId): Promise<void> {
    return this.change({ op: 'promote', node })
  }

  /** Lets a member go. A leader that is removed steps down once that is committed. */
  remove(node: ReplicaId): Promise<void> {
    return this.change({ op: 'remove', node })
  }

  /** Puts these members in place of all, by one joint change. */
  async replaceAll(members: readonly ReplicaId[]): Promise<void> {
    const incarnations: Record<ReplicaId, Incarnation> = {}
    for (const id of members) incarnations[id] = await this.#incarnation(id)
    await this.change({ op: 'replaceAll', members, incarnations })
  }

  /** Changes the membership; resolves once that is committed. */
  change(change: MembershipChange): Promise<void> {
    return this.#ask((replica) => replica.call('change', change, this.#timeout))
  }

  /** Hands leadership to a voter; resolves once it leads. */
  transfer(to: ReplicaId): Promise<void> {
    return this.#ask((replica) => replica.call('transfer', to, this.#timeout))
  }

  /** Ends a client's session through the log. */
  expireSession(session: number): Promise<void> {
    return this.#ask((replica) => replica.call('expireSession', session, this.#timeout))
  }

  /** Has a replica take a snapshot, and compact its log, now. */
  async snapshot(id: ReplicaId): Promise<void> {
    const answer = await this.#replica(id).call('snapshot', undefined, this.#timeout)
    if (!answer.ok) throw refusedWith(answer)
  }

  async #ask(ask: Ask): Promise<void> {
    const { replicas } = this.#options
    let to = replicas[0]
    for (let redirects = 0; redirects < MOST_REDIRECTS && to !== undefined; redirects += 1) {
      const at: ReplicaId = to
      const replica = this.#options.replica(at)
      const next: ReplicaId | undefined = replicas[(replicas.indexOf(at) + 1) % replicas.length]
      const answer: AdminAnswer | undefined = replica === undefined ? undefined : await ask(replica).catch(nobodyThere)
      if (answer?.ok === true) return
      if (answer !== undefined && answer.code !== 'notLeader') throw refusedWith(answer)
      to = answer?.leader === undefined || answer.leader === at ? next : answer.leader
    }
    throw refusedWith({ ok: false, code: 'notLeader', leader: undefined })
  }

  #incarnation(id: ReplicaId): Promise<Incarnation> {
    return this.#replica(id).call('incarnation', undefined, this.#timeout)
  }

  #replica(id: ReplicaId): Ref<ReplicaProtocol> {
    const replica = this.#options.replica(id)
    if (replica !== undefined) return replica
    throw new ConsensusError('ERR_CONSENSUS_REFUSED', `${id} is not reached`, { refusal: 'notMember', outcome: 'none' })
  }

  get #timeout(): { readonly timeoutMs: number } {
    return { timeoutMs: this.#options.timeoutMs ?? 10_000 }
  }
}

function refusedWith({ code, leader }: Extract<AdminAnswer, { readonly ok: false }>): ConsensusError {
  return new ConsensusError('ERR_CONSENSUS_REFUSED', `the group refuses: ${code}`, {
    refusal: code,
    leader,
    outcome: 'none',
  })
}

/** Where nobody is, nothing was done; of anything else nobody knows. */
function nobodyThere(error: unknown): undefined {
  const reason: unknown = error instanceof Error && 'reason' in error ? error.reason : undefined
  if (reason === 'noproc') return undefined
  throw new ConsensusError(
    'ERR_CONSENSUS_UNKNOWN_OUTCOME',
    'no answer: the operation may have taken effect, or may yet',
    { outcome: 'unknown' },
    { cause: error },
  )
}
