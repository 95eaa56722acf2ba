// Raft's face (`espalier/raft`).

export type { Configuration, Member, MemberRole } from './core/configuration.ts'
export type { Entry, EntryKind, Incarnation, LogIndex, LogPosition, ReplicaId, Term } from './core/entry.ts'
export type { RaftOptions } from './core/options.ts'
export type { Role, Transition } from './core/transition.ts'
