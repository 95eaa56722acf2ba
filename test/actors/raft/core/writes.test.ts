// What a completion confirms: only what has stood in the log ever since its write was issued (7, 8; ABA).

import { describe, expect, it } from 'vitest'
import { RaftAssertionError } from '../../../../actors/raft/core/assert.ts'
import { Writes } from '../../../../actors/raft/core/writes.ts'
import { entry, LoneCore, logOf, ofType, sends, voters } from './lone-core.ts'

const three = voters('n1', 'n2', 'n3')
const reply = { kind: 'voteReply', from: 'n1', incarnation: '', term: 1, granted: true } as const

describe('a completion', () => {
  it('confirms everything through its write, and all before it', () => {
    const writes = new Writes(3, undefined)
    expect([writes.issue(5, undefined), writes.issue(8, undefined), writes.issue(9, undefined)]).toEqual([1, 2, 3])
    expect([writes.durable, writes.writtenThrough, writes.outstanding]).toEqual([3, 9, 3])
    writes.complete(2)
    expect([writes.durable, writes.done, writes.outstanding]).toEqual([8, 2, 1])
    writes.complete(3)
    writes.complete(1)
    expect([writes.durable, writes.done, writes.outstanding]).toEqual([9, 3, 0])
  })

  it('of an overwritten append confirms what still stands, and not what stands there now (7)', () => {
    const writes = new Writes(4, undefined)
    writes.issue(8, undefined)
    writes.truncate(7)
    expect([writes.truncateFrom, writes.writtenThrough]).toEqual([7, 6])
    writes.issue(9, undefined)
    expect(writes.truncateFrom).toBeUndefined()
    writes.complete(1)
    expect(writes.durable).toBe(6)
    writes.complete(2)
    expect(writes.durable).toBe(9)
  })

  it('takes back by truncation what was durable', () => {
    const writes = new Writes(9, undefined)
    writes.truncate(8)
    writes.truncate(6)
    writes.truncate(7)
    expect([writes.durable, writes.truncateFrom, writes.writtenThrough]).toEqual([5, 6, 5])
  })

  it('of nothing issued is the host’s mistake', () => {
    const writes = new Writes(0, undefined)
    expect(() => writes.complete(1)).toThrow(RaftAssertionError)
  })
})

describe('what waits', () => {
  it('is let go in order, as its write is done', () => {
    const writes = new Writes(0, undefined)
    writes.issue(1, undefined)
    writes.issue(2, undefined)
    for (const after of [1, 2, 1]) writes.defer({ after, term: after, to: 'n2', message: reply })
    expect(writes.takeReady()).toEqual([])
    writes.complete(1)
    expect(writes.takeReady().map(({ term }) => term)).toEqual([1, 1])
    expect(writes.takeReady()).toEqual([])
    writes.complete(2)
    expect(writes.takeReady().map(({ term }) => term)).toEqual([2])
  })

  it('is one acknowledgement where several would say the same', () => {
    const writes = new Writes(0, undefined)
    writes.issue(1, undefined)
    writes.issue(2, undefined)
    const acknowledge = (after: number, match: number, to = 'n2', term = 1) => {
      const outcome = { accepted: true, match } as const
      writes.defer({
        after,
        term,
        to,
        message: { kind: 'appendReply', from: 'n1', incarnation: '', term, round: 1, outcome },
      })
    }
    for (let match = 1; match <= 9; match += 1) acknowledge(1, match)
    acknowledge(2, 10)
    acknowledge(2, 11, 'n3')
    acknowledge(2, 12, 'n3', 2)
    writes.defer({ after: 2, term: 2, to: 'n3', message: reply })
    acknowledge(2, 13, 'n3', 2)
    const matches = () =>
      writes
        .takeReady()
        .map(({ message }) =>
          message.kind === 'appendReply' && message.outcome.accepted ? message.outcome.match : message.kind,
        )
    writes.complete(1)
    expect(matches()).toEqual([9])
    writes.complete(2)
    expect(matches()).toEqual([10, 11, 12, 'voteReply', 13])
  })

  it('waits for the write that holds what it depends on', () => {
    const writes = new Writes(0, undefined)
    expect([writes.forHardState, writes.forEntries(0), writes.isDirty(0)]).toEqual([0, 0, false])
    expect([writes.forHardState, writes.forEntries(1), writes.isDirty(1)]).toEqual([0, 1, true])
    writes.issue(1, undefined)
    expect([writes.forHardState, writes.forEntries(1)]).toEqual([0, 1])
    writes.isHardStateDirty = true
    expect([writes.forHardState, writes.forEntries(1)]).toEqual([2, 2])
    writes.issue(1, undefined)
    expect([writes.forHardState, writes.forEntries(1)]).toEqual([2, 2])
    writes.truncate(1)
    expect(writes.forEntries(0)).toBe(3)
  })
})

describe('a failed write', () => {
  it('and all behind it are written again: entries, truncations, term and vote', () => {
    const hardState = { term: 2, votedFor: 'n2', commit: 0, voteFloor: undefined }
    const writes = new Writes(9, hardState)
    writes.truncate(9)
    writes.isHardStateDirty = true
    writes.issue(9, hardState)
    writes.truncate(7)
    writes.issue(7, undefined)
    writes.issue(8, undefined)
    writes.defer({ after: 3, term: 1, to: 'n2', message: reply })
    writes.fail(1, 9)
    expect(writes).toMatchObject({
      durable: 6,
      writtenThrough: 6,
      truncateFrom: 7,
      isHardStateDirty: true,
      isHeldBack: true,
    })
    expect(writes.hardState).toBeUndefined()
    expect(writes.outstanding).toBe(0)
    writes.complete(3)
    expect(writes.done).toBe(0)
    expect(writes.issue(8, hardState)).toBe(4)
    writes.complete(4)
    expect([writes.durable, writes.takeReady()]).toEqual([8, []])
  })

  it('leaves the writes before it as they are', () => {
    const writes = new Writes(0, undefined)
    writes.issue(2, undefined)
    writes.issue(4, undefined)
    writes.defer({ after: 1, term: 1, to: 'n2', message: reply })
    writes.fail(2, 0)
    expect([writes.outstanding, writes.writtenThrough, writes.isHardStateDirty]).toEqual([1, 0, false])
    writes.complete(1)
    expect([writes.durable, writes.takeReady().length]).toEqual([2, 1])
  })
})

describe('a snapshot in the log’s place', () => {
  it('is what is durable, and what it drops is confirmed by nothing', () => {
    const writes = new Writes(5, undefined)
    writes.issue(9, undefined)
    writes.truncate(8)
    writes.reset(20, false)
    expect(writes).toMatchObject({ durable: 20, writtenThrough: 20, truncateFrom: undefined })
    writes.complete(1)
    expect(writes.durable).toBe(20)
  })

  it('keeps what lies behind it if that matches', () => {
    const writes = new Writes(5, undefined)
    writes.issue(9, undefined)
    writes.reset(7, true)
    expect([writes.durable, writes.writtenThrough]).toEqual([7, 9])
    writes.complete(1)
    expect(writes.durable).toBe(9)
  })

  it('and a copy is one of its own', () => {
    const writes = new Writes(5, undefined)
    writes.issue(9, undefined)
    writes.defer({ after: 1, term: 1, to: 'n2', message: reply })
    writes.isHardStateDirty = true
    const copy = writes.clone()
    writes.complete(1)
    expect([copy.durable, copy.done, copy.outstanding, copy.forHardState, copy.writtenThrough]).toEqual([5, 0, 1, 2, 9])
    copy.complete(1)
    expect(copy.takeReady()).toHaveLength(1)
  })
})

describe('a follower whose append is overwritten while it is being written (7)', () => {
  it('acknowledges the new one when that is durable, and the old one to nobody', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    const append = (from: string, term: number, entries: ReturnType<typeof entry>[]) =>
      stand.receive({ kind: 'append', from, term, previous: { index: 1, term: 0 }, entries, commit: 1, round: term })
    append('n2', 1, [entry(2, 1), entry(3, 1)])
    append('n3', 2, [entry(2, 2)])
    expect(ofType(stand.effects, 'persist').map(({ write, truncateFrom }) => [write, truncateFrom])).toEqual([
      [1, undefined],
      [2, 2],
    ])
    stand.step({ type: 'persisted', write: 1 })
    expect(sends(stand.effects, 'appendReply')).toEqual([])
    expect(stand.core.durableIndex).toBe(1)
    stand.step({ type: 'persisted', write: 2 })
    expect(stand.core.durableIndex).toBe(2)
    expect(sends(stand.effects, 'appendReply')).toMatchObject([
      { to: 'n3', message: { term: 2, outcome: { accepted: true, match: 2 } } },
    ])
  })
})
