// Who runs next in a world: the simulator's scheduler. It never runs by itself; each step is one event. With a seed it
// chooses among the ready processes of all nodes; without, it serves as a thread's own scheduler does.
//
// Invariants: signals are handled in order of sending, before any process reads its mailbox; a paused node's processes
// and signals wait, in order; those of a node that is down are dropped.

import type { Clock, Turns } from '../kernel/ports/index.ts'
import type { Process } from '../kernel/process.ts'
import { Scheduler } from '../kernel/scheduler.ts'
import type { Signal } from '../kernel/signals.ts'
import type { SeededRandom } from './random.ts'
import type { SimulatedNode } from './simulated-node.ts'

/** While others wait, `low` processes get one turn in this many, as in production. */
const LOW_SHARE = 8

/** What a turn is about to do. */
export type TurnKind = 'start' | 'message' | 'offer' | 'continue' | 'timeout'

/** Is told of every turn and signal before it happens. */
export interface TurnObserver {
  turn(process: Process, kind: TurnKind, head: unknown, payload: unknown): void
  signal(target: Process, signal: Signal): void
}

export interface WorldSchedulerOptions {
  readonly clock: Clock
  readonly turns: Turns
  readonly observer: TurnObserver
  readonly random: SeededRandom | undefined
}

export class WorldScheduler extends Scheduler {
  readonly #observer: TurnObserver
  readonly #choice: SeededRandom | undefined
  readonly #high = new ReadyList()
  readonly #normal = new ReadyList()
  readonly #low = new ReadyList()
  readonly #unborn = new Set<Process>()
  #notify: (() => void)[] = []
  #sinceLow = 0

  constructor(options: WorldSchedulerOptions) {
    const { clock, turns, random } = options
    super(random === undefined ? { clock, turns } : { clock, turns, random })
    super.hold()
    this.#observer = options.observer
    this.#choice = random
  }

  /** A process has been made: its next turn is its first. */
  created(process: Process): void {
    this.#unborn.add(process)
  }

  override post(target: Process, signal: Signal): void {
    target.pendingSignals++
    const node = target.node as SimulatedNode
    if (node.state === 'up') this.signals.push(target, signal)
    else node.frozen.signals.push([target, signal])
  }

  override enqueue(process: Process): void {
    process.queued = true
    const node = process.node as SimulatedNode
    if (node.state === 'up') this.#laneOf(process).push(process)
    else node.frozen.ready.push(process)
  }

  override get quiet(): boolean {
    return this.signals.length + this.#normal.length + this.#high.length + this.#low.length === 0
  }

  override whenQuiet(notify: () => void): void {
    this.#notify.push(notify)
  }

  /**
   * One event: the signals under way, or, when there are none, one message of one ready process (without a seed: then
   * that too). False if there was nothing to do.
   */
  override step(): boolean {
    const signalled = this.signals.length > 0
    if (signalled) {
      this.deliverSignals()
      if (this.seeded) return true
    }
    const process = this.#choose()
    if (process === undefined) {
      // Whoever waited for quiet goes on now: that is something that has happened.
      if (this.#notify.length === 0) return signalled
      this.#tellQuiet()
      return true
    }
    this.#run(process)
    return true
  }

  /** Takes what waits for `node` out of the queues: its code stands still from here on. */
  freeze(node: SimulatedNode): void {
    for (const lane of [this.#high, this.#normal, this.#low]) node.frozen.ready.push(...lane.removeOf(node))
    for (let left = this.signals.length; left > 0; left--) {
      const target = this.signals.headAt(0) as Process
      const signal = this.signals.payloadAt(0) as Signal
      this.signals.shift()
      if (target.node === node) node.frozen.signals.push([target, signal])
      else this.signals.push(target, signal)
    }
  }

  /** Puts back what {@link freeze} took out, and what has come since. The node must be up. */
  thaw(node: SimulatedNode): void {
    const { ready, signals } = node.frozen
    node.frozen = { ready: [], signals: [] }
    for (const [target, signal] of signals) this.signals.push(target, signal)
    for (const process of ready) this.#laneOf(process).push(process)
  }

  #run(process: Process): void {
    const { mailbox, receiving, behaviour } = process
    const observer = this.#observer
    if (this.#unborn.size > 0 && this.#unborn.delete(process)) observer.turn(process, 'start', undefined, undefined)
    else if (receiving !== null)
      observer.turn(process, 'offer', mailbox.headAt(receiving.seen), mailbox.payloadAt(receiving.seen))
    else if (behaviour?.pending === true) observer.turn(process, 'continue', undefined, undefined)
    else if (mailbox.length > 0) observer.turn(process, 'message', mailbox.headAt(0), mailbox.payloadAt(0))
    else observer.turn(process, 'timeout', undefined, undefined)
    process.run(1)
  }

  override deliverSignals(): void {
    const { signals } = this
    while (signals.length > 0) {
      const target = signals.headAt(0) as Process
      const signal = signals.payloadAt(0) as Signal
      signals.shift()
      target.pendingSignals--
      this.#observer.signal(target, signal)
      target.handleSignal(signal)
    }
  }

  #tellQuiet(): void {
    const waiting = this.#notify
    this.#notify = []
    for (const notify of waiting) notify()
  }

  #laneOf(process: Process): ReadyList {
    if (process.priority === 'normal') return this.#normal
    return process.priority === 'high' ? this.#high : this.#low
  }

  #choose(): Process | undefined {
    if (this.#high.length > 0) return this.#high.take(this.#choice)
    if (this.#low.length > 0 && (this.#normal.length === 0 || ++this.#sinceLow >= LOW_SHARE)) {
      this.#sinceLow = 0
      return this.#low.take(this.#choice)
    }
    return this.#normal.take(this.#choice)
  }
}

/** Ready processes of one priority. */
class ReadyList {
  #items: Process[] = []
  #first = 0

  get length(): number {
    return this.#items.length - this.#first
  }

  push(process: Process): void {
    this.#items.push(process)
  }

  /** The oldest; with `choice` any, the last one then takes its place. */
  take(choice: SeededRandom | undefined): Process | undefined {
    const { length } = this
    if (length === 0) return undefined
    const at = this.#first + (choice === undefined || length === 1 ? 0 : choice.below(length))
    const process = this.#items[at]
    if (choice === undefined) {
      if (++this.#first >= 32 && this.#first * 2 >= this.#items.length) {
        this.#items = this.#items.slice(this.#first)
        this.#first = 0
      }
      return process
    }
    const last = this.#items.pop()
    if (last !== undefined && at < this.#items.length) this.#items[at] = last
    return process
  }

  removeOf(node: SimulatedNode): Process[] {
    const items = this.#items.slice(this.#first)
    this.#first = 0
    this.#items = items.filter((process) => process.node !== node)
    return items.filter((process) => process.node === node)
  }
}
