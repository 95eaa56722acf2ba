// The client of a group for the world outside its processes: promises in place of messages, errors in place of outcomes.

import type { Node } from '../../src/kernel/node.ts'
import type { Ref } from '../../src/kernel/ref.ts'
import {
  type Consensus,
  ConsensusError,
  type GroupView,
  type OperationOptions,
  type ReadOptions,
} from '../consensus/consensus.ts'
import { keyValue } from '../consensus/machines/key-value.ts'
import type { Value } from '../consensus/machines/value.ts'
import type { ClientSessionOptions, ClientStatus, Operation, OperationOutcome } from './client-protocol.ts'
import { ClientSessionServer } from './client-session.ts'
import { type Closed, PendingOperations } from './pending-operations.ts'
import type { ReplicaView } from './protocol.ts'

export type RaftClientOptions = Omit<ClientSessionOptions, 'onSent' | 'onOutcome' | 'onView'>

const VIEW_TIMEOUT_MS = 1000

/** A client with a session of its own, made by {@link RaftClient.start}: what it proposes is applied exactly once. */
export class RaftClient implements Consensus {
  readonly #session: Ref<typeof ClientSessionServer>
  readonly #options: RaftClientOptions
  readonly #views: Views
  readonly #pending: PendingOperations

  private constructor(
    session: Ref<typeof ClientSessionServer>,
    options: RaftClientOptions,
    views: Views,
    pending: PendingOperations,
  ) {
    this.#session = session
    this.#options = options
    this.#views = views
    this.#pending = pending
  }

  /** Starts a client on a node. Its session is opened with its first command. */
  static async start(node: Node, options: RaftClientOptions): Promise<RaftClient> {
    const views = new Views()
    const pending = new PendingOperations()
    const argument: ClientSessionOptions = {
      ...options,
      onView: (view) => views.heard(view),
      onOutcome: (tag, outcome) => pending.settle(tag, outcome),
    }
    const session = await node.start(ClientSessionServer, argument)
    pending.begin(session)
    return new RaftClient(session, options, views, pending)
  }

  propose(command: Uint8Array, options: OperationOptions = {}): Promise<Uint8Array> {
    return this.#submit({ type: 'command', command }, options)
  }

  read(question: Uint8Array, options: ReadOptions = {}): Promise<Uint8Array> {
    return this.#submit({ type: 'read', question, mode: options.mode ?? 'index' }, options)
  }

  /** Of the key-value map: sets a key. @throws ConsensusError, as a rejection, as the other operations do */
  async put(key: string, value: Value, options: OperationOptions = {}): Promise<void> {
    keyValue.answer(await this.propose(keyValue.put(key, value), options))
  }

  /** Of the key-value map: the key's value, or null. */
  async get(key: string, options: ReadOptions = {}): Promise<Value> {
    return keyValue.answer(await this.read(keyValue.get(key), options))
  }

  /** Of the key-value map: sets a key if it holds `expected`. Answers whether it did. */
  async cas(key: string, expected: Value, value: Value, options: OperationOptions = {}): Promise<boolean> {
    return keyValue.answer(await this.propose(keyValue.cas(key, expected, value), options)) === true
  }

  /** Of the key-value map: removes a key. Answers whether it was there. */
  async delete(key: string, options: OperationOptions = {}): Promise<boolean> {
    return keyValue.answer(await this.propose(keyValue.delete(key), options)) === true
  }

  /** What the first replica that answers, of those the client knows, takes for true. */
  async view(): Promise<GroupView | undefined> {
    for (const id of this.#options.replicas) {
      const replica = this.#options.replica(id)
      const status = await replica?.call('status', undefined, { timeoutMs: VIEW_TIMEOUT_MS }).catch(() => undefined)
      if (status !== undefined) return viewOf(status)
    }
    return undefined
  }

  watch(listener: (view: GroupView) => void): () => void {
    this.#session.cast('watch')
    return this.#views.add(listener)
  }

  /** The session's id, where it sends to, and how much it has under way. */
  status(): Promise<ClientStatus> {
    return this.#session.call('status')
  }

  /** Ends the session, without waiting for the group, and the client. What is under way has an unknown outcome. */
  async close(): Promise<void> {
    await this.#session.call('close').catch(() => undefined)
  }

  async #submit(operation: Operation, { to, deadlineMs }: OperationOptions): Promise<Uint8Array> {
    const outcome = await this.#pending.submit({ operation, to, deadlineMs })
    if (outcome.type === 'answered') return outcome.answer
    // Made here: its stack leads to who has asked.
    throw errorOf(outcome)
  }
}

function errorOf(outcome: Exclude<OperationOutcome, { readonly type: 'answered' }> | Closed): ConsensusError {
  if (outcome.type === 'closed') {
    const { cause } = outcome
    return new ConsensusError('ERR_CONSENSUS_CLOSED', 'the client is closed', { outcome: 'unknown' }, { cause })
  }
  const certainty = outcome.isCertain ? 'none' : 'unknown'
  if (outcome.type === 'refused') {
    const { code: refusal, leader } = outcome
    const message = `the group refuses: ${refusal}`
    return new ConsensusError('ERR_CONSENSUS_REFUSED', message, { refusal, leader, outcome: certainty })
  }
  const message = outcome.isCertain
    ? 'no replica took the operation before its deadline'
    : 'no answer before the deadline: the operation may have taken effect, or may yet'
  return new ConsensusError('ERR_CONSENSUS_UNKNOWN_OUTCOME', message, { outcome: certainty })
}

/** The views of all replicas, as one: that of the highest term, and in it the leader's own. */
class Views {
  readonly #listeners = new Set<(view: GroupView) => void>()
  #best: ReplicaView | undefined
  #told = ''

  add(listener: (view: GroupView) => void): () => void {
    this.#listeners.add(listener)
    if (this.#best !== undefined) listener(viewOf(this.#best))
    return () => this.#listeners.delete(listener)
  }

  heard(view: ReplicaView): void {
    const best = this.#best
    const isOutdone = best !== undefined && (best.term > view.term || (best.term === view.term && isOwnOf(best, view)))
    if (isOutdone) return
    this.#best = view
    const told = JSON.stringify(viewOf(view))
    if (told === this.#told) return
    this.#told = told
    for (const listener of this.#listeners) listener(viewOf(view))
  }
}

/** Whether `best` is its leader's own word, and `view` that of another. */
function isOwnOf(best: ReplicaView, view: ReplicaView): boolean {
  return best.leader === best.id && view.id !== best.id
}

function viewOf({ leader, term, configuration, isCommitted }: ReplicaView): GroupView {
  const members = configuration?.members.map(({ id }) => id) ?? []
  return { leader, term, members, isSettled: isCommitted && configuration?.outgoing === undefined }
}
