// Linearizable reads: ReadIndex, leases, and what became of both elsewhere (Raft thesis §6.4).

import { describe, expect, it } from 'vitest'
import { Cluster } from './cluster.ts'
import { LoneCore, logOf, ofType, sends, voters } from './lone-core.ts'

const three = voters('n1', 'n2', 'n3')
const readable = (stand: LoneCore) => ofType(stand.effects, 'readable').map(({ ids, index }) => [...ids, index])
const read = (stand: LoneCore, id: number, lease = false) => stand.step({ type: 'read', ids: [id], lease })
const beat = (stand: LoneCore) => stand.step({ type: 'timeout', timer: 'heartbeat' })

/** A leader whose first entry is committed, after a round that n2 has answered. */
function leader(options = {}): LoneCore {
  const stand = LoneCore.recovered(logOf(three), 1, options)
  // Past the time for which it may have promised a lease before it stopped.
  stand.now = 200
  stand.lead()
  stand.acknowledge('n2', 2, 0)
  stand.clear()
  return stand
}
const roundOf = (stand: LoneCore) => sends(stand.effects, 'append').at(-1)?.message.round ?? 0

describe('a read', () => {
  it('waits for a quorum’s answers to a round sent after it arrived', () => {
    const stand = leader()
    beat(stand)
    const before = roundOf(stand)
    read(stand, 1)
    expect(roundOf(stand)).toBe(before + 1)
    stand.acknowledge('n2', 2, before)
    expect(readable(stand)).toEqual([])
    stand.acknowledge('n2', 2, before + 1)
    expect(readable(stand)).toEqual([[1, 2]])
  })

  it('waits for nobody who has left the group meanwhile', () => {
    const stand = LoneCore.recovered(logOf(voters('n1', 'n2')), 1).lead()
    stand.acknowledge('n2', 2, 0)
    read(stand, 1)
    expect(readable(stand)).toEqual([])
    stand.step({ type: 'changeMembership', id: 7, change: { op: 'remove', node: 'n2' }, epochMs: 0 })
    stand.persist()
    expect(readable(stand)).toEqual([[1, 2]])
  })

  it('is confirmed by a refusal of this term too, and not by a learner or another life', () => {
    const members = { members: [...three.members, { id: 'n4', incarnation: '', role: 'learner' as const }] }
    const stand = LoneCore.recovered(logOf(members), 1).lead()
    stand.acknowledge('n2', 2, 0)
    read(stand, 1)
    const round = roundOf(stand)
    stand.acknowledge('n4', 2, round)
    stand.receive({
      kind: 'appendReply',
      from: 'n2',
      incarnation: 'x',
      term: 2,
      round,
      outcome: { accepted: true, match: 2 },
    })
    stand.acknowledge('n2', 2, round + 9 - 10)
    expect(readable(stand)).toEqual([])
    stand.receive({
      kind: 'appendReply',
      from: 'n3',
      term: 2,
      round,
      outcome: { accepted: false, previous: 2, hint: { index: 1, term: 0 } },
    })
    expect(readable(stand)).toEqual([[1, 2]])
  })

  it('shares the next round with all that arrive while one is on its way', () => {
    const stand = leader()
    read(stand, 1)
    read(stand, 2)
    read(stand, 3)
    expect(sends(stand.effects, 'append', 'n2')).toHaveLength(1)
    expect(stand.core.pendingReads).toBe(3)
    stand.propose('a')
    stand.persist()
    stand.acknowledge('n2', 3, roundOf(stand))
    expect(readable(stand)).toEqual([[1, 2]])
    stand.acknowledge('n2', 3, roundOf(stand))
    expect(readable(stand)).toEqual([
      [1, 2],
      [2, 3, 3],
    ])
    expect(stand.core.pendingReads).toBe(0)
  })

  it('is not served before an entry of the term is committed, and not forgotten (19)', () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    stand.clear()
    read(stand, 1)
    expect(sends(stand.effects, 'append')).toEqual([])
    stand.acknowledge('n2', 2, 0)
    expect(sends(stand.effects, 'append', 'n3')).toHaveLength(1)
    stand.acknowledge('n2', 2, roundOf(stand))
    expect(readable(stand)).toEqual([[1, 2]])
  })

  it('is served at once by who is alone, after the term’s first commitment', () => {
    const stand = LoneCore.recovered(logOf(voters('n1')), 1)
    stand.step({ type: 'campaign' })
    stand.step({ type: 'persisted', write: 1 })
    read(stand, 1)
    expect(readable(stand)).toEqual([])
    stand.step({ type: 'persisted', write: 2 })
    expect(readable(stand)).toEqual([[1, 2]])
    read(stand, 2)
    expect(readable(stand)).toEqual([
      [1, 2],
      [2, 2],
    ])
  })

  it('is stale with the planted bug', () => {
    const stand = leader({ bug: 'stale-read' })
    read(stand, 1)
    expect(readable(stand)).toEqual([[1, 2]])
  })

  it('is refused by who knows no leader, and with the leader’s fall', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    read(stand, 1)
    expect(ofType(stand.effects, 'refused')).toMatchObject([
      { ids: [1], refused: { code: 'notLeader', leader: undefined } },
    ])
    const fallen = leader()
    read(fallen, 1)
    read(fallen, 2)
    fallen.receive({ kind: 'readIndex', from: 'n3', term: 2, request: 4 })
    fallen.clear()
    fallen.receive({
      kind: 'append',
      from: 'n2',
      term: 3,
      previous: { index: 2, term: 2 },
      entries: [],
      commit: 2,
      round: 1,
    })
    fallen.persist()
    expect(ofType(fallen.effects, 'refused').map(({ ids, refused }) => [ids, refused.code])).toEqual([
      [[2, 1], 'notLeader'],
    ])
    expect(sends(fallen.effects, 'readIndexReply')).toMatchObject([
      { to: 'n3', message: { request: 4, index: undefined } },
    ])
    expect(fallen.core.pendingReads).toBe(0)
  })

  it('is refused when too many wait', () => {
    const stand = leader({ maxPendingReads: 2 })
    stand.step({ type: 'read', ids: [1, 2], lease: false })
    read(stand, 3)
    expect(ofType(stand.effects, 'refused')).toMatchObject([{ ids: [3], refused: { code: 'rateLimited' } }])
    stand.receive({ kind: 'readIndex', from: 'n2', term: 2, request: 7 })
    expect(sends(stand.effects, 'readIndexReply')).toMatchObject([{ message: { request: 7, index: undefined } }])
  })
})

describe('a read at a follower', () => {
  const follower = () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    stand.receive({
      kind: 'append',
      from: 'n2',
      term: 1,
      previous: { index: 1, term: 0 },
      entries: [],
      commit: 1,
      round: 1,
    })
    read(stand, 1)
    return stand
  }

  it('asks the leader', () => {
    const stand = follower()
    expect(sends(stand.effects, 'readIndex')).toMatchObject([{ to: 'n2', message: { request: 1 } }])
    stand.receive({ kind: 'readIndexReply', from: 'n2', term: 1, request: 2, index: 5 })
    expect(readable(stand)).toEqual([])
    stand.receive({ kind: 'readIndexReply', from: 'n2', term: 1, request: 1, index: 5 })
    stand.receive({ kind: 'readIndexReply', from: 'n2', term: 1, request: 1, index: 6 })
    expect(readable(stand)).toEqual([[1, 5]])
    expect(stand.core.pendingReads).toBe(0)
  })

  it('does not wait for ever: for who does not lead, for another leader, for no answer (19)', () => {
    const stand = follower()
    stand.receive({ kind: 'readIndexReply', from: 'n2', term: 1, request: 1, index: undefined })
    const other = follower()
    other.receive({
      kind: 'append',
      from: 'n3',
      term: 2,
      previous: { index: 1, term: 0 },
      entries: [],
      commit: 1,
      round: 1,
    })
    const silent = follower()
    silent.now = 149
    silent.receive({
      kind: 'append',
      from: 'n2',
      term: 1,
      previous: { index: 1, term: 0 },
      entries: [],
      commit: 1,
      round: 1,
    })
    silent.step({ type: 'timeout', timer: 'election' })
    expect(silent.core.pendingReads).toBe(1)
    silent.now = 150
    silent.step({ type: 'timeout', timer: 'election' })
    for (const core of [stand, other, silent]) {
      expect(ofType(core.effects, 'refused')).toMatchObject([{ ids: [1], refused: { code: 'notLeader' } }])
      expect(core.core.pendingReads).toBe(0)
    }
    expect(ofType(other.effects, 'refused')[0]?.refused.leader).toBe('n3')
  })

  it('is answered by a leader with what a round has confirmed, and by others with nothing', () => {
    const stand = leader()
    stand.receive({ kind: 'readIndex', from: 'n3', term: 2, request: 7 })
    expect(sends(stand.effects, 'readIndexReply')).toEqual([])
    stand.acknowledge('n2', 2, roundOf(stand))
    expect(sends(stand.effects, 'readIndexReply')).toMatchObject([{ to: 'n3', message: { request: 7, index: 2 } }])
    const other = LoneCore.recovered(logOf(three), 1)
    other.receive({ kind: 'readIndex', from: 'n3', term: 1, request: 7 })
    expect(sends(other.effects, 'readIndexReply')).toMatchObject([
      { to: 'n3', message: { request: 7, index: undefined } },
    ])
  })

  it('sees what was committed before it', () => {
    const cluster = new Cluster()
    cluster.elect('n1')
    cluster.propose('n1', 'a')
    cluster.until(() => cluster.commands('n1').length === 1)
    const id = cluster.read('n3')
    expect(cluster.until(() => cluster.get('n3').answers.readable.has(id))).toBe(true)
    expect(cluster.get('n3').answers.readable.get(id)).toBe(cluster.core('n1').commitIndex)
  })
})

describe('a lease', () => {
  const lease = { leaseReads: true }
  /** A round sent at `now`, answered by n2 40 ms later. */
  const renewed = (options = {}, by = 'n2') => {
    const stand = leader({ ...lease, ...options })
    stand.now = 1000
    beat(stand)
    stand.now = 1040
    stand.acknowledge(by, 2, roundOf(stand))
    stand.clear()
    return stand
  }
  const holds = (stand: LoneCore, now: number) => {
    stand.now = now
    stand.clear()
    read(stand, 1, true)
    return readable(stand).length === 1
  }

  it('runs from when the round was sent that a quorum has answered (21)', () => {
    expect(holds(renewed(), 1149)).toBe(true)
    expect(holds(renewed(), 1150)).toBe(false)
  })

  it('is shorter by the drift that clocks may have', () => {
    expect(holds(renewed({ maxClockDrift: 0.5 }), 1099)).toBe(true)
    expect(holds(renewed({ maxClockDrift: 0.5 }), 1100)).toBe(false)
  })

  it('is used by reads that want it, where it is on, with CheckQuorum', () => {
    expect(holds(renewed({ leaseReads: false }), 1041)).toBe(false)
    expect(holds(renewed({ stable: { preVote: true, checkQuorum: false } }), 1041)).toBe(false)
    const stand = renewed()
    read(stand, 1, false)
    expect(readable(stand)).toEqual([])
    expect(stand.core.hasLease).toBe(true)
    read(stand, 2, true)
    expect(ofType(stand.effects, 'transition').map(({ transition }) => transition.name)).toContain('leaseRead')
  })

  it('is not there before the term’s first commitment', () => {
    const stand = LoneCore.recovered(logOf(three), 1, { ...lease, stable: { preVote: false, checkQuorum: true } })
    stand.now = 200
    stand.lead()
    beat(stand)
    stand.receive({
      kind: 'appendReply',
      from: 'n2',
      term: 2,
      round: roundOf(stand),
      outcome: { accepted: false, previous: 2, hint: { index: 1, term: 0 } },
    })
    expect(holds(stand, 201)).toBe(false)
    stand.acknowledge('n2', 2, roundOf(stand))
    expect(stand.core.hasLease).toBe(true)
  })

  it('ends when leadership is handed over, for the rest of that transfer and until something new is committed (20)', () => {
    const stand = renewed()
    stand.step({ type: 'transfer', id: 1, to: 'n2' })
    expect(sends(stand.effects, 'timeoutNow')).toHaveLength(1)
    expect(holds(stand, 1041)).toBe(false)
    stand.now = 1340
    beat(stand)
    stand.acknowledge('n2', 2, roundOf(stand))
    expect(ofType(stand.effects, 'refused').at(-1)).toMatchObject({ ids: [1], refused: { code: 'noQuorum' } })
    expect(holds(stand, 1341)).toBe(false)
    stand.propose('a', 9)
    stand.persist()
    stand.acknowledge('n2', 3, roundOf(stand))
    expect(holds(stand, 1342)).toBe(true)
  })

  it('ends when the clock is set back, or is said to have jumped, until rounds are sent by a clock that moves (21)', () => {
    const back = renewed()
    expect(holds(back, 1039)).toBe(false)
    const told = renewed()
    told.step({ type: 'clockJumped' })
    expect(holds(told, 1041)).toBe(false)
    const still = renewed()
    still.step({ type: 'clockJumped' })
    beat(still)
    still.acknowledge('n2', 2, still.core.peers.get('n2')?.confirmedRound ?? 0)
    const round = roundOf(still)
    still.acknowledge('n2', 2, round)
    expect(holds(still, 1041)).toBe(false)
    beat(still)
    still.acknowledge('n2', 2, roundOf(still))
    expect(still.core.hasLease).toBe(true)
  })

  it('is upheld by who has promised it: no vote of its own within, also after a restart or a jump of its clock', () => {
    const stand = LoneCore.recovered(logOf(three), 1, lease)
    stand.now = 149
    stand.receive({ kind: 'preVote', from: 'n2', term: 1, campaignTerm: 2, round: 1, last: { index: 1, term: 0 } })
    expect(sends(stand.effects, 'preVoteReply')).toMatchObject([{ message: { granted: false } }])
    stand.step({ type: 'campaign' })
    stand.receive({ kind: 'preVoteReply', from: 'n2', term: 1, campaignTerm: 2, round: 1, granted: true })
    expect(stand.core.role).toBe('preCandidate')
    stand.now = 150
    stand.receive({
      kind: 'append',
      from: 'n3',
      term: 1,
      previous: { index: 1, term: 0 },
      entries: [],
      commit: 1,
      round: 1,
    })
    stand.now = 900
    stand.step({ type: 'clockJumped' })
    stand.now = 1000
    stand.receive({ kind: 'preVote', from: 'n2', term: 1, campaignTerm: 2, round: 2, last: { index: 1, term: 0 } })
    expect(sends(stand.effects, 'preVoteReply').at(-1)?.message.granted).toBe(false)
    const bare = LoneCore.recovered(logOf(three), 1, { ...lease, stable: { preVote: false, checkQuorum: true } })
    bare.step({ type: 'campaign' })
    expect(bare.core.role).toBe('follower')
  })

  it('outlives no pause of the leader: two leaders, and no stale read (21)', () => {
    const cluster = new Cluster({ leaseReads: true })
    cluster.elect('n1')
    cluster.run(500)
    expect(cluster.core('n1').hasLease).toBe(true)
    cluster.pause('n1')
    cluster.until(() => cluster.leader?.id !== 'n1' && cluster.leader !== undefined)
    const { id = '' } = cluster.leader ?? {}
    cluster.until(() => cluster.core(id).commitIndex === cluster.core(id).lastPosition.index)
    // The paused replica takes up first what had waited for it: a read among it.
    const old = cluster.read('n1', true)
    expect(cluster.get('n1').answers.readable.has(old)).toBe(false)
    cluster.resume('n1')
    cluster.run(500)
    expect(cluster.get('n1').answers.refused.get(old)?.code).toBe('notLeader')
  })
})
