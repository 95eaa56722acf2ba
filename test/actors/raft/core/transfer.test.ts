// Leadership handed over on purpose (Raft thesis §3.10), and for a disk that fails.

import { describe, expect, it } from 'vitest'
import { Cluster } from './cluster.ts'
import { LoneCore, logOf, ofType, sends, voters } from './lone-core.ts'

const three = voters('n1', 'n2', 'n3')
const codes = (stand: LoneCore) => ofType(stand.effects, 'refused').map(({ ids, refused }) => [...ids, refused.code])
const transfer = (stand: LoneCore, to: string, id = 1) => stand.step({ type: 'transfer', id, to })
const beat = (stand: LoneCore) => stand.step({ type: 'timeout', timer: 'heartbeat' })

function leader(options = {}): LoneCore {
  const stand = LoneCore.recovered(logOf(three), 1, options).lead()
  stand.acknowledge('n2', 2, 0)
  stand.clear()
  return stand
}

describe('a transfer', () => {
  it('goes to a target that has caught up, and is done when that leads', () => {
    const cluster = new Cluster()
    cluster.elect('n1')
    const id = cluster.transfer('n1', 'n3')
    expect(cluster.until(() => cluster.get('n1').answers.done.has(id), 500)).toBe(true)
    expect(cluster.leader?.id).toBe('n3')
    expect(cluster.core('n3').term).toBe(2)
    expect(cluster.get('n1').transitions).toContainEqual({ name: 'stepDown', why: 'transfer' })
  })

  it('brings the target up to date first, and takes no proposals meanwhile', () => {
    const stand = leader()
    stand.propose('a')
    stand.persist()
    transfer(stand, 'n3')
    expect(sends(stand.effects, 'timeoutNow')).toEqual([])
    stand.propose('b', 7)
    transfer(stand, 'n2', 8)
    expect(codes(stand)).toEqual([
      [7, 'transferring'],
      [8, 'transferring'],
    ])
    expect(stand.core.transferTo).toBe('n3')
    stand.acknowledge('n2', 3)
    expect(sends(stand.effects, 'timeoutNow')).toEqual([])
    stand.acknowledge('n3', 3)
    expect(sends(stand.effects, 'timeoutNow')).toMatchObject([{ to: 'n3', message: { last: { index: 3, term: 2 } } }])
    stand.acknowledge('n3', 3)
    expect(sends(stand.effects, 'timeoutNow')).toHaveLength(1)
  })

  it('is given up after an election time-out, and the leader leads on (23)', () => {
    const stand = leader()
    transfer(stand, 'n2')
    stand.now = 299
    beat(stand)
    expect(codes(stand)).toEqual([])
    stand.now = 300
    beat(stand)
    expect(codes(stand)).toEqual([[1, 'noQuorum']])
    expect(stand.core).toMatchObject({ role: 'leader', transferTo: undefined })
    const slow = leader()
    transfer(slow, 'n3')
    slow.now = 290
    slow.acknowledge('n2', 2)
    slow.now = 300
    beat(slow)
    expect(codes(slow)).toEqual([[1, 'notCaughtUp']])
    slow.clear()
    slow.propose('b', 7)
    expect(ofType(slow.effects, 'accepted')).toHaveLength(1)
  })

  it('is refused to learners, witnesses and strangers, and by who does not lead; to itself it is done', () => {
    const members = {
      members: [
        ...three.members,
        { id: 'n4', incarnation: '', role: 'learner' as const },
        { id: 'n5', incarnation: '', role: 'witness' as const },
      ],
    }
    const stand = LoneCore.recovered(logOf(members), 1, { stable: false })
    transfer(stand, 'n2', 0)
    stand.settle({ type: 'campaign' })
    for (const from of ['n2', 'n3']) stand.receive({ kind: 'voteReply', from, term: 2, granted: true })
    transfer(stand, 'n4', 4)
    transfer(stand, 'n5', 5)
    transfer(stand, 'n9', 9)
    transfer(stand, 'n1', 1)
    expect(codes(stand)).toEqual([
      [0, 'notLeader'],
      [4, 'isLearner'],
      [5, 'notMember'],
      [9, 'notMember'],
    ])
    expect(ofType(stand.effects, 'done')).toEqual([{ type: 'done', id: 1 }])
  })

  it('fails if somebody else leads after it, and is not forgotten if nobody does', () => {
    const stand = leader()
    transfer(stand, 'n2')
    stand.receive({
      kind: 'append',
      from: 'n3',
      term: 3,
      previous: { index: 2, term: 2 },
      entries: [],
      commit: 2,
      round: 1,
    })
    expect(codes(stand)).toEqual([[1, 'noQuorum']])
    const silent = leader()
    transfer(silent, 'n2')
    silent.receive({ kind: 'vote', from: 'n2', term: 3, last: { index: 2, term: 2 }, transfer: true })
    expect(silent.core.role).toBe('follower')
    silent.now = 300
    silent.step({ type: 'timeout', timer: 'election' })
    expect(codes(silent)).toEqual([[1, 'noQuorum']])
    expect(silent.core.role).toBe('preCandidate')
  })

  it('has no effect as a campaign of who leads', () => {
    const stand = leader()
    stand.step({ type: 'campaign' })
    expect(stand.core).toMatchObject({ role: 'leader', term: 2 })
    expect(stand.effects).toEqual([])
  })
})

describe('timeoutNow', () => {
  const follower = (options = {}) => {
    const stand = LoneCore.recovered(logOf(three, 1), 1, options)
    stand.receive({
      kind: 'append',
      from: 'n2',
      term: 1,
      previous: { index: 2, term: 1 },
      entries: [],
      commit: 2,
      round: 1,
    })
    return stand
  }
  const now = (last: { index: number; term: number }, from = 'n2', term = 1) =>
    ({ kind: 'timeoutNow', from, term, last }) as const

  it('makes its receiver stand at once, without Pre-Vote, by votes that pass over stickiness', () => {
    const stand = follower()
    stand.receive(now({ index: 2, term: 1 }))
    stand.persist()
    expect(stand.core).toMatchObject({ role: 'candidate', term: 2 })
    expect(sends(stand.effects, 'vote').map(({ message }) => message.transfer)).toEqual([true, true])
  })

  it('is stale for another log, another term or another leader (20)', () => {
    const stand = follower()
    stand.receive(now({ index: 1, term: 0 }))
    stand.receive(now({ index: 2, term: 0 }))
    stand.receive(now({ index: 3, term: 1 }))
    stand.receive(now({ index: 2, term: 1 }, 'n3'))
    stand.receive(now({ index: 2, term: 1 }, 'n2', 0))
    expect(stand.core).toMatchObject({ role: 'follower', term: 1 })
    const witness = follower({ id: 'n1' })
    witness.step({ type: 'diskTrouble', isOver: false })
    witness.receive(now({ index: 2, term: 1 }))
    expect(witness.core.role).toBe('follower')
  })
})

describe('a disk that fails (36)', () => {
  it('makes a leader hand over to who has most of its log', () => {
    const stand = leader()
    stand.propose('a')
    stand.acknowledge('n2', 3)
    stand.acknowledge('n3', 2)
    stand.clear()
    stand.step({ type: 'persistFailed', write: 3, reason: 'full', durable: { index: 2, term: 2 } })
    expect(sends(stand.effects, 'timeoutNow')).toMatchObject([{ to: 'n2' }])
    expect(stand.core.role).toBe('leader')
    stand.now = 300
    beat(stand)
    expect(stand.core.role).toBe('follower')
    expect(ofType(stand.effects, 'transition').map(({ transition }) => transition)).toContainEqual({
      name: 'stepDown',
      why: 'disk',
    })
  })

  it('makes a leader step down if nobody can take over', () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    stand.step({ type: 'diskTrouble', isOver: false })
    expect(stand.core.role).toBe('follower')
    stand.step({ type: 'campaign' })
    expect(stand.core.role).toBe('follower')
    stand.step({ type: 'diskTrouble', isOver: true })
    stand.step({ type: 'campaign' })
    expect(stand.core.role).toBe('preCandidate')
  })

  it('moves leadership away in a group, which goes on', () => {
    const cluster = new Cluster()
    cluster.elect('n1')
    cluster.get('n1').disk.isFull = true
    cluster.propose('n1', 'a')
    expect(cluster.until(() => cluster.leader !== undefined && cluster.leader.id !== 'n1', 2000)).toBe(true)
    cluster.propose(cluster.leader?.id ?? '', 'b')
    cluster.run(200)
    expect(cluster.commands('n2').at(-1)).toBe('b')
    cluster.get('n1').disk.isFull = false
    cluster.run(500)
    expect(cluster.commands('n1')).toEqual(cluster.commands('n2'))
  })

  it('lets a follower acknowledge nothing until it is written after all', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    const append = (index: number) => ({
      kind: 'append' as const,
      from: 'n2',
      term: 1,
      previous: { index, term: index === 1 ? 0 : 1 },
      entries: [],
      commit: 1,
      round: 2,
    })
    stand.receive({
      ...append(1),
      entries: [logOf(three, 1)[1] ?? logOf(three)[0]].filter((entry) => entry !== undefined),
    })
    stand.clear()
    stand.step({ type: 'persistFailed', write: 1, reason: 'full', durable: { index: 1, term: 0 } })
    expect(stand.effects).toEqual([])
    expect(stand.core.durableIndex).toBe(1)
    stand.receive(append(2))
    expect(ofType(stand.effects, 'persist')).toMatchObject([{ write: 2, entries: [{ index: 2 }] }])
    expect(sends(stand.effects, 'appendReply').map(({ message }) => message.outcome)).toEqual([
      { accepted: true, match: 1 },
    ])
    stand.step({ type: 'persisted', write: 2 })
    expect(stand.core.durableIndex).toBe(2)
  })

  it('writes term and vote again after a failure, before anything is said in that term', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    stand.receive({ kind: 'vote', from: 'n2', term: 2, last: { index: 1, term: 0 }, transfer: false })
    stand.step({ type: 'persistFailed', write: 1, reason: 'full', durable: { index: 1, term: 0 } })
    stand.receive({ kind: 'vote', from: 'n2', term: 2, last: { index: 1, term: 0 }, transfer: false })
    expect(sends(stand.effects, 'voteReply')).toEqual([])
    expect(ofType(stand.effects, 'persist').at(-1)).toMatchObject({ write: 2, hardState: { term: 2, votedFor: 'n2' } })
    stand.step({ type: 'persisted', write: 2 })
    expect(sends(stand.effects, 'voteReply')).toMatchObject([{ message: { granted: true } }])
  })
})

describe('a log that has lost entries to damage', () => {
  const damaged = (claimed: { index: number; term: number } | undefined, voteFloor: typeof claimed = undefined) => {
    const hardState = { term: 3, votedFor: undefined, commit: 2, voteFloor }
    return new LoneCore({ recovered: { hardState, snapshot: undefined, entries: logOf(three, 1, 1), claimed } })
  }
  const granted = (stand: LoneCore, index: number, term: number) => {
    stand.now += 1000
    stand.clear()
    stand.receive({ kind: 'vote', from: 'n2', term: stand.core.term + 1, last: { index, term }, transfer: false })
    stand.persist()
    return sends(stand.effects, 'voteReply').at(-1)?.message.granted
  }

  it('votes as if they were still there, does not stand, and writes that down', () => {
    const stand = damaged({ index: 5, term: 2 })
    expect(ofType(stand.effects, 'persist')).toMatchObject([{ hardState: { voteFloor: { index: 5, term: 2 } } }])
    stand.step({ type: 'campaign' })
    expect(stand.core.role).toBe('follower')
    expect(granted(stand, 4, 2)).toBe(false)
    expect(granted(stand, 9, 1)).toBe(false)
    expect(granted(stand, 5, 2)).toBe(true)
    expect(damaged(undefined, { index: 5, term: 2 }).core.voteFloor).toEqual({ index: 5, term: 2 })
    expect(damaged({ index: 4, term: 1 }, { index: 5, term: 2 }).core.voteFloor).toEqual({ index: 5, term: 2 })
    expect(damaged({ index: 5, term: 2 }, { index: 4, term: 1 }).core.voteFloor).toEqual({ index: 5, term: 2 })
    expect(damaged({ index: 3, term: 1 }).core.voteFloor).toBeUndefined()
  })

  it('is whole again when a leader has brought it as far', () => {
    const stand = damaged({ index: 4, term: 2 })
    const all = logOf(three, 1, 1, 2)
    const append = (index: number) =>
      stand.receive({
        kind: 'append',
        from: 'n2',
        term: 3,
        previous: { index, term: 1 },
        entries: all.slice(index, index + 1),
        commit: 2,
        round: 1,
      })
    append(2)
    expect(stand.core.voteFloor).toEqual({ index: 4, term: 2 })
    append(3)
    expect(stand.core.voteFloor).toBeUndefined()
    expect(ofType(stand.effects, 'persist').at(-1)).toMatchObject({
      entries: [{ index: 4 }],
      hardState: { voteFloor: undefined },
    })
  })

  it('is mended in a group, though its leader had its acknowledgement', () => {
    const cluster = new Cluster()
    cluster.elect('n1')
    cluster.propose('n1', 'a', 'b', 'c')
    cluster.run(200)
    cluster.crash('n3')
    const { disk } = cluster.get('n3')
    const last = disk.entries.at(-1)
    disk.entries = disk.entries.slice(0, 2)
    disk.claimed = { index: last?.index ?? 0, term: last?.term ?? 0 }
    cluster.restart('n3')
    expect(cluster.core('n3').voteFloor).toEqual({ index: 5, term: 1 })
    cluster.run(500)
    expect(cluster.commands('n3')).toEqual(['a', 'b', 'c'])
    expect(cluster.core('n3').voteFloor).toBeUndefined()
    expect(cluster.core('n1').role).toBe('leader')
  })
})
