// Majorities, checked against a count so naive that it cannot be wrong (anchors 6: a clever order lost a commit).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Member } from '../../../../actors/raft/core/configuration.ts'
import { hasQuorum, isVoting, quorumSize, quorumValue, tally, votersOf } from '../../../../actors/raft/core/quorum.ts'

const member = (id: string, role: Member['role'] = 'voter'): Member => ({ id, incarnation: '', role })
const set = (values: readonly number[]) => values.map((_, at) => member(`m${at}`))

describe('a quorum', () => {
  it('is more than half', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map(quorumSize)).toEqual([1, 2, 2, 3, 3, 4, 4])
  })

  it('has reached the largest value that more than half have reached, in each set', () => {
    const lists = fc.array(fc.array(fc.nat(20), { minLength: 1, maxLength: 7 }), { minLength: 1, maxLength: 2 })
    fc.assert(
      fc.property(lists, (sets) => {
        const named = sets.map((values, s) => values.map((_, at) => member(`${s}/${at}`)))
        const reached = ({ id }: Member) => sets[Number(id.split('/')[0])]?.[Number(id.split('/')[1])] ?? -1
        let naive = 0
        for (let value = 0; value <= 20; value += 1) {
          const isReached = sets.every((values) => values.filter((own) => own >= value).length * 2 > values.length)
          if (isReached) naive = value
        }
        expect(quorumValue(named, reached)).toBe(naive)
      }),
      { numRuns: 2000 },
    )
  })

  it('of nobody reaches nothing', () => {
    expect(quorumValue([], () => 9)).toBe(0)
    expect(quorumValue([[]], () => 9)).toBe(0)
    expect(quorumValue([set([1]), []], () => 9)).toBe(0)
    expect(hasQuorum([[]], () => true)).toBe(false)
  })

  it('leaves learners out and counts witnesses, coming and going', () => {
    expect((['voter', 'learner', 'witness'] as const).map((role) => isVoting(member('a', role)))).toEqual([
      true,
      false,
      true,
    ])
    const members = [member('a'), member('b', 'learner'), member('c', 'witness')]
    expect(votersOf({ members }).map((voters) => voters.map(({ id }) => id))).toEqual([['a', 'c']])
    const joint = votersOf({ members, outgoing: [member('d'), member('e', 'learner')] })
    expect(joint.map((voters) => voters.map(({ id }) => id))).toEqual([['a', 'c'], ['d']])
  })
})

describe('a vote', () => {
  const three = [set([1, 2, 3])]
  const votes = (yes: string[], no: string[]) => (m: Member) =>
    yes.includes(m.id) ? true : no.includes(m.id) ? false : undefined

  it('is won with more than half, lost when that cannot come any more, and open until then', () => {
    expect(tally(three, votes(['m0'], []))).toBe('pending')
    expect(tally(three, votes(['m0'], ['m1']))).toBe('pending')
    expect(tally(three, votes(['m0', 'm2'], ['m1']))).toBe('won')
    expect(tally(three, votes(['m0'], ['m1', 'm2']))).toBe('lost')
    expect(tally([set([1, 2])], votes(['m0'], ['m1']))).toBe('lost')
  })

  it('needs both sets while a change is joint', () => {
    const joint = [[member('a'), member('b'), member('c')], [member('d')]]
    expect(tally(joint, votes(['a', 'b', 'c'], []))).toBe('pending')
    expect(tally(joint, votes(['a', 'b', 'c'], ['d']))).toBe('lost')
    expect(tally(joint, votes(['a', 'b', 'd'], ['c']))).toBe('won')
  })
})
