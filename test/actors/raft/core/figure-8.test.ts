// Figure 8 of the Raft paper, exactly: an entry of an older term on a majority is not committed by counting (§5.4.2).
// The figure's index 1 is 2 here, behind the founding entry; its index 2 is 3.

import { describe, expect, it } from 'vitest'
import { entry, LoneCore, logOf, ofType, sends, voters } from './lone-core.ts'

const group = voters('S1', 'S2', 'S3', 'S4', 'S5')

/** (c): S1 restarts with the entry of term 2 at 3, and is elected in term 4 by S2 and S3. */
function leaderOfTerm4(bug?: string): LoneCore {
  const options = { id: 'S1', stable: false, bug } as const
  const stand = LoneCore.recovered(logOf(group, 1, 2), 3, options)
  stand.settle({ type: 'campaign' })
  expect(stand.core.term).toBe(4)
  stand.receive({ kind: 'voteReply', from: 'S2', term: 4, granted: true })
  stand.receive({ kind: 'voteReply', from: 'S3', term: 4, granted: true })
  expect(stand.core.role).toBe('leader')
  stand.persist()
  return stand
}

describe('figure 8', () => {
  it('(c): the entry of term 2 is on S1, S2 and S3, and not committed', () => {
    const leader = leaderOfTerm4()
    leader.acknowledge('S2', 3)
    leader.acknowledge('S3', 3)
    expect(leader.core.commitIndex).toBe(1)
    expect(ofType(leader.effects, 'apply').flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual([1])
  })

  it('(d): S5 is elected with votes of S2, S3 and S4, and overwrites it', () => {
    const S3 = LoneCore.recovered(logOf(group, 1, 2), 4, { id: 'S3', votedFor: 'S1', stable: false })
    S3.receive({ kind: 'vote', from: 'S5', term: 5, last: { index: 3, term: 3 }, transfer: false })
    S3.persist()
    expect(sends(S3.effects, 'voteReply').map(({ message }) => message.granted)).toEqual([true])
    const fresh = [entry(3, 3), entry(4, 5)]
    S3.receive({
      kind: 'append',
      from: 'S5',
      term: 5,
      previous: { index: 2, term: 1 },
      entries: fresh,
      commit: 1,
      round: 1,
    })
    expect([2, 3, 4].map((index) => S3.core.termAt(index))).toEqual([1, 3, 5])
    expect(ofType(S3.effects, 'persist').at(-1)).toMatchObject({ truncateFrom: 3, entries: fresh })
    expect(ofType(S3.effects, 'overwritten')).toEqual([{ type: 'overwritten', from: 3 }])
  })

  it('(e): with an entry of term 4 on a majority both are committed, and S5 cannot be elected', () => {
    const leader = leaderOfTerm4()
    leader.acknowledge('S2', 4)
    expect(leader.core.commitIndex).toBe(1)
    leader.acknowledge('S3', 4)
    expect(leader.core.commitIndex).toBe(4)
    const S3 = LoneCore.recovered(logOf(group, 1, 2, 4), 4, { id: 'S3', stable: false })
    S3.receive({ kind: 'vote', from: 'S5', term: 5, last: { index: 3, term: 3 }, transfer: false })
    S3.persist()
    expect(sends(S3.effects, 'voteReply').map(({ message }) => message.granted)).toEqual([false])
  })

  it('goes wrong at (c) with the planted bug', () => {
    const leader = leaderOfTerm4('commit-old-term')
    leader.acknowledge('S2', 3)
    leader.acknowledge('S3', 3)
    expect(leader.core.commitIndex).toBe(3)
  })
})
