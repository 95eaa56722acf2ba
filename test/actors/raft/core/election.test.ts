// Elections: Raft paper §5.2, §5.4; thesis §4.2.3 (disruptive servers), §9.6 (Pre-Vote). Numbers are those of the list of
// known bugs that consensus libraries had.

import { describe, expect, it } from 'vitest'
import type { LogPosition } from '../../../../actors/raft/core/entry.ts'
import { Cluster } from './cluster.ts'
import { configurationEntry, entry, LoneCore, logOf, ofType, sends, voters } from './lone-core.ts'

const three = voters('n1', 'n2', 'n3')
const noStability = { stable: false } as const
const granted = (stand: LoneCore) => sends(stand.effects, 'voteReply').map(({ message }) => message.granted)

function vote(term: number, last: LogPosition, from = 'n2', transfer = false) {
  return { kind: 'vote', from, term, last, transfer } as const
}

describe('a campaign by order, of one that upholds a lease', () => {
  const five = voters('n1', 'n2', 'n3', 'n4', 'n5')
  const campaignOf = (leaseReads: boolean) => {
    const stand = LoneCore.recovered(logOf(five), 1, { leaseReads })
    stand.receive({
      kind: 'append',
      from: 'n2',
      term: 1,
      previous: { index: 1, term: 0 },
      entries: [],
      commit: 1,
      round: 1,
    })
    stand.step({ type: 'campaign' })
    const [asked] = sends(stand.effects, 'preVote')
    const { campaignTerm = 0, round = 0 } = asked?.message ?? {}
    for (const from of ['n3', 'n4', 'n5']) {
      stand.receive({ kind: 'preVoteReply', from, term: 1, campaignTerm, round, granted: true })
    }
    return stand.core.role
  }

  it('ends with the pre-votes, though a quorum of others grants them', () => {
    expect(campaignOf(true)).toBe('follower')
    expect(campaignOf(false)).toBe('candidate')
  })
})

describe('a vote (§5.2)', () => {
  it('is told only once it is durable, with its term (3)', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    stand.receive(vote(2, { index: 1, term: 0 }))
    expect(sends(stand.effects, 'voteReply')).toEqual([])
    expect(ofType(stand.effects, 'persist').at(-1)?.hardState).toMatchObject({ term: 2, votedFor: 'n2' })
    stand.persist()
    expect(sends(stand.effects, 'voteReply')).toMatchObject([{ to: 'n2', message: { term: 2, granted: true } }])
  })

  it('leaves too early with the planted bug', () => {
    const stand = LoneCore.recovered(logOf(three), 1, { bug: 'vote-before-durable' })
    stand.receive(vote(2, { index: 1, term: 0 }))
    expect(granted(stand)).toEqual([true])
  })

  it('is for one candidate a term, also after a restart (3)', () => {
    const stand = LoneCore.recovered(logOf(three), 2, { votedFor: 'n2' })
    stand.receive(vote(2, { index: 9, term: 1 }, 'n3'))
    stand.receive(vote(2, { index: 1, term: 0 }, 'n2'))
    stand.persist()
    expect(granted(stand)).toEqual([false, true])
  })

  it('is not given up when a candidate steps back within its term (4)', () => {
    const stand = LoneCore.recovered(logOf(three), 1, noStability)
    stand.settle({ type: 'campaign' })
    expect(stand.core.votedFor).toBe('n1')
    stand.receive({
      kind: 'append',
      from: 'n3',
      term: 2,
      previous: { index: 1, term: 0 },
      entries: [],
      commit: 1,
      round: 1,
    })
    expect(stand.core.role).toBe('follower')
    expect(stand.core.votedFor).toBe('n1')
    stand.receive(vote(2, { index: 9, term: 1 }, 'n2'))
    stand.persist()
    expect(granted(stand)).toEqual([false])
  })

  it('is not given in a term whose leader is known', () => {
    const stand = LoneCore.recovered(logOf(three), 2, noStability)
    stand.receive({
      kind: 'append',
      from: 'n3',
      term: 2,
      previous: { index: 1, term: 0 },
      entries: [],
      commit: 1,
      round: 1,
    })
    stand.receive(vote(2, { index: 1, term: 0 }))
    stand.persist()
    expect(granted(stand)).toEqual([false])
  })

  it.each([
    [{ index: 4, term: 2 }, true],
    [{ index: 3, term: 3 }, true],
    [{ index: 9, term: 1 }, false],
    [{ index: 3, term: 2 }, false],
    [{ index: 5, term: 2 }, true],
  ])('compares the last term before the index (13, §5.4.1): %o is %s', (last, isGranted) => {
    const stand = LoneCore.recovered(logOf(three, 1, 1, 2), 3)
    stand.receive(vote(4, last))
    stand.persist()
    expect(granted(stand)).toEqual([isGranted])
  })

  it('comes from a learner too, if it is asked (35)', () => {
    const members = { members: [...three.members, { id: 'n4', incarnation: '', role: 'learner' as const }] }
    const stand = LoneCore.recovered(logOf(members), 1, { id: 'n4' })
    stand.receive(vote(2, { index: 1, term: 0 }))
    stand.persist()
    expect(granted(stand)).toEqual([true])
  })

  it('starts the wait anew, and a refusal does not', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    stand.now = 100
    stand.receive(vote(2, { index: 0, term: 0 }))
    stand.now = 150
    stand.step({ type: 'timeout', timer: 'election' })
    expect(stand.core.role).toBe('preCandidate')
    const other = LoneCore.recovered(logOf(three), 1)
    other.now = 100
    other.receive(vote(2, { index: 1, term: 0 }))
    other.now = 150
    other.step({ type: 'timeout', timer: 'election' })
    expect(other.core.role).toBe('follower')
    expect(ofType(other.effects, 'timer').at(-1)).toMatchObject({ timer: 'election', afterMs: 100 })
  })
})

describe('a candidate', () => {
  it('asks once its term and its own vote are durable, and counts itself no earlier', () => {
    const stand = LoneCore.recovered(logOf(three), 1, noStability)
    stand.step({ type: 'campaign' })
    expect(sends(stand.effects, 'vote')).toEqual([])
    stand.receive({ kind: 'voteReply', from: 'n2', term: 2, granted: true })
    expect(stand.core.role).toBe('candidate')
    stand.persist()
    expect(stand.core.role).toBe('leader')
    expect(sends(stand.effects, 'vote').map(({ to }) => to)).toEqual(['n2', 'n3'])
  })

  it('alone in its group leads once its own vote is durable, and commits once its own write is (9)', () => {
    const stand = LoneCore.recovered(logOf(voters('n1')), 1)
    stand.step({ type: 'campaign' })
    expect(stand.core.role).toBe('candidate')
    stand.step({ type: 'persisted', write: 1 })
    expect(stand.core.role).toBe('leader')
    expect(stand.core.commitIndex).toBe(1)
    stand.step({ type: 'persisted', write: 2 })
    expect(stand.core.commitIndex).toBe(2)
  })

  it('steps back when a quorum has refused, and keeps its term', () => {
    const stand = LoneCore.recovered(logOf(three), 1, noStability)
    stand.settle({ type: 'campaign' })
    stand.receive({ kind: 'voteReply', from: 'n2', term: 2, granted: false })
    expect(stand.core.role).toBe('candidate')
    stand.receive({ kind: 'voteReply', from: 'n3', term: 2, granted: false })
    expect(stand.core).toMatchObject({ role: 'follower', term: 2, votedFor: 'n1' })
  })

  it('counts no vote of an earlier term, of nobody it knows, nor of another life (33)', () => {
    const five = LoneCore.recovered(logOf(voters('n1', 'n2', 'n3', 'n4', 'n5')), 1, noStability)
    five.settle({ type: 'campaign' })
    five.receive({ kind: 'voteReply', from: 'n2', term: 1, granted: true })
    five.receive({ kind: 'voteReply', from: 'n3', term: 2, granted: true, incarnation: 'later' })
    five.receive({ kind: 'voteReply', from: 'n9', term: 2, granted: true })
    five.receive({ kind: 'voteReply', from: 'n4', term: 2, granted: true })
    five.receive({ kind: 'voteReply', from: 'n4', term: 2, granted: true })
    expect(five.core.role).toBe('candidate')
    five.receive({ kind: 'voteReply', from: 'n5', term: 2, granted: true })
    expect(five.core.role).toBe('leader')
  })

  it('draws its time-out anew at each campaign (27)', () => {
    let draw = 0
    const random = () => (draw += 0x1000_0000)
    const stand = LoneCore.recovered(logOf(three), 1, { ...noStability, random })
    const waits: number[] = []
    for (let i = 0; i < 3; i += 1) {
      stand.clear()
      stand.now += 400
      stand.step({ type: 'timeout', timer: 'election' })
      waits.push(...ofType(stand.effects, 'timer').map(({ afterMs }) => afterMs ?? 0))
    }
    expect(new Set(waits).size).toBe(3)
    for (const wait of waits) expect(wait >= 150 && wait <= 300).toBe(true)
  })
})

describe('Pre-Vote (thesis §9.6)', () => {
  const preVote = (term: number, campaignTerm: number, last = { index: 1, term: 0 }) =>
    ({ kind: 'preVote', from: 'n2', term, campaignTerm, round: 7, last }) as const
  const reply = (
    granted: boolean,
    fields: Partial<{ term: number; round: number; campaignTerm: number; from: string }> = {},
  ) => ({ kind: 'preVoteReply', from: 'n2', term: 1, campaignTerm: 2, round: 1, granted, ...fields }) as const

  it('raises no term, neither the asker’s nor of who is asked', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    stand.receive(preVote(5, 6))
    expect(stand.core.term).toBe(1)
    expect(ofType(stand.effects, 'persist')).toEqual([])
    expect(sends(stand.effects, 'preVoteReply')).toMatchObject([
      { to: 'n2', message: { term: 1, campaignTerm: 6, round: 7, granted: true } },
    ])
    stand.now = 200
    stand.step({ type: 'timeout', timer: 'election' })
    expect(stand.core).toMatchObject({ role: 'preCandidate', term: 1 })
    expect(sends(stand.effects, 'preVote').map(({ message }) => message.campaignTerm)).toEqual([2, 2])
  })

  it('is refused to a term that is past, and to a shorter log', () => {
    const stand = LoneCore.recovered(logOf(three, 1), 3)
    stand.receive(preVote(2, 3, { index: 5, term: 2 }))
    stand.receive(preVote(3, 4, { index: 1, term: 0 }))
    stand.receive(preVote(3, 4, { index: 2, term: 1 }))
    expect(sends(stand.effects, 'preVoteReply').map(({ message }) => message.granted)).toEqual([false, false, true])
  })

  it('counts for its round and term only, and for no vote (5)', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    stand.step({ type: 'campaign' })
    stand.receive(reply(true, { round: 0 }))
    stand.receive(reply(true, { campaignTerm: 3 }))
    stand.receive(reply(true, { from: 'n9' }))
    expect(stand.core.role).toBe('preCandidate')
    stand.receive(reply(true))
    expect(stand.core).toMatchObject({ role: 'candidate', term: 2 })
    stand.persist()
    stand.receive(reply(true, { term: 2, from: 'n3' }))
    stand.receive(reply(true, { from: 'n3' }))
    expect(stand.core.role).toBe('candidate')
  })

  it('counts from whoever is behind by a term, too (24)', () => {
    const stand = LoneCore.recovered(logOf(three), 3)
    stand.step({ type: 'campaign' })
    stand.receive(reply(true, { term: 1, campaignTerm: 4 }))
    expect(stand.core).toMatchObject({ role: 'candidate', term: 4 })
  })

  it('is lost to a quorum of refusals', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    stand.step({ type: 'campaign' })
    stand.receive(reply(false))
    expect(stand.core.role).toBe('preCandidate')
    stand.receive(reply(false, { from: 'n3' }))
    expect(stand.core).toMatchObject({ role: 'follower', term: 1 })
  })

  it('takes over a higher term from a refusal (24, 26), not from a grant', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    stand.step({ type: 'campaign' })
    stand.receive(reply(true, { term: 9 }))
    expect(stand.core.term).toBe(1)
    stand.receive(reply(false, { term: 4 }))
    expect(stand.core).toMatchObject({ role: 'follower', term: 4 })
  })

  it('ends in one leader if the longest log has the lowest term (26)', () => {
    const cluster = new Cluster()
    cluster.elect('n1')
    cluster.cut('n1', 'n2')
    cluster.cut('n1', 'n3')
    cluster.propose('n1', 'a', 'b')
    cluster.run(40)
    cluster.crash('n1')
    cluster.heal()
    cluster.elect()
    cluster.crash('n3')
    cluster.crash('n2')
    cluster.restart('n1')
    cluster.run(400)
    cluster.restart('n2')
    cluster.elect()
    expect(cluster.leader).toBeDefined()
  })
})

describe('a leader that is alive (thesis §4.2.3)', () => {
  const heard = (stand: LoneCore) =>
    stand.receive({
      kind: 'append',
      from: 'n3',
      term: 1,
      previous: { index: 1, term: 0 },
      entries: [],
      commit: 1,
      round: 1,
    })

  it('keeps its followers from voting for others within the least time-out, whatever the term', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    heard(stand)
    stand.now = 149
    stand.receive(vote(9, { index: 9, term: 8 }))
    stand.receive({ kind: 'preVote', from: 'n2', term: 8, campaignTerm: 9, round: 1, last: { index: 9, term: 8 } })
    expect(stand.core.term).toBe(1)
    expect(sends(stand.effects, 'voteReply')).toEqual([])
    expect(sends(stand.effects, 'preVoteReply').map(({ message }) => message.granted)).toEqual([false])
    stand.now = 150
    stand.receive(vote(9, { index: 9, term: 8 }))
    stand.persist()
    expect(granted(stand)).toEqual([true])
  })

  it('does not, if the leader itself has asked for the election, nor without CheckQuorum', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    heard(stand)
    stand.receive(vote(2, { index: 1, term: 0 }, 'n2', true))
    stand.persist()
    expect(granted(stand)).toEqual([true])
    const bare = LoneCore.recovered(logOf(three), 1, { stable: { preVote: true, checkQuorum: false } })
    heard(bare)
    bare.receive(vote(2, { index: 1, term: 0 }))
    bare.persist()
    expect(granted(bare)).toEqual([true])
  })

  it('passes over votes itself, and gives way to a reply of a later term', () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    stand.receive(vote(7, { index: 9, term: 6 }))
    expect(stand.core.role).toBe('leader')
    stand.receive({
      kind: 'appendReply',
      from: 'n2',
      term: 7,
      round: 0,
      outcome: { accepted: false, previous: 1, hint: { index: 1, term: 0 } },
    })
    expect(stand.core).toMatchObject({ role: 'follower', term: 7, votedFor: undefined })
    expect(ofType(stand.effects, 'transition').map(({ transition }) => transition)).toContainEqual({
      name: 'stepDown',
      why: 'higherTerm',
    })
  })

  it('is not disturbed by a reply of somebody removed', () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    stand.receive({ kind: 'appendReply', from: 'n9', term: 7, round: 0, outcome: { accepted: true, match: 1 } })
    stand.receive({
      kind: 'appendReply',
      from: 'n2',
      incarnation: 'old',
      term: 7,
      round: 0,
      outcome: { accepted: true, match: 1 },
    })
    expect(stand.core).toMatchObject({ role: 'leader', term: 2 })
  })

  it('tells those of an earlier term theirs (24)', () => {
    const stand = LoneCore.recovered(logOf(three), 3)
    stand.receive({
      kind: 'append',
      from: 'n2',
      term: 2,
      previous: { index: 1, term: 0 },
      entries: [entry(2, 2)],
      commit: 2,
      round: 4,
    })
    stand.receive(vote(2, { index: 9, term: 2 }))
    const snapshot = {
      last: { index: 5, term: 2 },
      configuration: three,
      size: 0,
      checksum: 0,
      machine: 'm',
      version: 1,
    }
    stand.receive({
      kind: 'snapshot',
      from: 'n2',
      term: 2,
      snapshot,
      offset: 0,
      chunk: new Uint8Array(0),
      chunkChecksum: 0,
    })
    expect(stand.core.lastPosition.index).toBe(1)
    expect(sends(stand.effects, 'appendReply')).toMatchObject([
      { to: 'n2', message: { term: 3, round: 4, outcome: { accepted: false } } },
    ])
    expect(granted(stand)).toEqual([false])
    expect(sends(stand.effects, 'snapshotReply')).toMatchObject([{ message: { term: 3, state: 'refused' } }])
  })
})

describe('CheckQuorum', () => {
  it('takes a leader down that a quorum has not answered for an election time-out', () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    stand.now = 250
    stand.acknowledge('n2')
    stand.now = 300
    stand.step({ type: 'timeout', timer: 'heartbeat' })
    expect(stand.core.role).toBe('leader')
    stand.now = 599
    stand.step({ type: 'timeout', timer: 'heartbeat' })
    expect(stand.core.role).toBe('leader')
    stand.now = 600
    stand.step({ type: 'timeout', timer: 'heartbeat' })
    expect(stand.core).toMatchObject({ role: 'follower', term: 2, leader: undefined, votedFor: 'n1' })
    expect(ofType(stand.effects, 'timer').slice(-2)).toMatchObject([
      { timer: 'heartbeat', afterMs: undefined },
      { timer: 'election' },
    ])
  })

  it('counts no learner and no other life', () => {
    const members = { members: [...three.members, { id: 'n4', incarnation: '', role: 'learner' as const }] }
    const stand = LoneCore.recovered(logOf(members), 1).lead()
    stand.now = 299
    stand.step({ type: 'timeout', timer: 'heartbeat' })
    stand.now = 300
    stand.acknowledge('n4')
    stand.receive({
      kind: 'appendReply',
      from: 'n3',
      incarnation: 'x',
      term: 2,
      round: 1,
      outcome: { accepted: true, match: 2 },
    })
    stand.step({ type: 'timeout', timer: 'heartbeat' })
    expect(stand.core.role).toBe('follower')
  })

  it('can be off', () => {
    const stand = LoneCore.recovered(logOf(three), 1, noStability).lead()
    stand.now = 9000
    stand.step({ type: 'timeout', timer: 'heartbeat' })
    expect(stand.core.role).toBe('leader')
  })

  it('with Pre-Vote leaves a partly connected group its leader (28)', () => {
    const cluster = new Cluster({ ids: ['n1', 'n2', 'n3', 'n4', 'n5'] })
    const leader = cluster.elect('n1')
    const { term } = leader.core
    cluster.cut('n4', 'n1')
    cluster.cut('n5', 'n1')
    cluster.cut('n4', 'n5')
    cluster.run(3000)
    expect(cluster.leader).toBe(leader)
    expect(leader.core.term).toBe(term)
    cluster.propose('n1', 'a')
    cluster.run(100)
    expect(cluster.commands('n1')).toEqual(['a'])
  })

  it('with Pre-Vote keeps the term when somebody comes back who was cut off for long', () => {
    const cluster = new Cluster()
    const leader = cluster.elect('n1')
    const { term } = leader.core
    cluster.isolate('n3')
    cluster.run(5000)
    cluster.heal()
    cluster.run(2000)
    expect([...cluster.replicas.values()].map(({ core }) => core.term)).toEqual([term, term, term])
    expect(cluster.leader).toBe(leader)
  })
})

describe('who may stand', () => {
  it.each(['learner', 'witness'] as const)('no %s', (role) => {
    const members = { members: [{ id: 'n1', incarnation: '', role }, ...voters('n2', 'n3').members] }
    const stand = LoneCore.recovered(logOf(members), 1)
    stand.now = 400
    stand.step({ type: 'timeout', timer: 'election' })
    stand.step({ type: 'campaign' })
    expect(stand.core.role).toBe('follower')
    expect(ofType(stand.effects, 'timer').at(-1)).toMatchObject({ timer: 'election' })
  })

  it('nobody whose disk is in trouble: it waits on, forgets who led, and stands for nothing', () => {
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
    stand.step({ type: 'diskTrouble', isOver: false })
    stand.clear()
    stand.now = 200
    stand.step({ type: 'timeout', timer: 'election' })
    expect(stand.effects).toEqual([
      { type: 'leader', leader: undefined, term: 1 },
      { type: 'timer', timer: 'election', afterMs: 150 },
    ])
    const candidate = LoneCore.recovered(logOf(three), 1)
    candidate.step({ type: 'campaign' })
    candidate.step({ type: 'diskTrouble', isOver: false })
    candidate.now = 200
    candidate.step({ type: 'timeout', timer: 'election' })
    expect(candidate.core).toMatchObject({ role: 'follower', term: 1 })
  })

  it('nobody who does not know its group, or whose life is not the configured one (33)', () => {
    const none = { hardState: undefined, snapshot: undefined, entries: [], claimed: undefined }
    const stand = new LoneCore({ recovered: none, incarnation: 'x' })
    expect(ofType(stand.effects, 'timer')).toEqual([])
    stand.step({ type: 'campaign' })
    expect(stand.effects.filter(({ type }) => type === 'send')).toEqual([])
    const wiped = LoneCore.recovered(logOf(three), 1, { incarnation: 'x' })
    wiped.step({ type: 'campaign' })
    expect(wiped.core.role).toBe('follower')
    expect(wiped.core.isVoter).toBe(false)
  })

  it('who is removed by an entry that is not committed, without a vote of its own (thesis §4.2.2)', () => {
    const cluster = new Cluster({ ids: ['n1', 'n2'] })
    cluster.elect('n1')
    cluster.loses = (_, __, { kind }) => kind === 'append'
    cluster.change('n1', { op: 'remove', node: 'n1' })
    cluster.run(20)
    cluster.crash('n1')
    cluster.loses = () => false
    cluster.restart('n1')
    expect(cluster.core('n1').isVoter).toBe(false)
    // n2 knows nothing of the change and cannot win: its log is shorter.
    const isAlone = () => cluster.core('n2').committedConfiguration.configuration.members.length === 1
    expect(cluster.until(() => isAlone() && cluster.leader?.id === 'n2', 5000)).toBe(true)
    expect(cluster.get('n1').transitions).toContainEqual({ name: 'stepDown', why: 'removed' })
  })

  it('who goes with a joint configuration, though it has the entry that ends it: nobody else may have that', () => {
    const joint = { members: voters('n2').members, outgoing: voters('n1').members }
    const entries = [...logOf(voters('n1')), configurationEntry(2, 1, joint), configurationEntry(3, 1, voters('n2'))]
    const stand = LoneCore.recovered(entries, 1, { commit: 2 })
    stand.step({ type: 'campaign' })
    expect(sends(stand.effects, 'preVote').map(({ to }) => to)).toEqual(['n2'])
    expect(stand.core.role).toBe('preCandidate')
  })
})

describe('priority', () => {
  const wait = (priority: number, random: number) => {
    const stand = new LoneCore({ priority, random: () => random })
    return ofType(stand.effects, 'timer')[0]?.afterMs
  }
  it('lets the higher stand earlier, and nobody before the least time-out', () => {
    const half = 0x8000_0000
    expect([-9, -1, 0, 1, 9].map((priority) => wait(priority, half))).toEqual([675, 338, 225, 188, 158])
    expect([0, 5].map((priority) => wait(priority, 0))).toEqual([150, 150])
    expect(wait(0, 0xffff_ffff)).toBe(300)
  })
})
