// Raft's face (`espalier/raft`): replicas, clients and operators of a group, and the state machines that come with it.

export { CodecError } from '../consensus/bytes.ts'
export type { Command } from '../consensus/command.ts'
export {
  type Consensus,
  ConsensusError,
  type ConsensusErrorCode,
  type GroupView,
  type OperationOptions,
  type ReadMode,
  type ReadOptions,
} from '../consensus/consensus.ts'
export { type KeyValueState, keyValue, keyValueMap } from '../consensus/machines/key-value.ts'
export {
  type LockAnswer,
  type LockHolder,
  type LockOptions,
  type LockState,
  lock,
  lockService,
} from '../consensus/machines/lock.ts'
export type { JsonValue, Value } from '../consensus/machines/value.ts'
export type { Refusal } from '../consensus/refusal.ts'
export type { ApplyContext, StateMachine } from '../consensus/state-machine.ts'
export type {
  ClientSessionOptions,
  ClientStatus,
  Operation,
  OperationOutcome,
  Submission,
} from './client-protocol.ts'
export { ClientSessionServer } from './client-session.ts'
export type { Configuration, Member, MemberRole } from './core/configuration.ts'
export type { Effect, HardState } from './core/effect.ts'
export type { Entry, EntryKind, Incarnation, LogIndex, LogPosition, ReplicaId, Term } from './core/entry.ts'
export type { Input, MembershipChange, Proposal, Refused, TimerName } from './core/input.ts'
export type * from './core/message.ts'
export type { CoreOptions, RaftOptions, RecoveredState } from './core/options.ts'
export { RaftCore } from './core/raft-core.ts'
export type { Role, Transition } from './core/transition.ts'
export type { FoundingRecord } from './log-keeper.ts'
export type { AdminAnswer, RaftCounters, ReplicaStatus, ReplicaView } from './protocol.ts'
export { RaftAdmin, type RaftAdminOptions } from './raft-admin.ts'
export { RaftClient, type RaftClientOptions } from './raft-client.ts'
export { ReplicaMachine } from './replica.ts'
export type { ObservedStep, ReplicaOptions, ReplicaPolicies } from './replica-options.ts'
export { namesOf, raftLogs, raftNode, raftReplica } from './replica-tree.ts'
export { type UnsafeRecovery, unsafeRecover } from './unsafe-recover.ts'
