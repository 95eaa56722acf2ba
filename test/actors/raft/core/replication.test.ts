// Log replication (Raft paper §5.3, §5.4): a leader's sending and counting, a follower's storing and replying.

import { describe, expect, it } from 'vitest'
import { RaftAssertionError } from '../../../../actors/raft/core/assert.ts'
import type { Append } from '../../../../actors/raft/core/message.ts'
import { Cluster } from './cluster.ts'
import { configurationEntry, entry, LoneCore, logOf, ofType, sends, voters } from './lone-core.ts'

const three = voters('n1', 'n2', 'n3')

function append(fields: Partial<Append>): Omit<Append, 'incarnation'> {
  return {
    kind: 'append',
    from: 'n2',
    term: 1,
    previous: { index: 1, term: 0 },
    entries: [],
    commit: 1,
    round: 1,
    ...fields,
  }
}
const outcomes = (stand: LoneCore) => sends(stand.effects, 'appendReply').map(({ message }) => message.outcome)

describe('a group of three', () => {
  it('elects one leader and commits what it is given, everywhere', () => {
    const cluster = new Cluster()
    const leader = cluster.elect()
    cluster.propose(leader.id, 'a', 'b', 'c')
    cluster.run(200)
    for (const id of ['n1', 'n2', 'n3']) expect(cluster.commands(id)).toEqual(['a', 'b', 'c'])
    expect(leader.core.commitIndex).toBe(5)
  })

  it('keeps what is committed over a crash of all', () => {
    const cluster = new Cluster()
    const leader = cluster.elect()
    cluster.propose(leader.id, 'a')
    cluster.until(() => cluster.commands(leader.id).length === 1)
    for (const id of ['n1', 'n2', 'n3']) cluster.crash(id)
    for (const id of ['n1', 'n2', 'n3']) cluster.restart(id)
    const next = cluster.elect()
    cluster.propose(next.id, 'b')
    cluster.run(200)
    for (const id of ['n1', 'n2', 'n3']) expect(cluster.commands(id)).toEqual(['a', 'b'])
  })

  it('goes on with two, and brings the third up to date', () => {
    const cluster = new Cluster()
    const first = cluster.elect()
    cluster.crash(first.id)
    const second = cluster.elect()
    cluster.propose(second.id, 'a')
    cluster.run(100)
    cluster.restart(first.id)
    cluster.run(500)
    expect(cluster.commands(first.id)).toEqual(['a'])
    expect(cluster.leader).toBe(second)
  })

  it('commits by the other two while the leader’s own disk stands still', () => {
    const cluster = new Cluster()
    const leader = cluster.elect('n1')
    cluster.gateDisk('n1')
    cluster.propose('n1', 'a')
    cluster.run(100)
    expect(cluster.commands('n1')).toEqual(['a'])
    expect(leader.core.durableIndex).toBeLessThan(leader.core.commitIndex)
  })

  it('commits nothing while two disks stand still, and keeps its leader', () => {
    const cluster = new Cluster()
    const leader = cluster.elect('n1')
    cluster.gateDisk('n2')
    cluster.gateDisk('n3')
    cluster.propose('n1', 'a')
    cluster.run(3000)
    expect(cluster.commands('n1')).toEqual([])
    expect(cluster.leader).toBe(leader)
    cluster.releaseDisk('n3')
    cluster.run(100)
    expect(cluster.commands('n1')).toEqual(['a'])
  })

  it('tells followers of a commitment without new writes (32)', () => {
    const cluster = new Cluster()
    cluster.elect('n1')
    cluster.loses = (_, __, message) => message.kind === 'append' && message.entries.length === 0
    cluster.propose('n1', 'a')
    cluster.run(40)
    expect(cluster.commands('n1')).toEqual(['a'])
    expect(cluster.commands('n2')).toEqual([])
    cluster.loses = () => false
    cluster.run(70)
    expect(cluster.commands('n2')).toEqual(['a'])
  })

  it('writes nothing to any disk while it is idle', () => {
    const cluster = new Cluster()
    cluster.elect()
    cluster.run(300)
    let writes = 0
    cluster.observe = (_, __, effects) => {
      writes += ofType(effects, 'persist').length
    }
    cluster.run(3000)
    expect(writes).toBe(0)
  })
})

describe('a follower', () => {
  it('acknowledges entries once they are durable, and no more than this message proves (12)', () => {
    const stand = LoneCore.recovered(logOf(three, 1, 1, 1), 1)
    stand.receive(append({ entries: [entry(2, 1)] }))
    expect(outcomes(stand)).toEqual([{ accepted: true, match: 2 }])
    stand.clear()
    stand.receive(append({ previous: { index: 4, term: 1 }, entries: [entry(5, 1)], round: 9 }))
    expect(outcomes(stand)).toEqual([])
    stand.persist()
    expect(sends(stand.effects, 'appendReply')).toMatchObject([
      { to: 'n2', message: { round: 9, outcome: { match: 5 } } },
    ])
  })

  it('acknowledges too early with the planted bug', () => {
    const stand = LoneCore.recovered(logOf(three), 1, { bug: 'ack-before-durable' })
    stand.receive(append({ entries: [entry(2, 1)] }))
    expect(outcomes(stand)).toEqual([{ accepted: true, match: 2 }])
  })

  it('answers a heartbeat at once, with what is durable of it', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    stand.receive(append({ entries: [entry(2, 1), entry(3, 1)] }))
    stand.receive(append({ previous: { index: 3, term: 1 }, round: 2 }))
    expect(outcomes(stand)).toEqual([{ accepted: true, match: 1 }])
  })

  it('says in one acknowledgement what several would', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    stand.receive(append({ entries: [entry(2, 1)] }))
    stand.receive(append({ previous: { index: 2, term: 1 }, entries: [entry(3, 1)] }))
    stand.persist()
    expect(outcomes(stand)).toEqual([{ accepted: true, match: 3 }])
  })

  it('never truncates what matches, however late a shorter append comes (11)', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    const all = [entry(2, 1), entry(3, 1), entry(4, 1)]
    stand.receive(append({ entries: all }))
    stand.receive(append({ entries: all.slice(0, 1) }))
    stand.receive(append({}))
    expect(stand.core.lastPosition.index).toBe(4)
    expect(ofType(stand.effects, 'persist')).toHaveLength(1)
    const broken = LoneCore.recovered(logOf(three), 1, { bug: 'truncate-always' })
    broken.receive(append({ entries: all }))
    broken.receive(append({ entries: all.slice(0, 1) }))
    expect(broken.core.lastPosition.index).toBe(2)
  })

  it('replaces what conflicts and all behind it', () => {
    const stand = LoneCore.recovered(logOf(three, 1, 1, 1), 2)
    stand.receive(append({ term: 2, entries: [entry(2, 1), entry(3, 2)] }))
    expect(ofType(stand.effects, 'persist').at(-1)).toMatchObject({ truncateFrom: 3, entries: [{ index: 3, term: 2 }] })
    expect(stand.core.lastPosition).toEqual({ index: 3, term: 2 })
    expect(ofType(stand.effects, 'overwritten')).toEqual([{ type: 'overwritten', from: 3 }])
  })

  it('refuses what does not follow, with a hint at where it may agree', () => {
    const stand = LoneCore.recovered(logOf(three, 1, 1, 4, 4), 5)
    stand.receive(append({ term: 5, previous: { index: 9, term: 5 }, round: 3 }))
    stand.receive(append({ term: 5, previous: { index: 5, term: 3 } }))
    expect(outcomes(stand)).toEqual([
      { accepted: false, previous: 9, hint: { index: 5, term: 4 } },
      { accepted: false, previous: 5, hint: { index: 3, term: 1 } },
    ])
    expect(sends(stand.effects, 'appendReply')[0]?.message.round).toBe(3)
  })

  it('commits no further than this message reaches, and never back (12, 33)', () => {
    const stand = LoneCore.recovered(logOf(three, 1, 1, 1), 1)
    stand.receive(append({ entries: [entry(2, 1)], commit: 9 }))
    expect(stand.core.commitIndex).toBe(2)
    stand.receive(append({ previous: { index: 3, term: 1 }, commit: 3 }))
    stand.receive(append({ commit: 1 }))
    expect(stand.core.commitIndex).toBe(3)
    expect(ofType(stand.effects, 'apply').flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual([
      1, 2, 3,
    ])
  })

  it('breaks rather than truncate what is committed', () => {
    const stand = LoneCore.recovered(logOf(three, 1, 1), 1, { commit: 3 })
    expect(() => stand.receive(append({ term: 2, entries: [entry(2, 2)] }))).toThrow(RaftAssertionError)
  })

  it.each([
    ['a gap', [entry(3, 1)]],
    ['a falling term', [entry(2, 1), entry(3, 0)]],
    ['a term to come', [entry(2, 2)]],
    ['a configuration that is none', [{ ...entry(2, 1), kind: 'configuration' as const }]],
  ])('passes over an append with %s', (_, entries) => {
    const stand = LoneCore.recovered(logOf(three), 1)
    stand.clear()
    stand.receive(append({ entries }))
    expect(stand.effects).toEqual([])
    expect(stand.core.lastPosition.index).toBe(1)
  })

  it('drops a reply if the term has changed before its write was done', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    stand.receive(append({ entries: [entry(2, 1)] }))
    stand.receive({ kind: 'vote', from: 'n3', term: 5, last: { index: 9, term: 4 }, transfer: true })
    stand.persist()
    expect(outcomes(stand)).toEqual([])
  })

  it('takes a message from behind its base for what it is', () => {
    const snapshot = {
      last: { index: 4, term: 1 },
      configuration: three,
      size: 0,
      checksum: 0,
      machine: 'm',
      version: 1,
    }
    const hardState = { term: 1, votedFor: undefined, commit: 4, voteFloor: undefined }
    const stand = new LoneCore({ recovered: { hardState, snapshot, entries: [entry(5, 1)], claimed: undefined } })
    stand.receive(append({ entries: [entry(2, 1)] }))
    expect(outcomes(stand)).toEqual([{ accepted: true, match: 4 }])
    stand.clear()
    stand.receive(
      append({ previous: { index: 2, term: 1 }, entries: [3, 4, 5, 6].map((index) => entry(index, 1)), commit: 6 }),
    )
    stand.persist()
    expect(outcomes(stand)).toEqual([{ accepted: true, match: 6 }])
    expect(stand.core.commitIndex).toBe(6)
  })

  it('hears no second leader of its term once it leads', () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    stand.receive(append({ term: 2, entries: [entry(2, 2)] }))
    expect(stand.core.role).toBe('leader')
    expect(outcomes(stand)).toEqual([])
  })
})

describe('a leader', () => {
  it('begins its term with an entry of its own, and sends in parallel with its own write (§5.4.2)', () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    expect(stand.core.entryAt(2)).toMatchObject({ kind: 'noop', term: 2 })
    stand.clear()
    stand.propose('a')
    expect(stand.effects.map(({ type }) => type)).toEqual(['accepted', 'transition', 'persist'])
    stand.acknowledge('n2')
    stand.clear()
    stand.propose('b')
    const kinds = stand.effects.map((effect) => (effect.type === 'send' ? effect.to : effect.type))
    expect(kinds).toEqual(['accepted', 'transition', 'n2', 'persist'])
  })

  it('counts itself once its own write is done', () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    stand.acknowledge('n2')
    expect(stand.core.commitIndex).toBe(2)
    stand.propose('a')
    stand.acknowledge('n2')
    expect(stand.core.commitIndex).toBe(2)
    stand.persist()
    expect(stand.core.commitIndex).toBe(3)
  })

  it('counts no acknowledgement beyond its log, of another life, or of nobody', () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    stand.acknowledge('n2', 9)
    stand.acknowledge('n9')
    stand.receive({
      kind: 'appendReply',
      from: 'n3',
      incarnation: 'x',
      term: 2,
      round: 1,
      outcome: { accepted: true, match: 2 },
    })
    expect(stand.core.commitIndex).toBe(1)
    expect(stand.core.peers.get('n2')?.match).toBe(0)
  })

  it('backs up by terms: one refusal for each term that differs', () => {
    const leader = LoneCore.recovered(logOf(three, 1, 1, 1, 5, 5, 5), 6).lead()
    leader.clear()
    const refuse = (previous: number, hint: { index: number; term: number }) =>
      leader.receive({
        kind: 'appendReply',
        from: 'n2',
        term: 7,
        round: 1,
        outcome: { accepted: false, previous, hint },
      })
    refuse(7, { index: 7, term: 4 })
    expect(sends(leader.effects, 'append').at(-1)?.message.previous).toEqual({ index: 4, term: 1 })
    refuse(4, { index: 2, term: 1 })
    expect(sends(leader.effects, 'append').at(-1)?.message.previous).toEqual({ index: 2, term: 1 })
    refuse(9, { index: 1, term: 0 })
    expect(sends(leader.effects, 'append')).toHaveLength(2)
  })

  it('finds a lost append by the next heartbeat', () => {
    const cluster = new Cluster()
    cluster.elect('n1')
    cluster.loses = (_, to, { kind }) => to === 'n2' && kind === 'append'
    cluster.propose('n1', 'a')
    cluster.run(20)
    cluster.loses = () => false
    cluster.run(90)
    expect(cluster.core('n1').peers.get('n2')).toMatchObject({ state: 'replicate', match: 3 })
    cluster.run(60)
    expect(cluster.commands('n2')).toEqual(['a'])
  })

  it('sends batches within its limits, and goes on as they are acknowledged (30)', () => {
    const options = { maxBatch: 2, maxInflight: 2 }
    const stand = LoneCore.recovered(logOf(three), 1, options).lead()
    stand.acknowledge('n2')
    stand.clear()
    const proposals = [1, 2, 3, 4, 5, 6].map((id) => ({ id, payload: new Uint8Array(1) }))
    stand.step({ type: 'propose', proposals, epochMs: 0 })
    const batches = () =>
      sends(stand.effects, 'append', 'n2').map(({ message }) => message.entries.map(({ index }) => index))
    expect(batches()).toEqual([
      [3, 4],
      [5, 6],
    ])
    stand.acknowledge('n2', 4)
    expect(batches().at(-1)).toEqual([7, 8])
    stand.clear()
    stand.receive({
      kind: 'appendReply',
      from: 'n2',
      term: 2,
      round: 1,
      outcome: { accepted: false, previous: 6, hint: { index: 4, term: 2 } },
    })
    expect(batches()).toEqual([[5, 6]])
    expect(stand.core.peers.get('n2')?.state).toBe('probe')
    stand.acknowledge('n2', 6)
    expect(batches()).toEqual([
      [5, 6],
      [7, 8],
    ])
  })

  it('takes a shorter log for damage only if the reply is newer than what it knows', () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    stand.acknowledge('n2', 2, 1)
    stand.now = 50
    stand.step({ type: 'timeout', timer: 'heartbeat' })
    stand.step({ type: 'timeout', timer: 'heartbeat' })
    stand.acknowledge('n2', 2, 2)
    const refuse = (round: number) =>
      stand.receive({
        kind: 'appendReply',
        from: 'n2',
        term: 2,
        round,
        outcome: { accepted: false, previous: 2, hint: { index: 1, term: 0 } },
      })
    refuse(2)
    expect(stand.core.peers.get('n2')).toMatchObject({ state: 'replicate', match: 2 })
    refuse(3)
    expect(stand.core.peers.get('n2')).toMatchObject({ state: 'probe', match: 1, next: 2 })
  })

  it('fetches from the disk what it no longer holds, and sends it if it is still meant', () => {
    const stand = LoneCore.recovered(logOf(three, 1, 1, 1, 1), 1, { maxCachedBytes: 1, maxBatch: 2 }).lead()
    expect(stand.core.entryAt(3)).toBeUndefined()
    const refuse = () =>
      stand.receive({
        kind: 'appendReply',
        from: 'n2',
        term: 2,
        round: 1,
        outcome: { accepted: false, previous: 5, hint: { index: 1, term: 0 } },
      })
    refuse()
    expect(ofType(stand.effects, 'fetch')).toMatchObject([{ to: 'n2', from: 2, maxEntries: 2 }])
    stand.clear()
    stand.step({ type: 'fetched', to: 'n2', from: 2, entries: [entry(2, 1), entry(3, 7)] })
    expect(sends(stand.effects, 'append').map(({ message }) => message.entries)).toEqual([[entry(2, 1)]])
    stand.step({ type: 'fetched', to: 'n2', from: 2, entries: [entry(2, 1)] })
    stand.step({ type: 'fetched', to: 'n9', from: 2, entries: [entry(2, 1)] })
    expect(sends(stand.effects, 'append')).toHaveLength(1)
  })

  it('reads for a peer once at a time, and takes a late answer for none', () => {
    const stand = LoneCore.recovered(logOf(three, 1, 1, 1, 1), 1, { maxCachedBytes: 1, maxBatch: 2 }).lead()
    const refuse = (round: number) =>
      stand.receive({
        kind: 'appendReply',
        from: 'n2',
        term: 2,
        round,
        outcome: { accepted: false, previous: 5, hint: { index: 1, term: 0 } },
      })
    refuse(1)
    stand.acknowledge('n2', 2)
    const answer = { type: 'fetched', to: 'n2', from: 2, entries: [entry(2, 1), entry(3, 1)] } as const
    expect(ofType(stand.effects, 'fetch').map(({ from }) => from)).toEqual([2, 3])
    stand.step(answer)
    stand.step(answer)
    expect(ofType(stand.effects, 'fetch')).toHaveLength(2)
    stand.step({ ...answer, from: 3, entries: [entry(3, 1), entry(4, 1)] })
    expect(ofType(stand.effects, 'fetch').map(({ from }) => from)).toEqual([2, 3, 5])
  })

  it('reads at once what may be on its way to a peer, and sends it batch by batch', () => {
    const stand = LoneCore.recovered(logOf(three, 1, 1, 1, 1, 1, 1, 1), 1, {
      ...{ maxCachedBytes: 1, maxBatch: 2, maxInflight: 3 },
    }).lead()
    const outcome = { accepted: false, previous: 8, hint: { index: 1, term: 0 } } as const
    stand.receive({ kind: 'appendReply', from: 'n2', term: 2, round: 1, outcome })
    stand.acknowledge('n2', 1)
    expect(ofType(stand.effects, 'fetch').at(-1)).toMatchObject({ from: 2, maxEntries: 6 })
    stand.clear()
    const entries = [2, 3, 4, 5, 6, 7, 8].map((index) => entry(index, 1))
    stand.step({ type: 'fetched', to: 'n2', from: 2, entries })
    const sent = sends(stand.effects, 'append').map(({ message }) => message.entries.map(({ index }) => index))
    expect(sent).toEqual([
      [2, 3],
      [4, 5],
      [6, 7],
    ])
    stand.acknowledge('n2', 3)
    expect(ofType(stand.effects, 'fetch').at(-1)).toMatchObject({ from: 8, maxEntries: 2 })
  })

  it('keeps log time from going back', () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    stand.step({ type: 'propose', proposals: [{ id: 1, payload: new Uint8Array(0) }], epochMs: 5000.7 })
    stand.step({ type: 'propose', proposals: [{ id: 2, payload: new Uint8Array(0) }], epochMs: 4000 })
    expect([3, 4].map((index) => stand.core.entryAt(index)?.timeMs)).toEqual([5000, 5000])
  })
})

describe('a proposal', () => {
  const refused = (stand: LoneCore) =>
    ofType(stand.effects, 'refused').map(({ ids, refused }) => [ids, refused.code, refused.leader])
  const propose = (stand: LoneCore, ...sizes: number[]) =>
    stand.step({
      type: 'propose',
      proposals: sizes.map((size, at) => ({ id: at + 1, payload: new Uint8Array(size) })),
      epochMs: 0,
    })

  it('is refused by who does not lead, with the leader if it is known', () => {
    const stand = LoneCore.recovered(logOf(three), 1)
    propose(stand, 1, 1)
    stand.receive(append({}))
    propose(stand, 1)
    expect(refused(stand)).toEqual([
      [[1, 2], 'notLeader', undefined],
      [[1], 'notLeader', 'n2'],
    ])
  })

  it('is refused if it is too large, and its neighbours are not', () => {
    const stand = LoneCore.recovered(logOf(three), 1, { maxEntryBytes: 10 }).lead()
    stand.clear()
    propose(stand, 10, 11, 3, 12)
    expect(refused(stand)).toEqual([[[2, 4], 'tooLarge', 'n1']])
    expect(ofType(stand.effects, 'accepted').map(({ id, position }) => [id, position.index])).toEqual([
      [1, 3],
      [3, 4],
    ])
  })

  it('is refused while too much is not committed, and taken again after', () => {
    const stand = LoneCore.recovered(logOf(three), 1, { maxUncommittedBytes: 100 }).lead()
    stand.acknowledge('n2')
    stand.clear()
    propose(stand, 200)
    propose(stand, 1)
    expect(refused(stand)).toEqual([[[1], 'rateLimited', 'n1']])
    expect(stand.core.uncommittedBytes).toBe(224)
    stand.persist()
    stand.acknowledge('n2')
    expect(stand.core.uncommittedBytes).toBe(0)
    stand.clear()
    propose(stand, 40, 36, 40)
    expect(refused(stand)).toEqual([[[3], 'rateLimited', 'n1']])
  })

  it('says where it stands, and that it stands there no more', () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    stand.propose('a', 5)
    expect(ofType(stand.effects, 'accepted')).toEqual([{ type: 'accepted', id: 5, position: { index: 3, term: 2 } }])
    stand.receive(append({ term: 3, previous: { index: 2, term: 2 }, entries: [entry(3, 3)] }))
    expect(ofType(stand.effects, 'overwritten')).toEqual([{ type: 'overwritten', from: 3 }])
  })
})

describe('a restart', () => {
  it('applies again what was known committed, behind the snapshot', () => {
    const stand = LoneCore.recovered(logOf(three, 1, 1, 1), 1, { commit: 3 })
    expect(ofType(stand.effects, 'apply').flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual([
      1, 2, 3,
    ])
    expect(ofType(stand.effects, 'configuration')).toMatchObject([{ at: 1, committed: true }])
  })

  it('reads from the disk what it applies and does not hold', () => {
    const stand = LoneCore.recovered(logOf(three, 1, 1, 1), 1, { commit: 4, maxCachedBytes: 30 })
    expect(ofType(stand.effects, 'applyStored')).toEqual([{ type: 'applyStored', from: 1, through: 3 }])
    expect(ofType(stand.effects, 'apply').flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual([4])
  })

  it('takes a commit index beyond its log for what it has', () => {
    expect(LoneCore.recovered(logOf(three, 1), 1, { commit: 9 }).core.commitIndex).toBe(2)
  })

  it('knows configurations that are not committed', () => {
    const stand = LoneCore.recovered([...logOf(three), configurationEntry(2, 1, voters('n1', 'n2'))], 1)
    expect(ofType(stand.effects, 'configuration').map(({ at, committed }) => [at, committed])).toEqual([
      [1, true],
      [2, false],
    ])
    expect(stand.core.configuration.at).toBe(2)
    expect(stand.core.committedConfiguration.at).toBe(1)
  })

  it('stops at what cannot be its log', () => {
    const stand = LoneCore.recovered([...logOf(three, 1), entry(4, 1)], 1)
    expect(stand.core.lastPosition).toEqual({ index: 2, term: 1 })
  })

  it('begins behind a snapshot, or with what compaction has kept before it', () => {
    const snapshot = {
      last: { index: 3, term: 1 },
      configuration: three,
      size: 0,
      checksum: 0,
      machine: 'm',
      version: 1,
    }
    const start = (...entries: ReturnType<typeof entry>[]) =>
      new LoneCore({ recovered: { hardState: undefined, snapshot, entries, claimed: undefined } }).core
    expect(start()).toMatchObject({
      firstIndex: 4,
      lastPosition: { index: 3, term: 1 },
      commitIndex: 3,
      appliedIndex: 3,
    })
    expect(start(entry(4, 2))).toMatchObject({ firstIndex: 4, lastPosition: { index: 4, term: 2 } })
    expect(start(entry(2, 1), entry(3, 1), entry(4, 2))).toMatchObject({
      firstIndex: 3,
      lastPosition: { index: 4, term: 2 },
    })
    expect(start(entry(1, 0), entry(2, 1), entry(3, 1))).toMatchObject({
      firstIndex: 1,
      lastPosition: { index: 3, term: 1 },
    })
    expect(start(entry(2, 1))).toMatchObject({ firstIndex: 4, lastPosition: { index: 3, term: 1 } })
  })
})
