// Raft under the simulator (`espalier/testing/raft`): the group that fault schedules speak of, its invariants, its storms.

export type { Transition } from '../core/transition.ts'
export { kindOfRaftMessage, RaftGroup, type RaftGroupOptions, type RaftGroupSchedule } from './group.ts'
export { RaftChecker } from './invariants.ts'
export { Operations, type Outcome, type Submitted } from './operations.ts'
export { Replicas, type ReplicasOptions } from './replicas.ts'
export { RAFT_INVARIANTS, type RaftInvariant, type Violation } from './rules.ts'
export { Specification, type TraceLine } from './specification.ts'
export { drawRaftSchedule } from './storm.ts'
export { TOTALS, type Total, Totals } from './totals.ts'
export { checkTrace, linesOf, startOf, type TraceVerdict } from './trace-check.ts'
