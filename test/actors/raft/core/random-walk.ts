// A storm over a network of cores: everything that may happen to a group, drawn from a seed, then peace, in which it
// must find together again.

import { Cluster, type ClusterOptions, type Replica } from './cluster.ts'
import { Safety } from './safety.ts'

export interface Walk {
  readonly cluster: Cluster
  readonly safety: Safety
  readonly steps: number
}

/**
 * @param watch is told of every step, the beginnings of the first lives included.
 * @throws whatever {@link Safety} finds, or that the group does not come to rest.
 */
export function randomWalk(
  seed: number,
  actions: number,
  options: ClusterOptions = {},
  watch: Cluster['observe'] = () => {},
): Walk {
  const cluster = new Cluster({
    ids: seed % 3 === 0 ? ['n1', 'n2', 'n3', 'n4', 'n5'] : ['n1', 'n2', 'n3'],
    latencyMs: seed % 2 === 0 ? [1, 10] : [1, 60],
    diskMs: seed % 5 === 0 ? [0, 40] : [0, 2],
    maxBatch: 1 + (seed % 7),
    maxInflight: 1 + (seed % 4),
    maxCachedBytes: seed % 4 === 0 ? 200 : 1_000_000,
    leaseReads: seed % 2 === 1,
    chunkBytes: 150,
    ...(seed % 6 === 0 ? { quiesceAfterRounds: 3 } : {}),
    ...(seed % 4 === 3 ? { stable: { preVote: false, checkQuorum: seed % 8 === 3 } } : {}),
    ...options,
    seed,
  })
  const safety = new Safety(cluster)
  const storm = new Storm(cluster, safety)
  let steps = 0
  const { observe } = cluster
  cluster.observe = (replica, input, effects) => {
    steps += 1
    observe(replica, input, effects)
    watch(replica, input, effects)
  }
  for (const replica of cluster.replicas.values()) watch(replica, undefined, replica.effects)
  for (let i = 0; i < actions; i += 1) {
    storm.act()
    cluster.run(storm.below(40))
  }
  storm.peace()
  if (!cluster.until(() => isAtRest(cluster), 20_000)) {
    throw new Error(`seed ${seed}: no rest: ${describe(cluster)}`)
  }
  return { cluster, safety, steps }
}

class Storm {
  readonly #cluster: Cluster
  readonly #safety: Safety
  #loss = 0
  #lives = 0
  #spares = 0

  constructor(cluster: Cluster, safety: Safety) {
    this.#cluster = cluster
    this.#safety = safety
    cluster.loses = () => this.below(1000) < this.#loss
  }

  below(bound: number): number {
    return Math.floor((this.#cluster.random() / 0x1_0000_0000) * bound)
  }

  act(): void {
    const cluster = this.#cluster
    const { id } = this.#any()
    const draw = this.below(100)
    if (draw < 40)
      cluster.propose(this.#target(), ...Array.from({ length: 1 + this.below(5) }, (_, i) => `${cluster.now}/${i}`))
    else if (draw < 50) cluster.read(this.#target(), this.below(2) === 0)
    else if (draw < 56) cluster.crash(id)
    else if (draw < 66) cluster.restart(id)
    else if (draw < 70) this.#divide()
    else if (draw < 75) cluster.heal()
    else if (draw < 78) this.#loss = this.below(4) * 80
    else if (draw < 81) cluster.snapshot(id)
    else if (draw < 84) cluster.transfer(this.#target(), id)
    else if (draw < 86) cluster.step(id, { type: 'campaign' })
    else if (draw < 88) this.#pauseOrResume(id)
    else if (draw < 91) this.#disk(this.#any())
    else if (draw < 93) this.#duplicate()
    else if (draw < 99) this.#change()
    else this.#wipe(this.#any())
  }

  peace(): void {
    const cluster = this.#cluster
    this.#loss = 0
    cluster.heal()
    for (const replica of cluster.replicas.values()) {
      replica.disk.isFull = false
      if (replica.isPaused) cluster.resume(replica.id)
      if (replica.disk.isGated) cluster.releaseDisk(replica.id)
      cluster.restart(replica.id)
      cluster.step(replica.id, { type: 'diskTrouble', isOver: true })
      if (replica.core.isQuiesced) cluster.read(replica.id)
    }
  }

  #any(): Replica {
    const all = [...this.#cluster.replicas.values()]
    const replica = all[this.below(all.length)]
    if (replica === undefined) throw new Error('nobody')
    return replica
  }

  #target(): string {
    return this.below(5) === 0 ? this.#any().id : (this.#cluster.leader?.id ?? this.#any().id)
  }

  #divide(): void {
    const { replicas } = this.#cluster
    this.#cluster.heal()
    const isLeft = new Map([...replicas.keys()].map((id) => [id, this.below(2) === 0]))
    for (const a of replicas.keys()) {
      for (const b of replicas.keys()) {
        if (isLeft.get(a) === isLeft.get(b)) continue
        // One direction only, now and then.
        if (this.below(4) !== 0) this.#cluster.cuts.add(`${a}>${b}`)
      }
    }
  }

  #pauseOrResume(id: string): void {
    const replica = this.#cluster.get(id)
    if (replica.isPaused) this.#cluster.resume(id)
    else if (replica.isUp) this.#cluster.pause(id)
  }

  #disk(replica: Replica): void {
    const draw = this.below(3)
    if (replica.disk.isGated) this.#cluster.releaseDisk(replica.id)
    else if (draw === 0 && replica.isUp) this.#cluster.gateDisk(replica.id)
    else replica.disk.isFull = draw === 1
  }

  #duplicate(): void {
    const { sent } = this.#cluster
    const late = sent[sent.length - 1 - this.below(Math.min(sent.length, 200))]
    if (late !== undefined) this.#cluster.deliver(late.from, late.to, late.message)
  }

  #change(): void {
    const cluster = this.#cluster
    const target = this.#target()
    const { id, incarnation } = this.#any()
    const draw = this.below(6)
    if (draw === 0 && cluster.replicas.size < 8 && typeof cluster.options.stable !== 'object') {
      this.#spares += 1
      const spare = `s${this.#spares}`
      cluster.add(spare, `first-${spare}`)
      const role = (['voter', 'voter', 'learner', 'witness'] as const)[this.below(4)] ?? 'voter'
      cluster.change(target, { op: 'add', node: spare, incarnation: `first-${spare}`, role })
    } else if (typeof cluster.options.stable === 'object') {
      // Without Pre-Vote whoever has been removed goes on disturbing, and there is no peace.
    } else if (this.#safety.destroyed.size > 0 && draw !== 3) {
      // With a disk gone, taking another voter away may leave no quorum of what is left.
    } else if (draw === 1) cluster.change(target, { op: 'remove', node: id })
    else if (draw === 2) cluster.change(target, { op: 'promote', node: id })
    else if (draw === 3) cluster.change(target, { op: 'add', node: id, incarnation, role: 'voter' })
    else if (draw === 4) {
      const members = [...cluster.replicas.keys()].filter(() => this.below(2) === 0)
      const incarnations = Object.fromEntries(members.map((member) => [member, cluster.get(member).incarnation]))
      cluster.change(target, { op: 'replaceAll', members, incarnations })
    }
  }

  /** Only one disk at a time, and only while the others are whole and have caught up: else the fault model is left. */
  #wipe(replica: Replica): void {
    const cluster = this.#cluster
    const { leader } = cluster
    if (leader === undefined || leader.id === replica.id || this.#safety.destroyed.size > 0) return
    const { configuration } = leader.core.configuration
    const voters = configuration.members.filter(({ role }) => role !== 'learner')
    const isWhole = configuration.outgoing === undefined && voters.length >= 3
    const others = voters.filter(({ id }) => id !== replica.id).map(({ id }) => cluster.get(id))
    const through = this.#safety.committedThrough
    if (!isWhole || !others.every(({ disk }) => disk.last >= through && disk.entry(through) !== undefined)) return
    this.#safety.destroyed.add(replica.id)
    cluster.crash(replica.id)
    this.#lives += 1
    cluster.wipe(replica.id, `life-${this.#lives}`)
  }
}

/** One leader, whose members all have applied the same. */
function isAtRest(cluster: Cluster): boolean {
  const { leader } = cluster
  if (leader === undefined || leader.core.pendingReads > 0) return false
  const { configuration, at } = leader.core.configuration
  if (configuration.outgoing !== undefined || at > leader.core.commitIndex) return false
  return configuration.members.every(({ id, role, incarnation }) => {
    const replica = cluster.get(id)
    const isThere = replica.incarnation === incarnation && replica.core.commitIndex === leader.core.lastPosition.index
    const isApplied = role === 'witness' || replica.applied.at(-1)?.index === leader.core.lastPosition.index
    return isThere && isApplied && replica.core.term === leader.core.term
  })
}

function describe(cluster: Cluster): string {
  const lines = [...cluster.replicas.values()].map(({ id, incarnation, core }) => {
    const { role, term, commitIndex, lastPosition, isVoter, durableIndex } = core
    const { members, outgoing } = core.configuration.configuration
    const names = members.map(
      (member) => `${member.id}${member.incarnation && `@${member.incarnation}`}:${member.role}`,
    )
    const going = outgoing === undefined ? '' : ` (out ${outgoing.map((member) => member.id)})`
    const peers = [...core.peers.values()].map((peer) => `${peer.id} ${peer.state} ${peer.match} ${peer.next}`)
    return `${id}@${incarnation} ${role} t${term} c${commitIndex} d${durableIndex} l${lastPosition.index}/${lastPosition.term} ${isVoter ? 'votes' : ''} [${names}]${going} {${peers}}`
  })
  return `\n${lines.join('\n')}`
}
