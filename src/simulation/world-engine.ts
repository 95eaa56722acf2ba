// The engine of a world: takes one event after another, lets its microtasks run to their end, asks what must always
// hold, and notices handlers that wait for nothing. It knows no nodes by name: see world.ts.

import { Call } from '../kernel/call.ts'
import { show } from '../kernel/errors.ts'
import { isCrash } from '../kernel/exit-reason.ts'
import { CALL, DOWN, EXIT, SYSTEM } from '../kernel/messages.ts'
import type { Turns } from '../kernel/ports/index.ts'
import type { Process } from '../kernel/process.ts'
import type { Report, ReportListener } from '../kernel/reports.ts'
import type { Signal } from '../kernel/signals.ts'
import { AmbientError, type AmbientGuard } from './ambient-guard.ts'
import type { SeededRandom } from './random.ts'
import type { Pulse, SimulatedNode } from './simulated-node.ts'
import { VirtualClock } from './virtual-clock.ts'
import { microseconds, VirtualTime } from './virtual-time.ts'
import { type FailureKind, WorldFailure } from './world-failure.ts'
import { type TurnKind, WorldScheduler } from './world-scheduler.ts'
import { type TraceEvent, WorldTrace } from './world-trace.ts'

export interface EngineOptions {
  /** In force while the world steps. Default: none. */
  readonly guard?: AmbientGuard
  /** Fail when a handler awaits what no kernel primitive will bring. Default false. */
  readonly strict?: boolean
  /** Fail after so many events. Default: never. */
  readonly maxEvents?: number
  /** How many of the last events are kept for reports. Default 40. */
  readonly keepEvents?: number
  /** Is handed every event as it happens. Must not throw. */
  readonly onEvent?: (event: TraceEvent) => void
}

/** Says whether something holds: true or undefined if so; false, a sentence why not, or an exception if not. */
export type Invariant = () => boolean | string | undefined

/** The event loop of the host gets a turn at least once in so many events. */
const BREATH = 4096
const immediately = setImmediate
const nextTick = process.nextTick

/** How a burst ended: `done` holds, nothing is left to happen, or microtasks must run before anything else does. */
type Outcome = 'done' | 'idle' | 'drain'

/** What has run to its end: microtasks, or the host's own ticks too, which some of Node's streams wait for. */
type Drained = 'microtasks' | 'all'

export class WorldEngine {
  readonly time = new VirtualTime()
  readonly trace: WorldTrace
  readonly scheduler: WorldScheduler
  readonly pulse: Pulse = { stirred: false, outside: new Set(), unfinished: 0 }
  /** The first failure, if there was one. */
  failure: WorldFailure | undefined
  readonly #options: EngineOptions
  readonly #diskIsBusy: (node: string) => boolean
  readonly #invariants: { readonly name: string; readonly holds: Invariant }[] = []
  /** Processes that had a turn in this event, or whose await may have ended. */
  #touched: Process[] = []
  #later: (() => void)[] = []
  #sinceBreath = 0
  /** Events there were when what must hold was last asked. */
  #checked = -1

  constructor(options: EngineOptions, random: SeededRandom | undefined, diskIsBusy: (node: string) => boolean) {
    this.#options = options
    this.#diskIsBusy = diskIsBusy
    this.trace = new WorldTrace(options.keepEvents ?? 40, outsideOf(options))
    const clock = new VirtualClock(this.time)
    this.scheduler = new WorldScheduler({ clock, turns: this.turns, observer: this.#observer, random })
  }

  always(name: string, holds: Invariant): void {
    this.#invariants.push({ name, holds })
  }

  failed(kind: FailureKind, rule: string, why: string, cause?: unknown): WorldFailure {
    this.failure ??= new WorldFailure(kind, rule, why, this.time.nowUs, cause === undefined ? undefined : { cause })
    return this.failure
  }

  guarded<T>(act: () => T): T {
    const { guard } = this.#options
    return guard === undefined ? act() : guard.run(act)
  }

  async settle(): Promise<void> {
    do {
      await this.drive(Number.NEGATIVE_INFINITY)
      await drained()
    } while (!this.scheduler.quiet || this.#later.length > 0)
  }

  async run<T>(outcome: PromiseLike<T>): Promise<T> {
    let known = false
    const done = () => {
      known = true
    }
    outcome.then(done, done)
    await drained()
    // The outcome may hang on any promise: each event is given its microtasks.
    const wait = { done: false }
    this.pulse.outside.add(wait)
    try {
      if (!(await this.drive(Number.POSITIVE_INFINITY, () => known))) {
        throw new Error('world: nothing is left to happen')
      }
    } finally {
      wait.done = true
    }
    return outcome
  }

  async advance(ms: number): Promise<void> {
    const endUs = ms === Number.POSITIVE_INFINITY ? ms : this.time.nowUs + microseconds(ms)
    await this.settle()
    await this.drive(endUs)
    await this.settle()
    if (endUs !== Number.POSITIVE_INFINITY) this.time.runUntil(endUs)
  }

  // ---- stepping ----------------------------------------------------------------------------------------------------

  /** Steps until `done` holds (true), or nothing is left to happen up to `untilUs` (false). */
  drive(untilUs: number, done: () => boolean = never): Promise<boolean> {
    return new Promise((resolve, reject) => {
      let drained: Drained | undefined
      const act = (): Outcome => {
        if (drained !== undefined) this.#settled(drained)
        return this.#burst(untilUs, done)
      }
      const go = (): void => {
        try {
          const outcome = this.failure === undefined ? this.guarded(act) : 'idle'
          if (this.failure !== undefined) reject(this.failure)
          else if (outcome !== 'drain') resolve(outcome === 'done')
          else drained = this.#drain(go)
        } catch (error) {
          reject(error)
        }
      }
      hop(go)
    })
  }

  /**
   * Calls `next` once the microtasks of this event have run to their end. We are in a microtask ourselves: from there, a
   * tick of the host comes only after all of them, and costs a tenth of an immediate, which passes through the host's
   * whole event loop.
   */
  #drain(next: () => void): Drained {
    if (this.#sinceBreath < BREATH) {
      nextTick(hop, next)
      return 'microtasks'
    }
    this.#sinceBreath = 0
    immediately(hop, next)
    return 'all'
  }

  #burst(untilUs: number, done: () => boolean): Outcome {
    const pulse = this.pulse
    for (;;) {
      if (done()) return 'done'
      if (pulse.stirred) return 'drain'
      if (this.#later.length > 0) this.#runLater()
      else if (!this.scheduler.step() && !this.time.step(untilUs)) {
        this.#check()
        return 'idle'
      }
      const mustDrain =
        ++this.#sinceBreath >= BREATH ||
        pulse.stirred ||
        pulse.outside.size > 0 ||
        (pulse.unfinished > 0 && !this.scheduler.seeded)
      if (mustDrain) return 'drain'
      // A message that only joins a mailbox is no event yet.
      if (this.trace.count !== this.#checked) this.#check()
      if (this.failure !== undefined) return 'idle'
    }
  }

  /** The microtasks of an event have run. */
  #settled(drained: Drained): void {
    const { pulse } = this
    pulse.stirred = false
    if (pulse.outside.size > 0) for (const wait of pulse.outside) if (wait.done) pulse.outside.delete(wait)
    if (this.#touched.length > 0) this.#checkHandlers(drained)
    this.#check()
  }

  #runLater(): void {
    const tasks = this.#later
    this.#later = []
    for (const task of tasks) task()
  }

  #check(): void {
    if (this.failure !== undefined) return
    this.#checked = this.trace.count
    for (const { name, holds } of this.#invariants) {
      const verdict = verdictOf(holds)
      if (verdict !== undefined) this.failed('invariant', name, verdict)
    }
    if (this.trace.count > (this.#options.maxEvents ?? Number.POSITIVE_INFINITY)) {
      this.failed('budget', 'maxEvents', `more than ${this.#options.maxEvents} events`)
    }
  }

  #checkHandlers(drained: Drained): void {
    const touched = this.#touched
    this.#touched = []
    if (this.#options.strict !== true) return
    for (const process of touched) {
      if (!process.alive || !process.busy || !this.#isStuck(process)) continue
      if (drained === 'microtasks') return this.#lookAgain(touched)
      const what = process.handling ?? 'its body'
      this.failed('stuck', whoIs(process), `awaits what nothing in this world brings, handling ${what}`)
    }
  }

  #lookAgain(touched: Process[]): void {
    this.#touched = touched
    this.#sinceBreath = BREATH
    this.pulse.stirred = true
  }

  #isStuck(process: Process): boolean {
    const node = process.node as SimulatedNode
    if (node.state !== 'up' || this.#diskIsBusy(node.name)) return false
    return !node.isWaiting(process)
  }

  readonly turns: Turns = {
    soon: (task) => {
      this.pulse.stirred = true
      Promise.resolve().then(task)
    },
    later: (task) => {
      this.#later.push(task)
    },
  }

  readonly #observer = {
    turn: (process: Process, kind: TurnKind, head: unknown, payload: unknown): void => {
      // The tag of a cast tells at once that it is no call.
      const call = typeof head !== 'string' && payload instanceof Call ? payload : undefined
      const what = call === undefined ? nameOfHead(head) : `${head === SYSTEM ? 'system ' : ''}${call.tag}`
      this.trace.add(
        this.time.nowUs,
        process.node.name,
        kind,
        whoIs(process),
        what,
        call === undefined ? payload : call.payload,
      )
      this.#touched.push(process)
      if (kind === 'offer') this.pulse.stirred = true
    },
    signal: (target: Process, signal: Signal): void => {
      const payload = 'reason' in signal ? signal.reason : 'payload' in signal ? payloadOf(signal.payload) : undefined
      this.trace.add(this.time.nowUs, target.node.name, 'signal', whoIs(target), signal.kind, payload)
      if (signal.kind !== 'resume') return
      this.pulse.stirred = true
      this.#touched.push(target)
    },
  }

  // A supervisor would restart what touched the real world, and nobody would know.
  report(report: Report, listener: ReportListener | undefined): void {
    listener?.(report)
    if (report.kind !== 'crash' || !isCrash(report.reason) || !(report.reason.error instanceof AmbientError)) return
    const { error } = report.reason
    this.failed('ambient', error.call, `${error.message}; in ${report.name ?? report.definition}`, error)
  }
}

/** Whoever listens to events lives in the real world: the listener may write a file. */
function outsideOf({ guard, onEvent }: EngineOptions): EngineOptions['onEvent'] {
  return guard === undefined || onEvent === undefined ? onEvent : (event) => guard.outside(() => onEvent(event))
}

const resolved = Promise.resolve()

/** Goes on in a microtask. */
function hop(next: () => void): void {
  void resolved.then(next)
}

// Microtasks of handlers run to their end before an immediate does.
function drained(): Promise<void> {
  return new Promise((resolve) => {
    immediately(resolve)
  })
}

function never(): boolean {
  return false
}

function verdictOf(holds: Invariant): string | undefined {
  try {
    const verdict = holds()
    if (verdict === false) return 'does not hold'
    return typeof verdict === 'string' ? verdict : undefined
  } catch (error) {
    return error instanceof Error ? error.message : show(error)
  }
}

function whoIs(process: Process): string {
  return process.name ?? process.label ?? `${process.behaviour?.name ?? ''}#${process.pid.id}`
}

function nameOfHead(head: unknown): string {
  if (typeof head === 'string') return head
  return head === EXIT ? 'exit' : head === DOWN ? 'down' : head === CALL ? 'call' : ''
}

function payloadOf(payload: unknown): unknown {
  return payload instanceof Call ? payload.payload : payload
}
