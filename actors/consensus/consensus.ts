// What users of a replicated group see, whatever protocol keeps its replicas together.

import { EspalierError } from '../../src/kernel/errors.ts'
import type { Refusal } from './refusal.ts'

/**
 * How a question is answered. `index`: by any replica, as of a moment after the question was asked, without writing.
 * `log`: as a command of its own. `lease`: by the leader on its word alone, if the group allows it; else as `index`.
 */
export type ReadMode = 'index' | 'log' | 'lease'

export interface OperationOptions {
  /** The replica that is tried first. Default: the one that answered last. */
  readonly to?: string | undefined
  /** After so many milliseconds the outcome is unknown. Default 3000. */
  readonly deadlineMs?: number | undefined
}

export interface ReadOptions extends OperationOptions {
  /** Default `index`. */
  readonly mode?: ReadMode | undefined
}

/** Who leads, and who belongs to the group, as one replica knows it. */
export interface GroupView {
  readonly leader: string | undefined
  /** Of Raft the term, of others the view. */
  readonly term: number
  readonly members: readonly string[]
  /** The membership is committed, and none is under way. */
  readonly isSettled: boolean
}

/** A group of replicas that apply the same commands in the same order. */
export interface Consensus {
  /**
   * Has a command applied, exactly once, and answers what the state machine did.
   * @throws ConsensusError, as a rejection
   */
  propose(command: Uint8Array, options?: OperationOptions): Promise<Uint8Array>
  /** Asks the state machine; the answer is linearizable. @throws ConsensusError, as a rejection */
  read(question: Uint8Array, options?: ReadOptions): Promise<Uint8Array>
  /** The view of the replica that is asked; undefined if none answers. */
  view(): Promise<GroupView | undefined>
  /** Hears the view now and whenever it changes, until the returned function is called. */
  watch(listener: (view: GroupView) => void): () => void
}

/**
 * - `ERR_CONSENSUS_REFUSED`: the group said no; `refusal` says why.
 * - `ERR_CONSENSUS_UNKNOWN_OUTCOME`: no answer in time: the command may have taken effect, or may yet.
 * - `ERR_CONSENSUS_CLOSED`: the client is closed.
 */
export type ConsensusErrorCode = 'ERR_CONSENSUS_REFUSED' | 'ERR_CONSENSUS_UNKNOWN_OUTCOME' | 'ERR_CONSENSUS_CLOSED'

/** What became of an operation that was not answered. */
export class ConsensusError extends EspalierError {
  declare readonly code: ConsensusErrorCode
  readonly refusal: Refusal | undefined
  /** Who leads, if the replica that refused knows. */
  readonly leader: string | undefined
  /** `none`: the command has had no effect, and will have none. */
  readonly outcome: 'none' | 'unknown'

  constructor(
    code: ConsensusErrorCode,
    message: string,
    details: {
      readonly refusal?: Refusal | undefined
      readonly leader?: string | undefined
      readonly outcome: 'none' | 'unknown'
    },
    options?: ErrorOptions,
  ) {
    super(code, message, options)
    this.refusal = details.refusal
    this.leader = details.leader
    this.outcome = details.outcome
  }
}
