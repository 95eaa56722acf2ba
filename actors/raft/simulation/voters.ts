// Who must agree, as the checks count it: written apart from the core's own.

import type { Configuration, Member } from '../core/configuration.ts'

/** The sets of voters: one, or two while a change is joint. */
export function votersOf({ members, outgoing }: Configuration): readonly (readonly Member[])[] {
  const sets = outgoing === undefined ? [members] : [members, outgoing]
  return sets.map((set) => set.filter(({ role }) => role !== 'learner'))
}

/** Whether more than half of the voters of each set do. */
export function isQuorum(configuration: Configuration, does: (member: Member) => boolean): boolean {
  return votersOf(configuration).every((voters) => voters.filter(does).length * 2 > voters.length)
}
