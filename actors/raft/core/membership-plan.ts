// From one configuration to the next: pure, and nothing of who leads or how far anybody has come.

import type { Refusal } from '../../consensus/refusal.ts'
import type { Configuration, Member } from './configuration.ts'
import type { Incarnation, ReplicaId } from './entry.ts'
import type { MembershipChange } from './input.ts'
import { isVoting } from './quorum.ts'

/** What the log shall say next for this change, from a configuration that is not joint; or why not. */
export function change(
  configuration: Configuration,
  wanted: MembershipChange,
  isCaughtUp: (member: Member) => boolean,
): Configuration | Refusal {
  const { members } = configuration
  if (wanted.op === 'replaceAll') return replacement(members, wanted.members, wanted.incarnations ?? {})
  const member = members.find(({ id }) => id === wanted.node)
  if (wanted.op === 'add') {
    const { node: id, incarnation, role } = wanted
    const isKnown = member?.incarnation === incarnation
    const isWhatIsWanted = role === 'learner' || (role === 'voter' && member?.promote === true)
    if (isKnown && (isVoting(member) || isWhatIsWanted)) return 'alreadyMember'
    const next: Member =
      role === 'voter' ? { id, incarnation, role: 'learner', promote: true } : { id, incarnation, role }
    return toward(configuration, replace(members, next))
  }
  if (member === undefined) return 'notMember'
  if (wanted.op === 'remove')
    return toward(
      configuration,
      members.filter(({ id }) => id !== wanted.node),
    )
  if (isVoting(member)) return 'alreadyMember'
  if (!isCaughtUp(member)) return 'notCaughtUp'
  const { id, incarnation } = member
  return toward(configuration, replace(members, { id, incarnation, role: 'voter' }))
}

/** The entry that leads to `members`: at once if at most one vote differs, else jointly. */
export function toward({ members: before }: Configuration, members: readonly Member[]): Configuration {
  const differing = [...without(before, members), ...without(members, before)].length
  return differing > 1 ? { members, outgoing: before.filter(isVoting) } : { members }
}

/** The present members, and those to come as learners; undefined if all are there. */
export function withLearners(configuration: Configuration, to: readonly Member[]): Configuration | undefined {
  const { members } = configuration
  const coming = to.filter((next) => !members.some((member) => isSameLife(member, next)))
  if (coming.length === 0) return undefined
  const staying = members.filter(({ id }) => !coming.some((member) => member.id === id))
  const learners = coming.map(({ id, incarnation }): Member => ({ id, incarnation, role: 'learner' }))
  return toward(configuration, sorted([...staying, ...learners]))
}

/** The member in its new life: a voter has lost what it voted by, and becomes a learner that shall be a voter again. */
export function withNewLife(
  configuration: Configuration,
  id: ReplicaId,
  incarnation: Incarnation,
): Configuration | undefined {
  const { members } = configuration
  const member = members.find((known) => known.id === id)
  const others = members.filter((known) => isVoting(known) && known.id !== id)
  // Without other voters nobody could tell what it had voted for and acknowledged.
  if (member === undefined || others.length === 0) return undefined
  const next: Member =
    member.role === 'voter' ? { id, incarnation, role: 'learner', promote: true } : { ...member, incarnation }
  return toward(configuration, replace(members, next))
}

/** Whether a committed configuration has what was wanted: undefined if not yet, false if it never will. */
export function isThrough({ members }: Configuration, wanted: MembershipChange): boolean | undefined {
  if (wanted.op === 'replaceAll') {
    const voters = members.filter(isVoting).map(({ id }) => id)
    return voters.length === new Set(wanted.members).size && wanted.members.every((id) => voters.includes(id))
  }
  const member = members.find(({ id }) => id === wanted.node)
  if (wanted.op === 'remove') return member === undefined
  if (member === undefined) return false
  const role = wanted.op === 'add' ? wanted.role : 'voter'
  return member.role === role ? true : undefined
}

function replacement(
  members: readonly Member[],
  ids: readonly ReplicaId[],
  incarnations: Readonly<Record<ReplicaId, Incarnation>>,
): Configuration | Refusal {
  if (ids.length === 0) return 'unsupported'
  const target = [...new Set(ids)].map((id): Member => {
    const known = members.find((member) => member.id === id)
    const incarnation = incarnations[id] ?? known?.incarnation ?? ''
    return { id, incarnation, role: known?.role === 'witness' ? 'witness' : 'voter' }
  })
  return { members: sorted(target) }
}

/** Votes that `a` has and `b` has not, in the same life. */
function without(a: readonly Member[], b: readonly Member[]): Member[] {
  return a.filter((member) => isVoting(member) && !b.some((other) => isVoting(other) && isSameLife(other, member)))
}

function isSameLife(a: Member, b: Member): boolean {
  return a.id === b.id && a.incarnation === b.incarnation
}

function replace(members: readonly Member[], next: Member): Member[] {
  return sorted([...members.filter(({ id }) => id !== next.id), next])
}

function sorted(members: readonly Member[]): Member[] {
  return [...members].sort((a, b) => (a.id < b.id ? -1 : 1))
}
