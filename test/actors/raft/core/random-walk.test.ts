// The five safety properties under everything at once, and a group that finds together again afterwards. What the storm
// must have visited is counted: a walk that never truncates or installs shows nothing of either.

import { describe, expect, it } from 'vitest'
import type { PlantedBug } from '../../../../actors/raft/core/settings.ts'
import { randomWalk } from './random-walk.ts'

describe('a network of cores in a storm', () => {
  it('keeps every safety property, and comes to rest in peace', () => {
    const totals = new Map<string, number>()
    for (let seed = 1; seed <= 80; seed += 1) {
      for (const [name, count] of randomWalk(seed, 250).safety.counts) totals.set(name, (totals.get(name) ?? 0) + count)
    }
    const least = {
      becomeLeader: 100,
      stepDown: 20,
      truncate: 10,
      configuration: 100,
      installSnapshot: 20,
      compact: 50,
      transferSent: 10,
      leaseRead: 5,
      readConfirmed: 100,
      refusePreVote: 100,
    }
    for (const [name, count] of Object.entries(least))
      expect([name, totals.get(name)]).toEqual([name, expect.toSatisfy((n) => n >= count)])
  })

  it('is the same storm for the same seed', () => {
    const trace = () => randomWalk(7, 100).cluster.sent
    expect(trace()).toEqual(trace())
  })

  it.each<[PlantedBug, RegExp]>([
    ['vote-before-durable', /Vote durable|One vote a term/],
    ['ack-before-durable', /Acknowledged is durable/],
    ['truncate-always', /committed|Committed|Completeness|no rest|Monotonic|last/],
    ['stale-read', /Linearizable read/],
  ])('is seen to break by %s', (bug, property) => {
    const found = () => {
      for (let seed = 1; seed <= 60; seed += 1) randomWalk(seed, 250, { bug })
    }
    expect(found).toThrow(property)
  })
})
