// A node of a world: the production node, which besides can be paused and lose its power, reaches processes of other
// nodes through the world's router, and knows what each of its handlers waits for.

import { Call } from '../kernel/call.ts'
import type { ExitReason } from '../kernel/exit-reason.ts'
import { Node, type NodeOptions } from '../kernel/node.ts'
import type { Pid, Reference } from '../kernel/pid.ts'
import type { Process } from '../kernel/process.ts'
import { ProcessRef } from '../kernel/process-ref.ts'
import type { Definition, Ref } from '../kernel/ref.ts'
import type { ProcessOptions, StartArguments, StartResult } from '../kernel/self.ts'
import type { Signal } from '../kernel/signals.ts'
import type { WorldRouter } from './world-router.ts'
import type { WorldScheduler } from './world-scheduler.ts'

/** What a node tells its world of promises: whoever awaits one goes on in a microtask, which the world must let run. */
export interface Pulse {
  /** A promise that somebody may await was settled, or a handler has returned one, in this event. */
  stirred: boolean
  /** What the world outside waits for: calls and starts. */
  readonly outside: Set<{ readonly done: boolean }>
  /** Handlers that have not finished, on all nodes. */
  unfinished: number
}

export interface SimulatedNodeOptions extends NodeOptions {
  readonly scheduler: WorldScheduler
  readonly pulse: Pulse
  readonly router: WorldRouter
}

export class SimulatedNode extends Node {
  state: 'up' | 'paused' | 'down' = 'up'
  /** What waits while the node stands still. */
  frozen: { ready: Process[]; signals: [Process, Signal][] } = { ready: [], signals: [] }
  readonly #scheduler: WorldScheduler
  readonly #pulse: Pulse
  readonly #router: WorldRouter
  /** Calls made by processes of this node; those that are done are swept out in time. */
  #calls: Call[] = []
  #sweepAt = 64
  readonly #starts = new Set<{ done: boolean }>()
  /** How many sleeps a process has under way. */
  readonly #sleeps = new Map<Process, number>()
  #arrivals: (() => void)[] = []
  #alarms: (() => void)[] = []

  constructor(options: SimulatedNodeOptions) {
    super(options)
    this.#scheduler = options.scheduler
    this.#pulse = options.pulse
    this.#router = options.router
    this.router = {
      deliver: (signal) => this.#router.deliver(this, signal),
      message: (to, head, payload) => this.#router.message(this, to, head, payload),
    }
  }

  override tryStart<T extends Definition>(definition: T, ...args: StartArguments<T>): Promise<StartResult> {
    return this.#expected(Reflect.apply(super.tryStart, this, [definition, ...args]))
  }

  override start<T extends Definition>(definition: T, ...args: StartArguments<T>): Promise<Ref<T>> {
    return this.#expected(Reflect.apply(super.start, this, [definition, ...args]))
  }

  override ended(process: Process, reason: ExitReason): void {
    super.ended(process, reason)
    this.#sleeps.delete(process)
  }

  override create(parent: Pid | undefined, options: ProcessOptions): Process {
    const process = super.create(parent, options)
    this.#scheduler.created(process)
    return process
  }

  override open(call: Call, head: unknown, timeoutMs: number): void {
    this.#expect(call)
    if (this.state === 'down') call.fail('noconnection')
    else if (this.isOwn(call.callee)) super.open(call, head, timeoutMs)
    else {
      if (timeoutMs !== Number.POSITIVE_INFINITY) call.limit(this.timers, timeoutMs)
      this.#router.request(this, head, call)
    }
  }

  override sendToAlias(ref: Reference, message: unknown): void {
    if (ref.nodeName === this.name && ref.creation === this.creation) super.sendToAlias(ref, message)
    else this.#router.sendToAlias(this, ref, message)
  }

  override sleep(process: Process, delayMs: number, settle: () => void): void {
    const sleeps = this.#sleeps.get(process) ?? 0
    super.sleep(process, delayMs, () => {
      const left = (this.#sleeps.get(process) ?? 1) - 1
      if (left === 0) this.#sleeps.delete(process)
      else this.#sleeps.set(process, left)
      settle()
    })
    this.#sleeps.set(process, sleeps + 1)
  }

  override countBusy(change: 1 | -1): void {
    super.countBusy(change)
    this.#pulse.unfinished += change
    this.#pulse.stirred = true
  }

  /** Whether something that the kernel does will let the code of `process` go on. */
  isWaiting(process: Process): boolean {
    if (process.receiving !== null || process.pendingSignals > 0 || this.#sleeps.has(process)) return true
    if (this.#calls.some((call) => call.caller === process && !call.done)) return true
    return this.living().some((child) => child.start?.starter === process)
  }

  /** The power goes: no code of this node runs any more, nobody on it is told, and nothing it awaits comes. */
  cutPower(): void {
    this.state = 'down'
    this.router = { deliver: () => {} }
    this.#scheduler.freeze(this)
    const { signals } = this.frozen
    this.frozen = { ready: [], signals: [] }
    this.#arrivals = []
    this.#alarms = []
    const processes = this.living()
    for (const process of processes) {
      if (process.busy) this.countBusy(-1)
      process.alive = false
      process.pid.process = null
    }
    // Only the world outside hears of it: callers on this node are no more, those on others learn it from the network.
    for (const process of processes) {
      for (let call = process.openCalls; call !== null; call = process.openCalls) call.fail('noconnection')
    }
    for (const [, signal] of signals) {
      if (signal.kind === 'message' && signal.payload instanceof Call) signal.payload.fail('noconnection')
    }
    this.timers.close()
    for (const start of this.#starts) start.done = true
    this.#pulse.stirred = true
  }

  /** Stands still: what its code would do, and what reaches it, waits until {@link resume}. */
  pause(): void {
    this.state = 'paused'
    this.#scheduler.freeze(this)
  }

  /** Goes on: what has arrived is handled in order of arrival, before the alarms that are due. */
  resume(): void {
    this.state = 'up'
    this.#scheduler.thaw(this)
    const waiting = [...this.#arrivals, ...this.#alarms]
    this.#arrivals = []
    this.#alarms = []
    for (const act of waiting) act()
  }

  /** Something reaches the node from its network or its disk: at once, on resume, or never. */
  arrive(act: () => void): void {
    if (this.state === 'up') act()
    else if (this.state === 'paused') this.#arrivals.push(act)
  }

  /** An alarm of its clock is due. */
  ring(act: () => void): void {
    if (this.state === 'up') act()
    else if (this.state === 'paused') this.#alarms.push(act)
  }

  living(): Process[] {
    return this.processes().flatMap((pid) => (pid instanceof ProcessRef && pid.process !== null ? [pid.process] : []))
  }

  #expect(call: Call): void {
    if (call.caller === null) {
      this.#pulse.outside.add(call)
      return
    }
    this.#calls.push(call)
    if (this.#calls.length < this.#sweepAt) return
    this.#calls = this.#calls.filter((other) => !other.done)
    this.#sweepAt = Math.max(64, 2 * this.#calls.length)
  }

  #expected<T>(outcome: Promise<T>): Promise<T> {
    const wait = { done: false }
    const settled = () => {
      wait.done = true
    }
    this.#pulse.outside.add(wait)
    this.#starts.add(wait)
    outcome.then(settled, settled)
    return outcome
  }
}
