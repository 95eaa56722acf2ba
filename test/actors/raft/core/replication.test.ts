// Log replication (Raft paper §5.3, §5.4), seen over a small network of cores.

import { describe, expect, it } from 'vitest'
import { Cluster } from './cluster.ts'

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
})
