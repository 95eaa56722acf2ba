// Who must agree: majorities, and both majorities while a change is joint (Raft thesis §4.3). Nothing incremental:
// the commit index is sorted and picked anew each time, for an order kept by hand has lost commits elsewhere.

import type { Configuration, Member } from './configuration.ts'
import type { LogIndex } from './entry.ts'

/** How many of `voters` decide. Everything that counts asks here. */
export function quorumSize(voters: number): number {
  return Math.floor(voters / 2) + 1
}

export function isVoting(member: Member): boolean {
  return member.role !== 'learner'
}

/** The sets of voters that must each agree: one, or two while a change is joint. */
export function votersOf(configuration: Configuration): readonly (readonly Member[])[] {
  const incoming = configuration.members.filter(isVoting)
  return configuration.outgoing === undefined ? [incoming] : [incoming, configuration.outgoing.filter(isVoting)]
}

/**
 * The largest value that a quorum of each set has reached: the commit index if `of` gives each member's durable match.
 * 0 for a configuration without voters.
 */
export function quorumValue(voters: readonly (readonly Member[])[], of: (member: Member) => number): LogIndex {
  let least = Number.POSITIVE_INFINITY
  for (const set of voters) {
    if (set.length === 0) return 0
    const values = set.map(of).sort((a, b) => b - a)
    least = Math.min(least, values[quorumSize(set.length) - 1] ?? 0)
  }
  return voters.length === 0 ? 0 : least
}

/** Whether a quorum of each set satisfies `holds`. */
export function hasQuorum(voters: readonly (readonly Member[])[], holds: (member: Member) => boolean): boolean {
  return quorumValue(voters, (member) => (holds(member) ? 1 : 0)) === 1
}

export type Outcome = 'won' | 'lost' | 'pending'

/** The state of a vote; `voteOf` answers undefined for who has not replied. */
export function tally(
  voters: readonly (readonly Member[])[],
  voteOf: (member: Member) => boolean | undefined,
): Outcome {
  if (hasQuorum(voters, (member) => voteOf(member) === true)) return 'won'
  return hasQuorum(voters, (member) => voteOf(member) !== false) ? 'pending' : 'lost'
}
