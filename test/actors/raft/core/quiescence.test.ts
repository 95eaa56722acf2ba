// A group without work says nothing; whatever comes wakes it (29).

import { describe, expect, it } from 'vitest'
import { Cluster } from './cluster.ts'
import { LoneCore, logOf, ofType, sends, voters } from './lone-core.ts'

const three = voters('n1', 'n2', 'n3')

function asleep(): Cluster {
  const cluster = new Cluster({ quiesceAfterRounds: 3 })
  cluster.elect('n1')
  cluster.propose('n1', 'a')
  cluster.run(2000)
  return cluster
}

describe('a group without work', () => {
  it('falls silent: no message, no timer, no term', () => {
    const cluster = asleep()
    for (const id of ['n1', 'n2', 'n3']) expect(cluster.core(id).isQuiesced).toBe(true)
    const { length } = cluster.sent
    cluster.run(60_000)
    expect(cluster.sent.length).toBe(length)
    for (const id of ['n1', 'n2', 'n3']) expect(cluster.get(id).timers.size).toBe(0)
  })

  it('wakes for a proposal and a read, at the leader and at a follower, and keeps its leader', () => {
    const cluster = asleep()
    cluster.propose('n1', 'b')
    cluster.run(100)
    expect(cluster.commands('n2')).toEqual(['a', 'b'])
    cluster.run(2000)
    expect(cluster.core('n1').isQuiesced).toBe(true)
    const read = cluster.read('n3')
    expect(cluster.until(() => cluster.get('n3').answers.readable.has(read), 200)).toBe(true)
    cluster.run(2000)
    expect(cluster.core('n1')).toMatchObject({ role: 'leader', term: 1 })
  })

  it('elects another when a campaign wakes it and its leader is gone', () => {
    const cluster = asleep()
    cluster.crash('n1')
    cluster.run(5000)
    expect(cluster.core('n2').role).toBe('follower')
    cluster.step('n2', { type: 'campaign' })
    expect(cluster.until(() => cluster.leader !== undefined, 2000)).toBe(true)
  })

  it('is not disturbed by who wakes alone', () => {
    const cluster = asleep()
    cluster.step('n2', { type: 'campaign' })
    cluster.run(3000)
    expect(cluster.core('n1')).toMatchObject({ role: 'leader', term: 1 })
    expect(cluster.core('n1').isQuiesced).toBe(true)
  })
})

describe('a leader', () => {
  const beats = (stand: LoneCore, count: number, by: readonly string[]) => {
    for (let i = 0; i < count; i += 1) {
      stand.now += 50
      stand.step({ type: 'timeout', timer: 'heartbeat' })
      const round = sends(stand.effects, 'append').at(-1)?.message.round ?? 0
      for (const id of by) stand.acknowledge(id, stand.core.lastPosition.index, round)
    }
  }
  const leader = () => {
    const stand = LoneCore.recovered(logOf(three), 1, { quiesceAfterRounds: 2 }).lead()
    stand.acknowledge('n2')
    return stand
  }

  it('falls silent after so many rounds that all have answered', () => {
    const stand = leader()
    stand.acknowledge('n3')
    beats(stand, 2, ['n2', 'n3'])
    expect(stand.core.isQuiesced).toBe(false)
    stand.clear()
    beats(stand, 1, ['n2', 'n3'])
    expect(sends(stand.effects, 'append').map(({ message }) => message.quiesce)).toEqual([true, true])
    expect(ofType(stand.effects, 'timer')).toEqual([{ type: 'timer', timer: 'heartbeat', afterMs: undefined }])
    expect(stand.core.isQuiesced).toBe(true)
    stand.clear()
    stand.receive({
      kind: 'appendReply',
      from: 'n3',
      term: 2,
      round: 9,
      outcome: { accepted: false, previous: 2, hint: { index: 1, term: 0 } },
    })
    expect(stand.core.isQuiesced).toBe(false)
    expect(ofType(stand.effects, 'timer')).toMatchObject([{ timer: 'heartbeat', afterMs: 50 }])
  })

  it('does not while somebody is missing or behind, or something is to be done', () => {
    const missing = leader()
    beats(missing, 9, ['n2'])
    expect(missing.core.isQuiesced).toBe(false)
    const behind = leader()
    behind.acknowledge('n3', 1)
    for (let i = 0; i < 9; i += 1) {
      beats(behind, 1, ['n2'])
      behind.acknowledge('n3', 1, sends(behind.effects, 'append').at(-1)?.message.round ?? 0)
    }
    expect(sends(behind.effects, 'append').some(({ message }) => message.quiesce === true)).toBe(false)
    const busy = leader()
    busy.acknowledge('n3')
    for (let i = 0; i < 6; i += 1) {
      busy.propose('a')
      busy.persist()
      beats(busy, 1, ['n2', 'n3'])
    }
    expect(busy.core.isQuiesced).toBe(false)
    const handing = leader()
    handing.acknowledge('n3')
    handing.step({ type: 'transfer', id: 1, to: 'n3' })
    beats(handing, 4, ['n2', 'n3'])
    expect(handing.core.isQuiesced).toBe(false)
  })

  it('that wakes does not hold its sleep against its followers (29)', () => {
    const stand = leader()
    stand.acknowledge('n3')
    beats(stand, 4, ['n2', 'n3'])
    stand.now = 100_000
    stand.propose('a')
    stand.now += 50
    stand.step({ type: 'timeout', timer: 'heartbeat' })
    expect(stand.core.role).toBe('leader')
    stand.now += 250
    stand.step({ type: 'timeout', timer: 'heartbeat' })
    expect(stand.core.role).toBe('follower')
  })
})

describe('a follower', () => {
  it('that is woken waits for its leader again, as long as for one just heard from', () => {
    const stand = LoneCore.recovered(logOf(three, 1), 1)
    const previous = { index: 2, term: 1 }
    stand.receive({
      ...{ kind: 'append', from: 'n2', term: 1, previous, entries: [], commit: 2, round: 1, quiesce: true },
    })
    expect(stand.core.isQuiesced).toBe(true)
    stand.now = 10_000
    stand.clear()
    stand.step({ type: 'read', ids: [1], lease: false })
    expect(ofType(stand.effects, 'timer')).toEqual([{ type: 'timer', timer: 'election', afterMs: 150 }])
  })

  it('sleeps only if it has all that the leader has', () => {
    const stand = LoneCore.recovered(logOf(three, 1, 1), 1)
    const append = (index: number, quiesce: boolean) =>
      stand.receive({
        kind: 'append',
        from: 'n2',
        term: 1,
        previous: { index, term: 1 },
        entries: [],
        commit: 3,
        round: 1,
        quiesce,
      })
    append(2, true)
    expect(stand.core.isQuiesced).toBe(false)
    append(3, true)
    expect(stand.core.isQuiesced).toBe(true)
    append(9, true)
    expect(stand.core.isQuiesced).toBe(false)
    append(3, true)
    stand.now = 10_000
    stand.clear()
    append(3, false)
    expect(stand.core.isQuiesced).toBe(false)
    expect(ofType(stand.effects, 'timer')).toMatchObject([{ timer: 'election' }])
  })
})
