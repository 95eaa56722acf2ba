// A short storm, judged by the executable specification too: each transition that the cores name must be one that it
// allows. The long one is in random-walk.test.ts.

import { describe, expect, it } from 'vitest'
import type { Transition } from '../../../../actors/raft/core/transition.ts'
import { Specification } from '../../../../actors/raft/simulation/specification.ts'
import { linesOf, startOf } from '../../../../actors/raft/simulation/trace-check.ts'
import type { Replica } from './cluster.ts'
import { randomWalk } from './random-walk.ts'

/** What a life begins with: its disk. */
function recoveredOf({ disk }: Replica) {
  const { hardState, snapshot, entries, claimed } = disk
  return { hardState, snapshot: snapshot?.description, entries, claimed }
}

/** Walks; gives the number of lines judged. @throws what the walk does, and what the specification does not allow. */
function specifiedWalk(seed: number, unsaid?: Transition['name']): number {
  const specification = new Specification()
  let allowed = 0
  randomWalk(seed, 120, {}, (replica, input, effects) => {
    const { id, incarnation } = replica
    const lines = linesOf(id, incarnation, effects).filter(({ event }) => event.name !== unsaid)
    if (input === undefined) lines.unshift(startOf(id, incarnation, recoveredOf(replica)))
    for (const line of lines) {
      const why = specification.accept(line)
      if (why !== undefined) throw new Error(`the specification says: ${why}`)
      allowed += 1
    }
  })
  return allowed
}

describe('a short storm over a network of cores', () => {
  it('makes only transitions that the specification allows', () => {
    let allowed = 0
    for (let seed = 1; seed <= 8; seed += 1) allowed += specifiedWalk(seed)
    expect(allowed).toBeGreaterThan(1000)
  })

  it.each<Transition['name']>([
    'becomeCandidate',
    'grantVote',
    'becomeLeader',
    'appendReceived',
    'acknowledged',
    'commit',
  ])('is rejected if nobody says %s', (unsaid) => {
    const walks = () => {
      for (let seed = 1; seed <= 8; seed += 1) specifiedWalk(seed, unsaid)
    }
    expect(walks).toThrow('the specification says')
  })
})
