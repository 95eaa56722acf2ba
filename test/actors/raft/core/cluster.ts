// A network of pure cores: virtual time, links that can be cut, held and lost, disks that take their time, and a power
// cut that loses what was not durable. One seed, one run.

import type { Configuration } from '../../../../actors/raft/core/configuration.ts'
import type { Effect, HardState } from '../../../../actors/raft/core/effect.ts'
import type { Entry, LogIndex, LogPosition, ReplicaId } from '../../../../actors/raft/core/entry.ts'
import type { Input, MembershipChange, Refused } from '../../../../actors/raft/core/input.ts'
import type { Message, SnapshotDescription } from '../../../../actors/raft/core/message.ts'
import type { RaftOptions } from '../../../../actors/raft/core/options.ts'
import { RaftCore } from '../../../../actors/raft/core/raft-core.ts'
import type { Transition } from '../../../../actors/raft/core/transition.ts'
import { crc32c } from '../../../../src/storage/crc32c.ts'

export interface ClusterOptions extends RaftOptions {
  readonly ids?: readonly ReplicaId[]
  readonly seed?: number
  readonly latencyMs?: readonly [number, number]
  readonly diskMs?: readonly [number, number]
  /** Bytes of a snapshot's chunk. */
  readonly chunkBytes?: number
  readonly perNode?: Readonly<Record<ReplicaId, RaftOptions>>
  readonly configuration?: Configuration
}

interface StoredSnapshot {
  readonly description: SnapshotDescription
  readonly bytes: Uint8Array
}

export class Disk {
  entries: Entry[] = []
  hardState: HardState | undefined
  snapshot: StoredSnapshot | undefined
  chunks: { key: string; bytes: number[] } | undefined
  /** What a damaged log once reached, as its head record says. */
  claimed: LogPosition | undefined
  isGated = false
  isFull = false

  get last(): LogIndex {
    return this.entries.at(-1)?.index ?? this.snapshot?.description.last.index ?? 0
  }

  write({ truncateFrom, entries, hardState }: Extract<Effect, { type: 'persist' }>): void {
    if (truncateFrom !== undefined) this.entries = this.entries.filter(({ index }) => index < truncateFrom)
    this.entries.push(...entries)
    if (hardState !== undefined) this.hardState = hardState
  }

  entry(index: LogIndex): Entry | undefined {
    const [first] = this.entries
    return first === undefined ? undefined : this.entries[index - first.index]
  }
}

export interface Answers {
  readonly accepted: Map<number, { index: LogIndex; term: number }>
  readonly refused: Map<number, Refused>
  readonly readable: Map<number, LogIndex>
  readonly done: Set<number>
}

export class Replica {
  readonly id: ReplicaId
  incarnation = ''
  /** What it founds the group with, until its disk says so itself. */
  founders: Configuration | undefined
  core: RaftCore
  disk = new Disk()
  isUp = true
  isPaused = false
  /** Grows with each start: what was meant for the one before is dropped. */
  life = 0
  applied: Entry[] = []
  readonly timers = new Map<string, number>()
  readonly answers: Answers = { accepted: new Map(), refused: new Map(), readable: new Map(), done: new Set() }
  readonly transitions: Transition[] = []
  /** Effects of the last step. */
  effects: readonly Effect[] = []
  jobs: { readonly isWrite: boolean; readonly run: () => void }[] = []
  /** Its clock ahead of the true one. */
  clockAheadMs = 0
  queued: Message[] = []

  constructor(id: ReplicaId, core: RaftCore) {
    this.id = id
    this.core = core
  }
}

interface Event {
  readonly at: number
  readonly run: () => void
}

/** Numerical Recipes' generator: enough to vary a test. */
export function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x45d9f3b) >>> 0
    return (mixed ^ (mixed >>> 16)) >>> 0
  }
}

export class Cluster {
  now = 0
  readonly replicas = new Map<ReplicaId, Replica>()
  readonly options: ClusterOptions
  readonly random: () => number
  readonly sent: { from: ReplicaId; to: ReplicaId; message: Message }[] = []
  /** Says true for a message that is lost. */
  loses: (from: ReplicaId, to: ReplicaId, message: Message) => boolean = () => false
  /** Says true for a message that waits for {@link release}. */
  holds: (from: ReplicaId, to: ReplicaId, message: Message) => boolean = () => false
  held: { from: ReplicaId; to: ReplicaId; message: Message }[] = []
  /** Called after every step. */
  observe: (replica: Replica, input: Input | undefined, effects: readonly Effect[]) => void = () => {}
  readonly cuts = new Set<string>()
  #events: Event[] = []
  #lastId = 0

  constructor(options: ClusterOptions = {}) {
    this.options = options
    this.random = generator(options.seed ?? 1)
    const ids = options.ids ?? ['n1', 'n2', 'n3']
    const members = ids.map((id) => ({ id, incarnation: '', role: 'voter' }) as const)
    for (const id of ids) this.add(id, '', options.configuration ?? { members })
  }

  /** A replica on an empty disk. */
  add(id: ReplicaId, incarnation: string, founders?: Configuration): Replica {
    const disk = new Disk()
    const replica = new Replica(id, this.#makeCore(id, incarnation, disk, founders))
    replica.incarnation = incarnation
    replica.founders = founders
    replica.disk = disk
    this.replicas.set(id, replica)
    this.#begin(replica)
    return replica
  }

  get(id: ReplicaId): Replica {
    const replica = this.replicas.get(id)
    if (replica === undefined) throw new Error(`no replica ${id}`)
    return replica
  }

  core(id: ReplicaId): RaftCore {
    return this.get(id).core
  }

  /** The live leader of the highest term. */
  get leader(): Replica | undefined {
    let best: Replica | undefined
    for (const replica of this.replicas.values()) {
      if (!replica.isUp || replica.core.role !== 'leader') continue
      if (best === undefined || replica.core.term > best.core.term) best = replica
    }
    return best
  }

  /** Elects somebody, and waits until its first entry is committed everywhere. */
  elect(id?: ReplicaId): Replica {
    if (id !== undefined) this.step(id, { type: 'campaign' })
    this.until(() => {
      const leader = this.leader
      return leader !== undefined && leader.core.commitIndex === leader.core.lastPosition.index
    }, 10_000)
    const { leader } = this
    if (leader === undefined || (id !== undefined && leader.id !== id)) throw new Error(`${id} was not elected`)
    return leader
  }

  step(id: ReplicaId, input: Input): readonly Effect[] {
    const replica = this.get(id)
    if (!replica.isUp) return []
    const effects = replica.core.step(input, this.#clock(replica))
    replica.effects = effects
    for (const effect of effects) this.#carryOut(replica, effect)
    this.observe(replica, input, effects)
    return effects
  }

  nextId(): number {
    this.#lastId += 1
    return this.#lastId
  }

  propose(id: ReplicaId, ...commands: string[]): number[] {
    const proposals = commands.map((command) => ({ id: this.nextId(), payload: new TextEncoder().encode(command) }))
    this.step(id, { type: 'propose', proposals, epochMs: 1_700_000_000_000 + this.now })
    return proposals.map((proposal) => proposal.id)
  }

  read(id: ReplicaId, lease = false): number {
    const read = this.nextId()
    this.step(id, { type: 'read', ids: [read], lease })
    return read
  }

  transfer(from: ReplicaId, to: ReplicaId): number {
    const id = this.nextId()
    this.step(from, { type: 'transfer', id, to })
    return id
  }

  change(at: ReplicaId, change: MembershipChange): number {
    const id = this.nextId()
    this.step(at, { type: 'changeMembership', id, change, epochMs: 1_700_000_000_000 + this.now })
    return id
  }

  /** The payloads of the commands that a replica has applied. */
  commands(id: ReplicaId): string[] {
    return this.get(id)
      .applied.filter(({ kind }) => kind === 'command')
      .map(({ payload }) => new TextDecoder().decode(payload))
  }

  crash(id: ReplicaId): void {
    const replica = this.get(id)
    replica.isUp = false
    replica.life += 1
    replica.timers.clear()
    replica.jobs = []
    replica.queued = []
    replica.isPaused = false
    replica.disk.isGated = false
  }

  restart(id: ReplicaId): void {
    const replica = this.get(id)
    if (replica.isUp) return
    replica.isUp = true
    replica.core = this.#makeCore(id, replica.incarnation, replica.disk, replica.founders)
    const snapshot = replica.disk.snapshot
    replica.applied = snapshot === undefined ? [] : unpack(snapshot)
    this.#begin(replica)
  }

  /** Empties the disk of a replica that is down: it comes back in another life. */
  wipe(id: ReplicaId, incarnation: string): void {
    const replica = this.get(id)
    replica.disk = new Disk()
    replica.founders = undefined
    replica.incarnation = incarnation
  }

  isolate(id: ReplicaId): void {
    for (const other of this.replicas.keys()) this.cut(id, other)
  }

  cut(a: ReplicaId, b: ReplicaId): void {
    this.cuts.add(`${a}>${b}`).add(`${b}>${a}`)
  }

  heal(): void {
    this.cuts.clear()
  }

  release(): void {
    const { held } = this
    this.held = []
    this.holds = () => false
    for (const { from, to, message } of held) this.deliver(from, to, message)
  }

  deliver(from: ReplicaId, to: ReplicaId, message: Message): void {
    const replica = this.replicas.get(to)
    if (replica === undefined || !replica.isUp || this.cuts.has(`${from}>${to}`)) return
    if (replica.isPaused) replica.queued.push(message)
    else this.step(to, { type: 'message', message })
  }

  pause(id: ReplicaId): void {
    this.get(id).isPaused = true
  }

  resume(id: ReplicaId): void {
    const replica = this.get(id)
    replica.isPaused = false
    for (const message of replica.queued.splice(0)) this.step(id, { type: 'message', message })
    for (const [timer, at] of [...replica.timers]) if (at <= this.#clock(replica)) this.#fire(replica, timer)
  }

  gateDisk(id: ReplicaId): void {
    this.get(id).disk.isGated = true
  }

  releaseDisk(id: ReplicaId): void {
    const replica = this.get(id)
    replica.disk.isGated = false
    while (replica.jobs.length > 0) replica.jobs.shift()?.run()
  }

  snapshot(id: ReplicaId): void {
    const replica = this.get(id)
    const last = replica.applied.at(-1)
    // A snapshot ahead of the disk's log would leave a gap in it after a power cut.
    if (last === undefined || !replica.isUp || last.index > replica.core.durableIndex) return
    const bytes = new TextEncoder().encode(JSON.stringify(replica.applied.map(toJson)))
    const description: SnapshotDescription = {
      last: { index: last.index, term: last.term },
      configuration: replica.core.committedConfiguration.configuration,
      size: bytes.length,
      checksum: crc32c(bytes),
      machine: 'list',
      version: 1,
    }
    replica.disk.snapshot = { description, bytes }
    this.step(id, { type: 'snapshotTaken', snapshot: description })
  }

  /** Runs events for so long. */
  run(ms: number): void {
    this.until(() => false, ms)
  }

  /** Runs events until it holds, at most so long; says whether it does. */
  until(holds: () => boolean, ms = 5_000): boolean {
    const end = this.now + ms
    while (!holds()) {
      const event = this.#events[0]
      if (event === undefined || event.at > end) {
        this.now = end
        return holds()
      }
      this.#events.shift()
      this.now = Math.max(this.now, event.at)
      event.run()
    }
    return true
  }

  /** Runs `job` after a while. */
  after(ms: number, run: () => void): void {
    const at = this.now + ms
    let place = this.#events.length
    while (place > 0 && (this.#events[place - 1]?.at ?? 0) > at) place -= 1
    this.#events.splice(place, 0, { at, run })
  }

  between([least, most]: readonly [number, number]): number {
    return least + ((most - least) * this.random()) / 0x1_0000_0000
  }

  #makeCore(id: ReplicaId, incarnation: string, disk: Disk, founders: Configuration | undefined): RaftCore {
    const { perNode, ids: _, ...options } = this.options
    const { hardState, snapshot, entries } = disk
    const recovered = { hardState, snapshot: snapshot?.description, entries: [...entries], claimed: disk.claimed }
    return new RaftCore({
      ...options,
      ...perNode?.[id],
      id,
      incarnation,
      founders,
      recovered,
      random: this.random,
      nowMs: this.now,
    })
  }

  #clock(replica: Replica): number {
    return this.now + replica.clockAheadMs
  }

  #begin(replica: Replica): void {
    const effects = replica.core.begin(this.#clock(replica))
    replica.effects = effects
    for (const effect of effects) this.#carryOut(replica, effect)
    this.observe(replica, undefined, effects)
  }

  #carryOut(replica: Replica, effect: Effect): void {
    const { answers, id } = replica
    switch (effect.type) {
      case 'send':
        return this.#send(id, effect.to, effect.message)
      case 'persist':
        return this.#disk(
          replica,
          () => {
            if (replica.disk.isFull) {
              // All behind a failed write fail with it.
              replica.jobs = replica.jobs.filter(({ isWrite }) => !isWrite)
              const last = replica.disk.entries.at(-1)
              const durable = { index: replica.disk.last, term: last?.term ?? 0 }
              this.step(id, { type: 'persistFailed', write: effect.write, reason: 'full', durable })
              return
            }
            replica.disk.write(effect)
            this.step(id, { type: 'persisted', write: effect.write })
          },
          true,
        )
      case 'timer':
        if (effect.afterMs === undefined) replica.timers.delete(effect.timer)
        else this.#setTimer(replica, effect.timer, effect.afterMs)
        return
      case 'apply':
        return this.#apply(replica, effect.entries)
      case 'applyStored': {
        const entries: Entry[] = []
        for (let index = effect.from; index <= effect.through; index += 1) {
          const entry = replica.disk.entry(index)
          if (entry !== undefined) entries.push(entry)
        }
        return this.#apply(replica, entries)
      }
      case 'fetch':
        return this.#disk(replica, () => {
          const entries = replica.disk.entries.filter(({ index }) => index >= effect.from).slice(0, effect.maxEntries)
          const { to, from } = effect
          this.step(id, { type: 'fetched', to, from, entries: entries[0]?.index === from ? entries : [] })
        })
      case 'accepted':
        answers.accepted.set(effect.id, effect.position)
        return
      case 'refused':
        for (const refused of effect.ids) answers.refused.set(refused, effect.refused)
        return
      case 'done':
        answers.done.add(effect.id)
        return
      case 'readable':
        for (const read of effect.ids) answers.readable.set(read, effect.index)
        return
      case 'transition':
        replica.transitions.push(effect.transition)
        return
      default:
        return this.#carryOutSnapshot(replica, effect)
    }
  }

  #carryOutSnapshot(replica: Replica, effect: Effect): void {
    const { id } = replica
    if (effect.type === 'sendChunk') {
      const stored = replica.disk.snapshot
      if (stored === undefined) throw new Error('no snapshot to send')
      const chunk = stored.bytes.slice(effect.offset, effect.offset + (this.options.chunkBytes ?? 100))
      this.#send(id, effect.to, {
        kind: 'snapshot',
        from: id,
        incarnation: replica.incarnation,
        term: effect.term,
        snapshot: effect.snapshot,
        offset: effect.offset,
        chunk,
        chunkChecksum: crc32c(chunk),
      })
    } else if (effect.type === 'storeChunk') {
      this.#disk(replica, () => {
        const key = JSON.stringify(effect.snapshot.last)
        if (effect.offset === 0 || replica.disk.chunks?.key !== key) replica.disk.chunks = { key, bytes: [] }
        replica.disk.chunks.bytes.push(...effect.chunk)
        const nextOffset = replica.disk.chunks.bytes.length
        this.step(id, { type: 'chunkStored', last: effect.snapshot.last, nextOffset })
      })
    } else if (effect.type === 'installSnapshot') {
      this.#disk(replica, () => {
        const bytes = Uint8Array.from(replica.disk.chunks?.bytes ?? [])
        const intact = crc32c(bytes) === effect.snapshot.checksum
        replica.disk.chunks = undefined
        if (intact) {
          const { keepFrom } = effect
          replica.disk.entries = replica.disk.entries.filter(({ index }) => keepFrom !== undefined && index >= keepFrom)
          replica.disk.hardState = effect.hardState
          replica.disk.snapshot = { description: effect.snapshot, bytes }
          replica.applied = unpack(replica.disk.snapshot)
        }
        this.step(id, { type: 'snapshotInstalled', snapshot: effect.snapshot, intact })
      })
    } else if (effect.type === 'compact') {
      this.#disk(replica, () => {
        replica.disk.entries = replica.disk.entries.filter(({ index }) => index > effect.through)
      })
    }
  }

  #apply(replica: Replica, entries: readonly Entry[]): void {
    for (const entry of entries) {
      const before = replica.applied.at(-1)?.index ?? 0
      if (entry.index !== before + 1) throw new Error(`${replica.id} applies ${entry.index} behind ${before}`)
      replica.applied.push(entry)
    }
    const { life } = replica
    const index = replica.applied.at(-1)?.index ?? 0
    this.after(0, () => {
      if (replica.life === life) this.step(replica.id, { type: 'applied', index })
    })
  }

  /** Jobs of one disk are done in the order in which they were given. */
  #disk(replica: Replica, job: () => void, isWrite = false): void {
    const { life } = replica
    let isDone = false
    const once = () => {
      if (replica.life !== life || isDone) return
      isDone = true
      job()
    }
    replica.jobs.push({ isWrite, run: once })
    this.after(this.between(this.options.diskMs ?? [0, 2]), () => {
      if (replica.life !== life || replica.disk.isGated) return
      while (!isDone && replica.jobs.length > 0) replica.jobs.shift()?.run()
    })
  }

  #send(from: ReplicaId, to: ReplicaId, message: Message): void {
    this.sent.push({ from, to, message })
    if (this.cuts.has(`${from}>${to}`) || this.loses(from, to, message)) return
    if (this.holds(from, to, message)) {
      this.held.push({ from, to, message })
      return
    }
    this.after(this.between(this.options.latencyMs ?? [1, 10]), () => this.deliver(from, to, message))
  }

  #setTimer(replica: Replica, timer: string, afterMs: number): void {
    const { life } = replica
    const at = this.#clock(replica) + afterMs
    replica.timers.set(timer, at)
    this.after(afterMs, () => {
      if (replica.life !== life || replica.timers.get(timer) !== at || replica.isPaused) return
      this.#fire(replica, timer)
    })
  }

  #fire(replica: Replica, timer: string): void {
    replica.timers.delete(timer)
    this.step(replica.id, { type: 'timeout', timer: timer === 'heartbeat' ? 'heartbeat' : 'election' })
  }
}

function toJson({ index, term, kind, timeMs, payload }: Entry) {
  return { index, term, kind, timeMs, payload: [...payload] }
}

function unpack({ bytes }: StoredSnapshot): Entry[] {
  const entries: ReturnType<typeof toJson>[] = JSON.parse(new TextDecoder().decode(bytes))
  return entries.map((entry) => ({ ...entry, payload: Uint8Array.from(entry.payload), bytes: new Uint8Array(0) }))
}
