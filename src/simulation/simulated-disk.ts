// The disk of a simulated node: the in-memory disk, which is as fast as the seed says, loses what was not synced when
// the power goes, and obeys the scenario. It outlives the lives of its node.

import type { Alarm } from '../kernel/ports/index.ts'
import { type DiskJob, MemoryDisk } from '../storage/memory-disk.ts'
import type { SeededRandom } from './random.ts'
import { type Happening, microseconds, type VirtualTime } from './virtual-time.ts'

export interface SimulatedDiskOptions {
  /** How long a flush or a read takes: uniform, in milliseconds. Default [0, 2]. */
  readonly syncLatency?: readonly [least: number, most: number]
  /**
   * What a power cut does to writes that were not synced: `true` (default) loses all, `some` as many as the seed says
   * (those that had reached the platter stay), `false` none.
   */
  readonly loseUnsynced?: boolean | 'some'
}

export interface DiskHost {
  readonly time: VirtualTime
  readonly random: SeededRandom
  /** A job is done: hands it to the node, if that runs. */
  completed(job: DiskJob, complete: () => void): void
}

class PendingJob implements Happening {
  readonly job: DiskJob
  readonly complete: () => void
  /** None while the gate holds it. */
  alarm: Alarm | undefined
  readonly #done: (pending: PendingJob) => void

  constructor(job: DiskJob, complete: () => void, done: (pending: PendingJob) => void) {
    this.job = job
    this.complete = complete
    this.#done = done
  }

  happen(): void {
    this.#done(this)
  }
}

/** The disk of a node, made with it: `world.disk(name)`, and `machine.disk` in its `boot`. */
export class SimulatedDisk {
  readonly #host: DiskHost
  readonly #usual: readonly [number, number]
  readonly #lose: boolean | 'some'
  readonly #pending = new Set<PendingJob>()
  #latency: readonly [number, number]
  #gated = false
  #tearsNext = false
  #rotsNext = false
  #memory: MemoryDisk

  /** @internal */
  constructor(host: DiskHost, options: SimulatedDiskOptions = {}) {
    this.#host = host
    this.#usual = latencyOf(options.syncLatency ?? [0, 2])
    this.#latency = this.#usual
    this.#lose = options.loseUnsynced ?? true
    this.#memory = this.#blank()
  }

  /** What stores are opened on: `disk.memory.open('log')`. */
  get memory(): MemoryDisk {
    return this.#memory
  }

  /** How many flushes and reads are under way. */
  get pending(): number {
    return this.#pending.size
  }

  /** From now on no write becomes durable, those under way included, until {@link release}. */
  gate(): void {
    this.#gated = true
    for (const pending of this.#pending) {
      if (pending.job.kind !== 'write') continue
      pending.alarm?.cancel()
      pending.alarm = undefined
    }
  }

  /** Lets `count` held writes become durable, the last ones first if `reverse`; without `count` all, and ends the gate. */
  release(options: { readonly count?: number; readonly reverse?: boolean } = {}): void {
    const held = [...this.#pending].filter((pending) => pending.alarm === undefined)
    if (options.reverse === true) held.reverse()
    if (options.count === undefined) this.#gated = false
    for (const pending of held.slice(0, options.count)) this.#complete(pending)
  }

  /** Slower, or faster: milliseconds. Undefined: as at the beginning. */
  setLatency(latency: readonly [least: number, most: number] | undefined): void {
    this.#latency = latency === undefined ? this.#usual : latencyOf(latency)
  }

  /** Writes fail with ERR_STORAGE_FULL while it is. */
  setFull(full: boolean): void {
    this.memory.faults.full = full
  }

  /** The next power cut leaves a torn part of the first write it loses. */
  tearNext(): void {
    this.#tearsNext = true
  }

  /** The next power cut comes with a damaged page: one bit of something stored, synced or not, is the other way round. */
  rotNext(): void {
    this.#rotsNext = true
  }

  /** Everything is as at the beginning, but for what is stored. */
  heal(): void {
    this.setFull(false)
    this.setLatency(undefined)
    this.#tearsNext = false
    this.#rotsNext = false
    this.release()
  }

  /** The power goes: see `loseUnsynced`. Stores must be opened anew. */
  cutPower(): void {
    for (const pending of this.#pending) pending.alarm?.cancel()
    this.#pending.clear()
    this.#gated = false
    const { random } = this.#host
    const kept = (_store: string, unsynced: number) =>
      this.#lose === 'some' ? random.below(unsynced + 1) : this.#lose ? 0 : unsynced
    const tear = { operations: random.below(4), bytes: random.below(512) }
    this.memory.cutPower(this.#tearsNext ? { kept, tear } : { kept })
    this.#tearsNext = false
    if (this.#rotsNext) this.#rot()
    this.#rotsNext = false
  }

  /** Everything stored is gone. Only while the node is down. */
  wipe(): void {
    this.#memory = this.#blank()
  }

  #rot(): void {
    const { random } = this.#host
    const contents = this.memory.contents()
    if (contents.length === 0) return
    const { name, key } = random.pick(contents)
    this.memory.damage(name, key, (value) => {
      const at = random.below(Math.max(1, value.length))
      const bit = 1 << random.below(8)
      const damaged = value[at]
      if (damaged !== undefined) value[at] = damaged ^ bit
      return value
    })
  }

  #blank(): MemoryDisk {
    return new MemoryDisk({ schedule: (job, complete) => this.#start(job, complete) })
  }

  #start(job: DiskJob, complete: () => void): void {
    const pending = new PendingJob(job, complete, this.#complete)
    this.#pending.add(pending)
    const { time, random } = this.#host
    const latency = random.between(this.#latency[0], this.#latency[1])
    if (this.#gated && job.kind === 'write') return
    pending.alarm = time.at(time.nowUs + latency, pending)
  }

  readonly #complete = (pending: PendingJob): void => {
    this.#host.completed(pending.job, () => {
      if (this.#pending.delete(pending)) pending.complete()
    })
  }
}

function latencyOf([least, most]: readonly [number, number]): readonly [number, number] {
  return [microseconds(least, 'syncLatency'), microseconds(most, 'syncLatency')]
}
