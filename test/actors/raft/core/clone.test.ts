// A copy of a core is the core: it answers the same inputs with the same effects, and neither feels the other's.

import { expect, it } from 'vitest'
import type { RaftCore } from '../../../../actors/raft/core/raft-core.ts'
import { Cluster, type Replica } from './cluster.ts'

it('a copy made at any time goes on as its original does', () => {
  // A fixed time-out: the source of randomness is what copies share.
  const cluster = new Cluster({
    electionTimeoutMs: [200, 200],
    priority: 3,
    leaseReads: true,
    maxBatch: 3,
    maxInflight: 2,
    maxCachedBytes: 300,
    chunkBytes: 60,
    quiesceAfterRounds: 9,
    perNode: { n2: { electionTimeoutMs: [230, 230] }, n3: { electionTimeoutMs: [260, 260] } },
  })
  const copies = new Map<Replica, { readonly copy: RaftCore; readonly life: number }>()
  let compared = 0
  cluster.observe = (replica, input, effects) => {
    const known = copies.get(replica)
    if (known !== undefined && input !== undefined && known.life === replica.life) {
      expect(known.copy.step(input, cluster.now)).toEqual(effects)
      compared += 1
      // The copy of a copy, now and then made anew.
      copies.set(replica, { copy: compared % 3 === 0 ? known.copy.clone() : known.copy, life: replica.life })
    } else copies.set(replica, { copy: replica.core.clone(), life: replica.life })
  }
  const { id } = cluster.elect()
  const [other = '', third = ''] = [...cluster.replicas.keys()].filter((known) => known !== id)
  for (let i = 0; i < 12; i += 1) {
    cluster.propose(id, `a${i}`, `b${i}`, `c${i}`)
    cluster.read(id, i % 2 === 0)
    cluster.read(third)
    cluster.run(17)
    if (i === 3) cluster.crash(third)
    if (i === 5) cluster.wipe(third, 'second')
    if (i === 6) cluster.snapshot(id)
    if (i === 7) cluster.restart(third)
    if (i === 9) cluster.get(other).disk.isFull = true
    if (i === 10) cluster.get(other).disk.isFull = false
  }
  cluster.run(1500)
  cluster.transfer(id, other)
  cluster.read(id)
  cluster.run(400)
  expect(cluster.leader?.id).toBe(other)
  cluster.change(other, { op: 'replaceAll', members: [id, other] })
  cluster.run(3000)
  expect(cluster.core(other).configuration.configuration.members).toHaveLength(2)
  expect(compared).toBeGreaterThan(500)
})
