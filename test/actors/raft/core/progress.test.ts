// What a leader knows of a peer: limits of what is on its way, and their end with each state (30).

import { describe, expect, it } from 'vitest'
import { Progress } from '../../../../actors/raft/core/progress.ts'

const limits = { maxInflight: 2, maxInflightBytes: 100 }

describe('a probe', () => {
  it('is one message at a time', () => {
    const peer = new Progress('n2', '', 5)
    expect(peer.isPaused(limits)).toBe(false)
    peer.sent(7, 10)
    expect([peer.isPaused(limits), peer.next, peer.inflight]).toEqual([true, 5, 0])
    peer.becomeProbe(3)
    expect([peer.isPaused(limits), peer.next, peer.state]).toEqual([false, 3, 'probe'])
  })
})

describe('replication', () => {
  const replicating = () => {
    const peer = new Progress('n2', '', 1)
    peer.acknowledged(4, 1)
    peer.becomeReplicate()
    return peer
  }

  it('goes ahead of the replies up to so many messages', () => {
    const peer = replicating()
    expect(peer.next).toBe(5)
    peer.sent(6, 10)
    expect([peer.next, peer.isPaused(limits)]).toEqual([7, false])
    peer.sent(8, 10)
    expect([peer.next, peer.isPaused(limits), peer.inflight, peer.inflightBytes]).toEqual([9, true, 2, 20])
    expect(peer.acknowledged(5, 2)).toBe(true)
    expect(peer.inflight).toBe(2)
    expect(peer.acknowledged(6, 2)).toBe(true)
    expect([peer.inflight, peer.inflightBytes, peer.isPaused(limits)]).toEqual([1, 10, false])
    expect(peer.acknowledged(6, 3)).toBe(false)
    expect([peer.match, peer.matchRound, peer.next]).toEqual([6, 3, 9])
    peer.acknowledged(12, 2)
    expect([peer.match, peer.matchRound, peer.next, peer.inflight, peer.inflightBytes]).toEqual([12, 3, 13, 0, 0])
  })

  it('and up to so many bytes', () => {
    const peer = replicating()
    peer.sent(6, 99)
    expect(peer.isPaused(limits)).toBe(false)
    peer.sent(7, 1)
    expect(peer.isPaused({ ...limits, maxInflight: 9 })).toBe(true)
  })

  it('never takes back what was confirmed', () => {
    const peer = replicating()
    expect(peer.acknowledged(3, 9)).toBe(false)
    expect([peer.match, peer.next]).toEqual([4, 5])
  })

  it('forgets what was on its way with each change of state (30)', () => {
    const peer = replicating()
    peer.sent(6, 60)
    peer.fetching = 7
    expect(peer.isPaused(limits)).toBe(true)
    peer.becomeProbe(5)
    expect([peer.inflight, peer.inflightBytes, peer.fetching]).toEqual([0, 0, undefined])
    peer.becomeSnapshot({ index: 9, term: 1 }, 40)
    expect(peer.snapshot).toEqual({ last: { index: 9, term: 1 }, offset: 0, activeAt: 40 })
    expect(peer.isPaused(limits)).toBe(true)
    peer.becomeReplicate()
    expect([peer.snapshot, peer.isPaused(limits), peer.state]).toEqual([undefined, false, 'replicate'])
  })

  it('is copied whole', () => {
    const peer = replicating()
    peer.sent(6, 60)
    peer.isActive = true
    peer.confirmedRound = 7
    peer.snapshotNotBefore = 3
    const copy = peer.clone()
    expect(copy).toEqual(peer)
    copy.sent(7, 1)
    expect([peer.inflight, copy.inflight, copy.inflightBytes]).toEqual([1, 2, 61])
    peer.becomeSnapshot({ index: 9, term: 1 }, 40)
    const other = peer.clone()
    if (other.snapshot !== undefined) other.snapshot.offset = 5
    expect(peer.snapshot?.offset).toBe(0)
  })
})
