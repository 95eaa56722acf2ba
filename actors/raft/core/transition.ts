// The core's named transitions: one for each action of the specification. Traces are made of them, and metrics.

import type { Incarnation, LogIndex, LogPosition, ReplicaId, Term } from './entry.ts'

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader'

export type Transition =
  | { readonly name: 'becomeFollower'; readonly term: Term; readonly leader: ReplicaId | undefined }
  | { readonly name: 'becomePreCandidate'; readonly term: Term }
  | { readonly name: 'becomeCandidate'; readonly term: Term }
  | { readonly name: 'becomeLeader'; readonly term: Term; readonly last: LogPosition }
  | { readonly name: 'grantVote'; readonly term: Term; readonly to: ReplicaId }
  | { readonly name: 'refusePreVote'; readonly term: Term; readonly to: ReplicaId }
  | { readonly name: 'appendOwn'; readonly from: LogIndex; readonly through: LogPosition }
  | { readonly name: 'truncate'; readonly from: LogIndex }
  | { readonly name: 'appendReceived'; readonly from: LogIndex; readonly through: LogPosition }
  | { readonly name: 'durable'; readonly through: LogPosition }
  | {
      readonly name: 'acknowledged'
      readonly by: ReplicaId
      readonly incarnation: Incarnation
      readonly match: LogIndex
    }
  | { readonly name: 'commit'; readonly through: LogPosition }
  | { readonly name: 'configuration'; readonly at: LogIndex; readonly joint: boolean }
  | { readonly name: 'installSnapshot'; readonly last: LogPosition }
  | { readonly name: 'compact'; readonly through: LogIndex }
  | { readonly name: 'transferSent'; readonly to: ReplicaId }
  | { readonly name: 'leaseRead'; readonly index: LogIndex }
  | { readonly name: 'readConfirmed'; readonly index: LogIndex; readonly count: number }
  | { readonly name: 'stepDown'; readonly why: 'higherTerm' | 'noQuorum' | 'transfer' | 'removed' | 'disk' }
