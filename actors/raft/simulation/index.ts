// Raft under the simulator (`espalier/testing/raft`): the group that fault schedules speak of, its invariants, its storms.

export type { Transition } from '../core/transition.ts'
export { kindOfRaftMessage, RaftGroup, type RaftGroupOptions, type RaftGroupSchedule } from './group.ts'
export { RAFT_INVARIANTS, RaftChecker, type RaftInvariant, type Violation } from './invariants.ts'
export { Operations, type Outcome, type Submitted } from './operations.ts'
export { type ReplicasOptions, Replicas } from './replicas.ts'
export { Specification, type TraceLine } from './specification.ts'
export { checkTrace, linesOf, startOf, type TraceVerdict } from './trace-check.ts'
