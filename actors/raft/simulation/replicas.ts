// The replicas of a simulated group: how each is started, in which life of its disk it is, and what may be seen of it.

import { isCrash } from '../../../src/kernel/exit-reason.ts'
import type { Node } from '../../../src/kernel/node.ts'
import type { Ref } from '../../../src/kernel/ref.ts'
import type { Report } from '../../../src/kernel/reports.ts'
import type { ScheduleConfig, ScheduleSettings } from '../../../src/simulation/schedule.ts'
import type { SimulatedDisk } from '../../../src/simulation/simulated-disk.ts'
import type { World } from '../../../src/simulation/world.ts'
import { crc32c } from '../../../src/storage/crc32c.ts'
import { LogKeys } from '../../../src/storage/log-records.ts'
import { Applier } from '../applier.ts'
import type { Incarnation } from '../core/entry.ts'
import type { RaftOptions } from '../core/options.ts'
import type { ReplicaProtocol } from '../protocol.ts'
import { ReplicaMachine } from '../replica.ts'
import { ReplicaHost } from '../replica-host.ts'
import type { ObservedStep } from '../replica-options.ts'
import { namesOf, raftNode } from '../replica-tree.ts'
import type { RaftChecker } from './invariants.ts'
import { ApplyJournal, createRegisterMachine, type RegisterState } from './register-machine.ts'
import type { Totals } from './totals.ts'
import type { Tuning } from './tuning.ts'

const GROUP = 'group'
const NAMES = namesOf(GROUP)
const STORE = 'raft'

export interface ReplicasOptions {
  readonly founders: readonly string[]
  readonly config: ScheduleConfig
  readonly nodeConfig: Readonly<Record<string, ScheduleSettings>>
  readonly checker: RaftChecker
  /** A bug of the core, planted. */
  readonly bug?: string | undefined
  /** Bytes of a snapshot's chunk. Default: the tuning's. */
  readonly snapshotChunkBytes?: number
  readonly totals?: Totals
  /** Hears every step after the checker. */
  readonly onStep?: ((node: string, incarnation: Incarnation, step: ObservedStep) => void) | undefined
  readonly onBoot?: ((node: Node) => void) | undefined
  readonly tuning: Tuning
}

export class Replicas {
  readonly #world: World
  readonly #options: ReplicasOptions
  readonly #journal: ApplyJournal
  readonly #names: string[] = []
  readonly #founded = new Set<string>()
  readonly #wiped = new Set<string>()
  readonly #incarnations = new Map<string, Incarnation>()
  readonly #states = new Map<string, RegisterState>()
  /** Indexes of entries that rot at the node's next restart; 0: the last. */
  readonly #rot = new Map<string, number[]>()

  constructor(world: World, options: ReplicasOptions) {
    this.#world = world
    this.#options = options
    this.#journal = new ApplyJournal((rule, why) => options.checker.broken(rule, why))
    for (const name of options.founders) this.create(name)
  }

  /** All that have ever booted, in order of their numbers. */
  get names(): readonly string[] {
    return this.#names
  }

  /** Boots a node of that name, with an empty disk, unless there is one. */
  create(name: string): void {
    if (this.#names.includes(name)) return
    this.#names.push(name)
    this.#names.sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)))
    this.#world.createNode({
      name,
      onReport: (report) => this.#hear(name, report),
      boot: (node, { disk }) => this.#boot(name, node, disk),
    })
  }

  address(name: string): Ref<ReplicaProtocol> | undefined {
    return this.#names.includes(name) ? this.#world.address(ReplicaMachine, name, NAMES.replica) : undefined
  }

  /** What a replica knows now; undefined while it is down or starting. */
  host(name: string): ReplicaHost | undefined {
    if (!this.#names.includes(name) || !this.#world.isUp(name)) return undefined
    const seen = this.#world.probe(name, NAMES.replica)
    const data = typeof seen === 'object' && seen !== null && 'data' in seen ? seen.data : undefined
    return data instanceof ReplicaHost ? data : undefined
  }

  /** Replicas that are up and know something, with what they know. */
  *live(): Generator<readonly [name: string, host: ReplicaHost]> {
    for (const name of this.#names) {
      const host = this.host(name)
      if (host !== undefined) yield [name, host]
    }
  }

  /** The live leader of the highest term. */
  leader(): string | undefined {
    let highest = -1
    let leader: string | undefined
    for (const [name, { core }] of this.live()) {
      if (core.role !== 'leader' || core.term <= highest) continue
      highest = core.term
      leader = name
    }
    return leader
  }

  /** What a replica's machine holds. */
  state(name: string): RegisterState | undefined {
    return this.#states.get(name)
  }

  incarnation(name: string): Incarnation | undefined {
    return this.#incarnations.get(name)
  }

  /** At its next restart the entry (0: the last) is damaged. */
  rot(name: string, index: number): void {
    const waiting = this.#rot.get(name)
    if (waiting === undefined) this.#rot.set(name, [index])
    else waiting.push(index)
  }

  wiped(name: string): void {
    this.#wiped.add(name)
    this.#rot.delete(name)
  }

  async #boot(name: string, node: Node, disk: SimulatedDisk): Promise<void> {
    const { founders, config, nodeConfig, onBoot, snapshotChunkBytes, tuning } = this.#options
    onBoot?.(node)
    this.#states.delete(name)
    this.#strike(name, disk)
    const isFounder = founders.includes(name) && !this.#founded.has(name) && !this.#wiped.has(name)
    const own = { ...config, ...nodeConfig[name] }
    let incarnation: Incarnation = ''
    const machine = createRegisterMachine(name, this.#journal, (state) => this.#states.set(name, state))
    const tree = raftNode({
      group: GROUP,
      id: name,
      peer: (id) => this.address(id),
      store: () => disk.memory.open(STORE),
      machine,
      founders: isFounder ? founders : undefined,
      ports: node.ports,
      raft: { ...raftOptions(own, this.#options.bug), ...tuning.shared, priority: tuning.priorityOf(name) },
      snapshotEvery: own.snapshotEvery,
      snapshotChunkBytes: snapshotChunkBytes ?? tuning.snapshotChunkBytes,
      sessionTtlMs: own.sessionTtl,
      observe: (step) => {
        if (step.recovered !== undefined) {
          incarnation = step.incarnation ?? ''
          this.#founded.add(name)
          this.#incarnations.set(name, incarnation)
          this.#options.checker.started(name, incarnation, step.recovered)
        }
        this.#options.checker.stepped(name, incarnation, step)
        if (step.input?.type === 'applied') this.#compareSessions(name)
        if (own.leaseReads && this.host(name)?.core.hasLease === true) this.#options.checker.leased(name, incarnation)
        this.#options.totals?.stepped(name, incarnation, step)
        this.#options.onStep?.(name, incarnation, step)
      },
    })
    try {
      await node.start(tree)
    } catch {
      // It refuses to start: it counts as down.
      this.#world.crash(name)
    }
  }

  /** Whoever has applied as much has the same sessions. */
  #compareSessions(name: string): void {
    const applier = this.#world.probe(name, NAMES.applier)
    if (!(applier instanceof Applier)) return
    const { last, sessions } = applier.applied
    this.#journal.sessions(name, last.index, crc32c(sessions.snapshot()))
  }

  #strike(name: string, disk: SimulatedDisk): void {
    const indexes = this.#rot.get(name)
    if (indexes === undefined) return
    this.#rot.delete(name)
    const { checker } = this.#options
    const incarnation = this.#incarnations.get(name) ?? ''
    const last = checker.record(name, incarnation)?.durable.lastIndex ?? 0
    checker.damaged(name, incarnation)
    const keys = new LogKeys(`raft/${GROUP}`)
    const stored = disk.memory.contents().flatMap(({ name: store, key }) => (store === STORE ? [key] : []))
    for (const index of indexes) {
      const key = keys.recordOf(index === 0 ? last : index, stored)
      disk.memory.damage(STORE, key, (value) => value.map((byte) => byte ^ 0xff))
    }
  }

  /** A process of the replica that fails by its own code, and not by its disk's, has found an invariant broken. */
  #hear(name: string, report: Report): void {
    if (report.kind !== 'crash' || !isCrash(report.reason)) return
    const { error } = report.reason
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code.startsWith('ERR_STORAGE') || code.startsWith('ERR_LOG')) return
    this.#options.checker.broken('assertions', `${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function raftOptions(settings: ScheduleConfig, bug: string | undefined): RaftOptions {
  const { electionTimeout, heartbeat, preVote, checkQuorum, leaseReads, maxClockDrift, maxBatch, maxInflight } =
    settings
  return {
    electionTimeoutMs: electionTimeout,
    heartbeatMs: heartbeat,
    stable: { preVote, checkQuorum },
    leaseReads,
    maxClockDrift,
    ...(maxBatch === undefined ? {} : { maxBatch }),
    ...(maxInflight === undefined ? {} : { maxInflight }),
    bug,
  }
}
