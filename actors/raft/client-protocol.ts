// What is asked of a client session, and what becomes of it.

import type { Ref } from '../../src/kernel/ref.ts'
import type { ReadMode } from '../consensus/consensus.ts'
import type { Refusal } from '../consensus/refusal.ts'
import type { ReplicaId } from './core/entry.ts'
import type { ReplicaProtocol, ReplicaView } from './protocol.ts'

export type Operation =
  | { readonly type: 'command'; readonly command: Uint8Array }
  /** With mode `log` the question is a command of the session. */
  | { readonly type: 'read'; readonly question: Uint8Array; readonly mode: ReadMode }
  /** Ends this session, as an operator would. */
  | { readonly type: 'expire' }

export interface Submission {
  readonly operation: Operation
  /** The replica that is tried first. Default: the one that answered last. */
  readonly to?: ReplicaId | undefined
  /** From its turn on, in milliseconds. Default: the session's. */
  readonly deadlineMs?: number | undefined
}

/** A submission by cast: its outcome is told under this number. */
export interface TaggedSubmission extends Submission {
  readonly tag: number
}

/** What became of an operation. */
export type OperationOutcome =
  | { readonly type: 'answered'; readonly answer: Uint8Array }
  /** `isCertain`: it had no effect and will have none; false if an earlier attempt may yet arrive. */
  | {
      readonly type: 'refused'
      readonly code: Refusal
      readonly leader: ReplicaId | undefined
      readonly isCertain: boolean
    }
  /** The deadline has passed. `isCertain`: no attempt can have had an effect. */
  | { readonly type: 'unknown'; readonly isCertain: boolean }

export interface ClientSessionOptions {
  /** The replicas it may try, in this order. */
  readonly replicas: readonly ReplicaId[]
  /** Where a replica is reached; undefined: not at present. */
  readonly replica: (id: ReplicaId) => Ref<ReplicaProtocol> | undefined
  /** Operations under way at a time, at most 1024. Default 1. */
  readonly window?: number
  /** Operations that wait for their turn; more are refused `rateLimited`. Default 65 536. */
  readonly maxQueued?: number
  /** After so many milliseconds without an answer another replica is tried. Default 300. */
  readonly retryMs?: number
  /** Default 3000. */
  readonly deadlineMs?: number
  /** After its session has expired it opens another one for what is submitted later. Default true. */
  readonly renew?: boolean
  /** Refusals after which it tries again, beside a redirect. Default `notReady`, `transferring`. */
  readonly retryOn?: readonly Refusal[]
  /** An operation submitted by cast has its turn now. Must not throw. */
  readonly onSent?: (tag: number) => void
  /** An operation submitted by cast has come to its outcome. Must not throw. */
  readonly onOutcome?: (tag: number, outcome: OperationOutcome) => void
  /** A replica has said who leads and who belongs to the group. Must not throw. */
  readonly onView?: (view: ReplicaView) => void
}

export interface ClientSessionProtocol {
  readonly call: {
    readonly submit: (submission: Submission) => OperationOutcome
    readonly status: () => ClientStatus
    /** Is never answered: fails when this process ends. */
    readonly ended: () => undefined
    /** Ends the session at the group, without waiting, and this process. */
    readonly close: () => undefined
  }
  readonly cast: {
    readonly submit: (submission: TaggedSubmission) => void
    readonly submitAll: (submissions: readonly TaggedSubmission[]) => void
    readonly reply: (answers: Uint8Array) => void
    readonly view: (view: ReplicaView) => void
    readonly flush: () => void
    readonly watch: () => void
  }
}

export interface ClientStatus {
  /** The session's id; undefined before the first command, and after it has expired. */
  readonly session: number | undefined
  readonly target: ReplicaId | undefined
  readonly underWay: number
  readonly queued: number
}
