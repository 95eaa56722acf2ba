// A world of virtual time: its nodes share one scheduler, which runs nothing but when the world steps it, and one clock,
// which stands still but while the world advances. One seed means one run.

import { Node } from '../kernel/node.ts'
import type { NodePorts, Turns } from '../kernel/ports/index.ts'
import type { ReportListener } from '../kernel/reports.ts'
import { Scheduler } from '../kernel/scheduler.ts'
import { SeededRandom } from './random.ts'
import { VirtualClock } from './virtual-clock.ts'
import { microseconds, VirtualTime } from './virtual-time.ts'

export interface WorldOptions {
  /**
   * Chooses among ready processes, and is what the nodes draw their randomness from: any safe integer. Default: first
   * come, first served, and seed 0 for the nodes.
   */
  readonly seed?: number
}

export interface WorldNodeOptions {
  /** The node's name, unique in the world. Default `node`. */
  readonly name?: string
  /** Called for each crash, dead letter and supervisor event. Must not throw. Default: nobody is told. */
  readonly onReport?: ReportListener
}

// Microtasks of handlers run to their end before an immediate does.
const turns: Turns = {
  soon: (task) => {
    Promise.resolve().then(task)
  },
  later: (task) => {
    setImmediate(task)
  },
}

/**
 * Nodes on one virtual clock, and the order in which their processes take turns. Nothing happens by itself: {@link settle}
 * runs what is ready, {@link advance} lets time pass, {@link run} does both until something is known. Two worlds of one
 * seed, given the same programs, do the same.
 */
export class World {
  readonly time = new VirtualTime()
  readonly scheduler: Scheduler
  readonly #clock = new VirtualClock(this.time)
  readonly #random: SeededRandom

  constructor(options: WorldOptions = {}) {
    this.#random = new SeededRandom(options.seed ?? 0)
    const clock = this.#clock
    this.scheduler = new Scheduler(
      options.seed === undefined ? { clock, turns } : { clock, turns, random: this.#random.fork('scheduler') },
    )
    this.scheduler.hold()
  }

  /**
   * Creates a node of this world, with its clock, and with randomness and secrets that follow from the world's seed and
   * the node's name: two nodes of one name draw the same.
   * @throws OptionError for a name that is not 1 to 255 letters, digits, `_`, `-`, `@` or `.`
   */
  createNode(options: WorldNodeOptions = {}): Node {
    const name = options.name ?? 'node'
    const secrets = this.#random.fork(`secrets of ${name}`)
    const ports: NodePorts = {
      clock: this.#clock,
      turns,
      random: this.#random.fork(`node ${name}`),
      secrets: { bytes: (size) => Uint8Array.from({ length: size }, () => secrets.below(256)) },
    }
    return new Node({
      name,
      ports,
      scheduler: this.scheduler,
      ...(options.onReport === undefined ? {} : { onReport: options.onReport }),
    })
  }

  /**
   * Runs until nothing is ready and nothing makes anything ready but time. A handler that awaits what never comes does
   * not hold it up.
   */
  async settle(): Promise<void> {
    do {
      while (this.scheduler.step()) await drained()
      await drained()
    } while (!this.scheduler.quiet)
  }

  /**
   * Steps, and lets time pass, until `outcome` is known, and not one step further. Rejects as it does, or with an error
   * when nothing is left that could bring it about.
   */
  async run<T>(outcome: PromiseLike<T>): Promise<T> {
    let known = false
    const done = () => {
      known = true
    }
    outcome.then(done, done)
    await drained()
    while (!known) {
      if (!this.scheduler.step() && !this.time.step()) throw new Error('world: nothing is left to happen')
      await drained()
    }
    return outcome
  }

  /**
   * Lets `ms` milliseconds pass, from one timer to the next, and settles at each. `Infinity`: until no timer is set.
   * Does not end while something sets a timer again and again.
   */
  async advance(ms: number): Promise<void> {
    const { time } = this
    const endUs = ms === Number.POSITIVE_INFINITY ? ms : time.nowUs + microseconds(ms)
    await this.settle()
    while (time.step(endUs)) await this.settle()
    if (endUs !== Number.POSITIVE_INFINITY) time.runUntil(endUs)
  }
}

/** Creates an empty world. See {@link World}. */
export function createWorld(options?: WorldOptions): World {
  return new World(options)
}

function drained(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
