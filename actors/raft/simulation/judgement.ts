// The expectations of a schedule, as they are judged of a Raft group.

import type { Expectation } from '../../../src/simulation/schedule-expectations.ts'
import type { Json } from '../../../src/simulation/schedule-fields.ts'
import { digestOf } from '../../../src/simulation/trace-hash.ts'
import type { World } from '../../../src/simulation/world.ts'
import type { Member } from '../core/configuration.ts'
import type { RaftChecker } from './invariants.ts'
import type { Operations } from './operations.ts'
import type { Replicas } from './replicas.ts'
import { isQuorum } from './voters.ts'

export type Verdict = boolean | string

export interface Judged {
  readonly world: World
  readonly replicas: Replicas
  readonly operations: Operations
  readonly checker: RaftChecker
}

/** Undefined: no such expectation of a Raft group. */
export function judge(group: Judged, expectation: Expectation): Verdict | undefined {
  const { replicas, operations } = group
  switch (expectation.op) {
    case 'leader':
      return replicas.leader() !== undefined
    case 'noLeader':
      return noLeader(group)
    case 'leaderIs':
      return replicas.leader() === expectation.node || `${replicas.leader() ?? 'nobody'} leads`
    case 'leaderIsNot':
      return replicas.leader() !== expectation.node
    case 'acked':
      return operations.find(expectation.id)?.outcome?.type === 'answered' || whatOf(operations, expectation.id)
    case 'unacked':
      return operations.find(expectation.id)?.outcome?.type !== 'answered' || whatOf(operations, expectation.id)
    case 'result':
      return result(operations, expectation.id, expectation.equals)
    case 'refused':
      return refused(operations, expectation.id, expectation.code)
    case 'value':
      return value(group, expectation.key, expectation.equals, expectation.at)
    case 'converged':
      return converged(group)
    case 'termAtMost': {
      const term = highestTerm(replicas)
      return term <= expectation.value || `term ${term}`
    }
    case 'members':
      return members(replicas, expectation.equals)
    case 'progress': {
      const count = operations.progress(expectation.from, expectation.to)
      return count >= expectation.atLeast || `${count} were acknowledged`
    }
    case 'noProgress': {
      const count = operations.progress(expectation.from, expectation.to)
      return count === 0 || `${count} were acknowledged`
    }
    case 'protocol':
      return expectation.equals === 'raft'
    case 'evidence':
      return 'a group that is not migratable collects no evidence'
    case 'noEvidence':
      return true
    default:
      return undefined
  }
}

export function highestTerm(replicas: Replicas): number {
  return Math.max(0, ...[...replicas.live()].map(([, { core }]) => core.term))
}

/** All live voters and learners of the last committed configuration hold the same. */
export function converged(group: Judged): Verdict {
  const { replicas } = group
  const names = membersOf(group)
  const [first, ...others] = names
  if (first === undefined) return 'no member is up'
  const shown = (name: string) => {
    const host = replicas.host(name)
    return host === undefined ? 'is starting' : `has applied ${host.applied}, state ${replicas.state(name)?.chain}`
  }
  if (replicas.host(first) === undefined) return `${first} is starting`
  for (const name of others) {
    if (shown(name) !== shown(first)) return `${first} ${shown(first)}; ${name} ${shown(name)}`
  }
  return true
}

/** No live, unpaused leader reaches a live quorum of its own configuration, and is reached by it. */
function noLeader({ world, replicas }: Judged): Verdict {
  for (const [name, { core }] of replicas.live()) {
    if (core.role !== 'leader' || !world.isRunning(name)) continue
    const isNear = ({ id, incarnation }: Member) =>
      replicas.names.includes(id) &&
      world.isUp(id) &&
      replicas.incarnation(id) === incarnation &&
      (id === name || (world.network.isOpen(name, id) && world.network.isOpen(id, name)))
    if (isQuorum(core.configuration.configuration, isNear)) return `${name} leads`
  }
  return true
}

function whatOf(operations: Operations, id: string): string {
  const submitted = operations.find(id)
  const outcome = submitted?.outcome
  if (outcome === undefined) return submitted === undefined ? 'not submitted' : 'not answered'
  if (outcome.type === 'answered') return `answered ${JSON.stringify(outcome.output)} at ${outcome.atMs}`
  return outcome.type === 'refused' ? `refused: ${outcome.code}` : 'of unknown outcome'
}

function result(operations: Operations, id: string, equals: Json): Verdict {
  const outcome = operations.find(id)?.outcome
  if (outcome?.type !== 'answered') return whatOf(operations, id)
  return digestOf(outcome.output) === digestOf(equals) || whatOf(operations, id)
}

function refused(operations: Operations, id: string, code: string | undefined): Verdict {
  const outcome = operations.find(id)?.outcome
  const isMeant = outcome?.type === 'refused' && (code === undefined || outcome.code === code)
  return isMeant || whatOf(operations, id)
}

function value(group: Judged, key: string, equals: Json, at: number | undefined): Verdict {
  const { replicas } = group
  const leader = replicas.leader()
  const asked = at === undefined ? membersOf(group) : leader === undefined ? [] : [leader]
  for (const name of asked) {
    const held = replicas.state(name)?.registers.get(key) ?? null
    if (digestOf(held) !== digestOf(equals)) return `${name} holds ${JSON.stringify(held)}`
  }
  return asked.length > 0 || 'nobody holds anything'
}

/** The live voters and learners of the last committed configuration, each in its present life. */
function membersOf({ world, replicas, checker }: Judged): string[] {
  const { members = [] } = checker.configuration ?? {}
  return members
    .filter(({ id, incarnation, role }) => {
      const isLive = replicas.names.includes(id) && world.isUp(id)
      return isLive && role !== 'witness' && replicas.incarnation(id) === incarnation
    })
    .map(({ id }) => id)
}

function members(replicas: Replicas, equals: readonly string[]): Verdict {
  const leader = replicas.leader()
  const host = leader === undefined ? undefined : replicas.host(leader)
  if (host === undefined) return 'nobody leads'
  const { configuration } = host.core.committedConfiguration
  const voters = configuration.members.filter(({ role }) => role !== 'learner').map(({ id }) => id)
  const isSame = voters.length === equals.length && equals.every((name) => voters.includes(name))
  return isSame || `${leader} has ${voters.join(', ')}`
}
