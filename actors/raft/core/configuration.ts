// The membership of a group, as entries and snapshots carry it.

import type { Incarnation, ReplicaId } from './entry.ts'

/**
 * `voter` votes and counts. `learner` receives the log and counts for nothing; with `promote` the leader makes it a voter
 * once it has caught up. `witness` votes and acknowledges, but holds no state machine and never leads.
 */
export type MemberRole = 'voter' | 'learner' | 'witness'

export interface Member {
  readonly id: ReplicaId
  readonly incarnation: Incarnation
  readonly role: MemberRole
  readonly promote?: boolean
}

/**
 * Who belongs to the group. With `outgoing`, a joint configuration (Raft thesis §4.3): elections and commitment need a
 * majority of the voters among `members` and one of those among `outgoing`.
 */
export interface Configuration {
  /** In order of id. */
  readonly members: readonly Member[]
  /** The members before, while the change is under way. */
  readonly outgoing?: readonly Member[]
}
