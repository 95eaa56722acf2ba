// Snapshots: compaction, chunks, resumption, installation (Raft paper §7), and who gets stuck in it elsewhere (31).

import { describe, expect, it } from 'vitest'
import type { Snapshot, SnapshotDescription } from '../../../../actors/raft/core/message.ts'
import { crc32c } from '../../../../src/storage/crc32c.ts'
import { Cluster } from './cluster.ts'
import { entry, LoneCore, logOf, ofType, sends, voters } from './lone-core.ts'

const three = voters('n1', 'n2', 'n3')
const bytes = Uint8Array.from({ length: 10 }, (_, at) => at)

function describeSnapshot(index: number, term: number, fields: Partial<SnapshotDescription> = {}): SnapshotDescription {
  const last = { index, term }
  return { last, configuration: three, size: 10, checksum: crc32c(bytes), machine: 'm', version: 1, ...fields }
}

function chunk(offset: number, length: number, fields: Partial<Snapshot> = {}): Omit<Snapshot, 'incarnation'> {
  const part = bytes.slice(offset, offset + length)
  const snapshot = describeSnapshot(8, 3)
  return {
    kind: 'snapshot',
    from: 'n2',
    term: 4,
    snapshot,
    offset,
    chunk: part,
    chunkChecksum: crc32c(part),
    ...fields,
  }
}
const replies = (stand: LoneCore) =>
  sends(stand.effects, 'snapshotReply').map(({ message }) => [message.state, message.nextOffset])

describe('an own snapshot', () => {
  const leader = () => {
    const stand = LoneCore.recovered(logOf(three, 1, 1, 1), 1, { maxBatch: 3 }).lead()
    stand.acknowledge('n2')
    stand.clear()
    return stand
  }

  it('lets the log before it go, but for what a live peer is about to need, within a batch', () => {
    const stand = leader()
    stand.acknowledge('n3')
    stand.step({ type: 'snapshotTaken', snapshot: describeSnapshot(4, 1) })
    expect(ofType(stand.effects, 'compact')).toEqual([{ type: 'compact', through: 4 }])
    expect(stand.core).toMatchObject({ firstIndex: 5, snapshot: { last: { index: 4 } } })
    const slow = leader()
    slow.acknowledge('n3', 3)
    slow.step({ type: 'snapshotTaken', snapshot: describeSnapshot(4, 1) })
    expect(ofType(slow.effects, 'compact')).toEqual([{ type: 'compact', through: 3 }])
    const slower = leader()
    slower.acknowledge('n3', 1)
    slower.step({ type: 'snapshotTaken', snapshot: describeSnapshot(4, 1) })
    expect(ofType(slower.effects, 'compact')).toEqual([{ type: 'compact', through: 2 }])
  })

  it('leaves what follows a snapshot that is being handed over, as far as may be on its way', () => {
    const compactedAt = (last: number, maxInflight: number) => {
      const stand = LoneCore.recovered(logOf(three, 1, 1, 1), 1, { maxBatch: 2, maxInflight }).lead()
      stand.acknowledge('n2')
      stand.step({ type: 'snapshotTaken', snapshot: describeSnapshot(3, 1) })
      const outcome = { accepted: false, previous: 4, hint: { index: 0, term: 0 } } as const
      stand.receive({ kind: 'appendReply', from: 'n3', term: 2, round: 1, outcome })
      expect(stand.core.peers.get('n3')?.state).toBe('snapshot')
      while (stand.core.lastPosition.index < last) {
        stand.propose('x')
        stand.persist()
        stand.acknowledge('n2')
      }
      stand.clear()
      stand.step({ type: 'snapshotTaken', snapshot: describeSnapshot(last, 2) })
      return ofType(stand.effects, 'compact')
    }
    expect(compactedAt(8, 3)).toEqual([])
    expect(compactedAt(8, 2)).toEqual([{ type: 'compact', through: 4 }])
  })

  it('is passed over if it is older than the last, or of what is not committed or not in the log', () => {
    const stand = leader()
    stand.step({ type: 'snapshotTaken', snapshot: describeSnapshot(3, 1) })
    stand.clear()
    stand.step({ type: 'snapshotTaken', snapshot: describeSnapshot(3, 1) })
    stand.step({ type: 'snapshotTaken', snapshot: describeSnapshot(2, 1) })
    stand.step({ type: 'snapshotTaken', snapshot: describeSnapshot(9, 2) })
    stand.step({ type: 'snapshotTaken', snapshot: describeSnapshot(4, 9) })
    expect(stand.effects).toEqual([])
    expect(stand.core.snapshot?.last.index).toBe(3)
  })

  it('goes to a peer that the log no longer reaches, chunk by chunk', () => {
    const stand = leader()
    stand.step({ type: 'snapshotTaken', snapshot: describeSnapshot(4, 1) })
    const refuse = () =>
      stand.receive({
        kind: 'appendReply',
        from: 'n3',
        term: 2,
        round: 1,
        outcome: { accepted: false, previous: 4, hint: { index: 1, term: 0 } },
      })
    stand.clear()
    refuse()
    const chunks = () => ofType(stand.effects, 'sendChunk').map(({ to, offset, term }) => [to, offset, term])
    expect(chunks()).toEqual([['n3', 0, 2]])
    const reply = (nextOffset: number, state: 'receiving' | 'installed' | 'refused', fields = {}) =>
      stand.receive({
        kind: 'snapshotReply',
        from: 'n3',
        term: 2,
        last: { index: 4, term: 1 },
        nextOffset,
        state,
        ...fields,
      })
    reply(4, 'receiving')
    reply(4, 'receiving')
    reply(8, 'receiving', { incarnation: 'x' })
    reply(8, 'receiving', { last: { index: 3, term: 1 } })
    refuse()
    expect(chunks().slice(1)).toEqual([['n3', 4, 2]])
    expect(stand.core.peers.get('n3')?.state).toBe('snapshot')
    stand.propose('a')
    expect(sends(stand.effects, 'append', 'n3')).toEqual([])
    reply(10, 'installed')
    expect(
      sends(stand.effects, 'append', 'n3').map(({ message }) => [message.previous.index, message.entries.length]),
    ).toEqual([[4, 2]])
    expect(stand.core.peers.get('n3')?.state).toBe('probe')
    stand.acknowledge('n3', 6)
    expect(stand.core.peers.get('n3')).toMatchObject({ state: 'replicate', match: 6 })
  })

  it('is not pressed on a peer that refuses it, nor on one that is gone; lost chunks are sent again (31)', () => {
    const stand = leader()
    stand.step({ type: 'snapshotTaken', snapshot: describeSnapshot(4, 1) })
    const refuse = () =>
      stand.receive({
        kind: 'appendReply',
        from: 'n3',
        term: 2,
        round: 1,
        outcome: { accepted: false, previous: 4, hint: { index: 1, term: 0 } },
      })
    const beat = () => {
      stand.clear()
      stand.acknowledge('n2', 5)
      stand.step({ type: 'timeout', timer: 'heartbeat' })
      return ofType(stand.effects, 'sendChunk').length
    }
    refuse()
    stand.now = 299
    refuse()
    expect(beat()).toBe(0)
    stand.now = 300
    expect(beat()).toBe(0)
    expect(stand.core.peers.get('n3')?.state).toBe('probe')
    refuse()
    expect(stand.core.peers.get('n3')?.state).toBe('snapshot')
    stand.now = 599
    refuse()
    stand.now = 600
    refuse()
    stand.now = 650
    refuse()
    expect(beat()).toBeLessThanOrEqual(1)
    stand.now = 1200
    refuse()
    beat()
    stand.receive({
      kind: 'snapshotReply',
      from: 'n3',
      term: 2,
      last: { index: 4, term: 1 },
      nextOffset: 0,
      state: 'refused',
    })
    stand.clear()
    stand.now = 1400
    refuse()
    expect(ofType(stand.effects, 'sendChunk')).toEqual([])
    stand.now = 1500
    refuse()
    expect(ofType(stand.effects, 'sendChunk')).toHaveLength(1)
  })

  it('gives way to a newer one, from its start', () => {
    const stand = leader()
    stand.step({ type: 'snapshotTaken', snapshot: describeSnapshot(3, 1) })
    stand.receive({
      kind: 'appendReply',
      from: 'n3',
      term: 2,
      round: 1,
      outcome: { accepted: false, previous: 4, hint: { index: 1, term: 0 } },
    })
    stand.step({ type: 'snapshotTaken', snapshot: describeSnapshot(4, 1) })
    stand.clear()
    stand.receive({
      kind: 'snapshotReply',
      from: 'n3',
      term: 2,
      last: { index: 3, term: 1 },
      nextOffset: 4,
      state: 'receiving',
    })
    expect(ofType(stand.effects, 'sendChunk')).toMatchObject([{ offset: 0, snapshot: { last: { index: 4 } } }])
  })
})

describe('a received snapshot', () => {
  const follower = (...terms: number[]) => LoneCore.recovered(logOf(three, ...terms), 4)
  const stored = (stand: LoneCore, nextOffset: number) =>
    stand.step({ type: 'chunkStored', last: { index: 8, term: 3 }, nextOffset })
  const receiveAll = (stand: LoneCore, fields: Partial<Snapshot> = {}) => {
    stand.receive(chunk(0, 10, fields))
    stored(stand, 10)
  }

  it('is kept chunk by chunk, each acknowledged when it is durable', () => {
    const stand = follower()
    stand.receive(chunk(0, 4))
    stand.receive(chunk(0, 4))
    expect(ofType(stand.effects, 'storeChunk').map(({ offset }) => offset)).toEqual([0])
    expect(replies(stand)).toEqual([])
    stored(stand, 4)
    expect(replies(stand)).toEqual([['receiving', 4]])
    stand.receive(chunk(0, 4))
    stand.receive(chunk(8, 2))
    expect(replies(stand).slice(1)).toEqual([
      ['receiving', 4],
      ['receiving', 4],
    ])
    expect(ofType(stand.effects, 'installSnapshot')).toEqual([])
    stand.receive(chunk(4, 6))
    stored(stand, 10)
    expect(ofType(stand.effects, 'installSnapshot')).toMatchObject([
      { keepFrom: undefined, hardState: { term: 4, commit: 8 }, snapshot: { last: { index: 8 } } },
    ])
  })

  it('goes on over a change of leader, and begins anew for another', () => {
    const stand = follower()
    stand.receive(chunk(0, 4))
    stored(stand, 4)
    stand.receive(chunk(0, 4, { from: 'n3', term: 5 }))
    stand.persist()
    expect(sends(stand.effects, 'snapshotReply').at(-1)).toMatchObject({
      to: 'n3',
      message: { term: 5, nextOffset: 4 },
    })
    stand.receive(chunk(4, 4, { from: 'n3', term: 5, snapshot: describeSnapshot(9, 3) }))
    expect(replies(stand).at(-1)).toEqual(['receiving', 0])
    stand.receive(chunk(0, 4, { from: 'n3', term: 5, snapshot: describeSnapshot(9, 3, { checksum: 1 }) }))
    expect(ofType(stand.effects, 'storeChunk')).toHaveLength(2)
  })

  it('is checked: a damaged chunk, one too long, one that brings nothing', () => {
    const stand = follower()
    stand.receive(chunk(0, 4, { chunkChecksum: 1 }))
    stand.receive(chunk(0, 10, { snapshot: describeSnapshot(8, 3, { size: 9 }) }))
    stand.receive(chunk(0, 0))
    expect(ofType(stand.effects, 'storeChunk')).toEqual([])
    expect(replies(stand)).toEqual([
      ['receiving', 0],
      ['receiving', 0],
      ['receiving', 0],
    ])
    stand.receive(chunk(0, 0, { snapshot: describeSnapshot(8, 3, { size: 0 }) }))
    expect(ofType(stand.effects, 'storeChunk')).toHaveLength(1)
  })

  it('takes the place of log and state, with its membership (16)', () => {
    const stand = follower(1, 1)
    const configuration = voters('n1', 'n2')
    const snapshot = describeSnapshot(8, 3, { configuration })
    receiveAll(stand, { snapshot })
    stand.clear()
    stand.step({ type: 'snapshotInstalled', snapshot, intact: true })
    expect(stand.core).toMatchObject({
      commitIndex: 8,
      appliedIndex: 8,
      firstIndex: 9,
      durableIndex: 8,
      lastPosition: { index: 8, term: 3 },
    })
    expect(stand.core.configuration).toEqual({ at: 8, configuration })
    expect(replies(stand)).toEqual([['installed', 10]])
    expect(ofType(stand.effects, 'configuration')).toMatchObject([{ at: 8, committed: true }])
    stand.receive({
      kind: 'append',
      from: 'n2',
      term: 4,
      previous: { index: 8, term: 3 },
      entries: [entry(9, 4)],
      commit: 9,
      round: 1,
    })
    expect(ofType(stand.effects, 'persist').at(-1)).toMatchObject({ truncateFrom: undefined, entries: [{ index: 9 }] })
    expect(
      ofType(stand.effects, 'apply')
        .at(-1)
        ?.entries.map(({ index }) => index),
    ).toEqual([9])
  })

  it('keeps what matches behind it, and drops what does not', () => {
    const kept = follower(1, 1, 1, 1, 1, 1, 3, 4)
    receiveAll(kept)
    expect(ofType(kept.effects, 'installSnapshot')[0]?.keepFrom).toBe(9)
    kept.step({ type: 'snapshotInstalled', snapshot: describeSnapshot(8, 3), intact: true })
    expect(kept.core).toMatchObject({
      firstIndex: 9,
      lastPosition: { index: 9, term: 4 },
      durableIndex: 9,
      commitIndex: 8,
    })
    const dropped = follower(1, 1, 1, 1, 1, 1, 1, 1)
    receiveAll(dropped)
    expect(ofType(dropped.effects, 'installSnapshot')[0]?.keepFrom).toBeUndefined()
    dropped.step({ type: 'snapshotInstalled', snapshot: describeSnapshot(8, 3), intact: true })
    expect(dropped.core.lastPosition).toEqual({ index: 8, term: 3 })
    expect(ofType(dropped.effects, 'overwritten')).toEqual([{ type: 'overwritten', from: 9 }])
  })

  it('takes no appends while it is being installed, and answers them', () => {
    const stand = follower()
    receiveAll(stand)
    stand.clear()
    stand.receive({
      kind: 'append',
      from: 'n2',
      term: 4,
      previous: { index: 1, term: 0 },
      entries: [entry(2, 4)],
      commit: 2,
      round: 6,
    })
    expect(sends(stand.effects, 'appendReply')).toMatchObject([
      { message: { round: 6, outcome: { accepted: true, match: 1 } } },
    ])
    expect(stand.core.lastPosition.index).toBe(1)
    stand.step({ type: 'campaign' })
    expect(stand.core.role).toBe('follower')
  })

  it('is not installed if the log has come past it meanwhile', () => {
    const stand = follower()
    stand.receive(chunk(0, 10))
    const entries = Array.from({ length: 8 }, (_, at) => entry(at + 2, at < 7 ? 3 : 4))
    const previous = { index: 1, term: 0 }
    stand.receive({ kind: 'append', from: 'n2', term: 4, previous, entries, commit: 9, round: 6 })
    stand.persist()
    expect(stand.core.commitIndex).toBe(9)
    stand.step({ type: 'chunkStored', last: { index: 8, term: 3 }, nextOffset: 10 })
    expect(ofType(stand.effects, 'installSnapshot')).toEqual([])
    expect(stand.core.commitIndex).toBe(9)
  })

  it('begins anew if the whole is damaged', () => {
    const stand = follower()
    receiveAll(stand)
    stand.step({ type: 'snapshotInstalled', snapshot: describeSnapshot(8, 3), intact: false })
    expect(replies(stand)).toEqual([['receiving', 0]])
    expect(stand.core.commitIndex).toBe(1)
    stand.receive(chunk(0, 4))
    expect(ofType(stand.effects, 'storeChunk').at(-1)?.offset).toBe(0)
  })

  it('is not wanted by who is past it, and is by a candidate of its term (31)', () => {
    const past = LoneCore.recovered(logOf(three, 1, 1, 1, 1, 1, 1, 3), 4, { commit: 8 })
    past.receive(chunk(0, 4))
    expect(replies(past)).toEqual([['installed', 10]])
    expect(ofType(past.effects, 'storeChunk')).toEqual([])
    const candidate = LoneCore.recovered(logOf(three), 3, { stable: false })
    candidate.settle({ type: 'campaign' })
    candidate.receive(chunk(0, 4))
    expect(candidate.core).toMatchObject({ role: 'follower', leader: 'n2' })
    expect(ofType(candidate.effects, 'storeChunk')).toHaveLength(1)
    const overtaken = follower()
    receiveAll(overtaken)
    overtaken.step({ type: 'snapshotInstalled', snapshot: describeSnapshot(9, 3), intact: true })
    expect(overtaken.core.commitIndex).toBe(1)
  })

  it('brings a log back to its vote floor', () => {
    const hardState = { term: 4, votedFor: undefined, commit: 1, voteFloor: { index: 7, term: 3 } }
    const stand = new LoneCore({
      recovered: { hardState, snapshot: undefined, entries: logOf(three), claimed: undefined },
    })
    receiveAll(stand)
    expect(ofType(stand.effects, 'installSnapshot')[0]?.hardState.voteFloor).toBeUndefined()
    stand.step({ type: 'snapshotInstalled', snapshot: describeSnapshot(8, 3), intact: true })
    expect(stand.core.voteFloor).toBeUndefined()
  })

  it('leaves a vote floor behind its end: what damage took from there on is missing still', () => {
    const voteFloor = { index: 12, term: 3 }
    const hardState = { term: 4, votedFor: undefined, commit: 1, voteFloor }
    const stand = new LoneCore({
      recovered: { hardState, snapshot: undefined, entries: logOf(three), claimed: undefined },
    })
    receiveAll(stand)
    expect(ofType(stand.effects, 'installSnapshot')[0]?.hardState.voteFloor).toEqual(voteFloor)
    stand.step({ type: 'snapshotInstalled', snapshot: describeSnapshot(8, 3), intact: true })
    expect(stand.core.voteFloor).toEqual(voteFloor)
  })
})

describe('in a group', () => {
  it('a newcomer and a wiped replica are brought up by snapshots, over a crash in the middle (31)', () => {
    const cluster = new Cluster({ chunkBytes: 40 })
    cluster.elect('n1')
    cluster.propose('n1', 'a', 'b', 'c')
    cluster.run(200)
    cluster.snapshot('n1')
    expect(cluster.core('n1').firstIndex).toBeGreaterThan(5)
    cluster.add('n4', 'x')
    cluster.change('n1', { op: 'add', node: 'n4', incarnation: 'x', role: 'voter' })
    cluster.run(120)
    expect(cluster.core('n1').peers.get('n4')?.state).toBe('snapshot')
    cluster.crash('n4')
    cluster.run(700)
    expect(cluster.core('n1').peers.get('n4')?.state).toBe('probe')
    cluster.restart('n4')
    expect(cluster.until(() => cluster.core('n4').isVoter, 5000)).toBe(true)
    expect(cluster.commands('n4')).toEqual(['a', 'b', 'c'])
  })

  it('a restart goes on behind the snapshot', () => {
    const cluster = new Cluster()
    cluster.elect('n1')
    cluster.propose('n1', 'a', 'b')
    cluster.run(200)
    for (const id of ['n1', 'n2', 'n3']) cluster.snapshot(id)
    cluster.run(50)
    for (const id of ['n1', 'n2', 'n3']) cluster.crash(id)
    for (const id of ['n1', 'n2', 'n3']) cluster.restart(id)
    const leader = cluster.elect()
    cluster.propose(leader.id, 'c')
    cluster.run(200)
    for (const id of ['n1', 'n2', 'n3']) expect(cluster.commands(id)).toEqual(['a', 'b', 'c'])
  })
})
