// Raft under the simulator (`espalier/testing/raft`): the group that fault schedules speak of, its invariants, its storms.

export type { Transition } from '../core/transition.ts'
