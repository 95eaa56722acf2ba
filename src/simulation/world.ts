// A world of virtual time: nodes with clocks and disks of their own, and a network between them. Nothing runs but when
// the world steps, one event at a time, and time stands still but while the world advances. One seed means one run.
//
// Invariants: after every event the microtasks it has set off have run to their end, what must always hold is asked,
// and nothing of the real world was touched (with a guard).

import { provideNodeService } from '../behaviours/node-service.ts'
import { OptionError, show } from '../kernel/errors.ts'
import { NamedRef } from '../kernel/named-ref.ts'
import type { Node } from '../kernel/node.ts'
import type { NodePorts } from '../kernel/ports/index.ts'
import type { Process } from '../kernel/process.ts'
import { ProcessRef } from '../kernel/process-ref.ts'
import type { Definition, Ref } from '../kernel/ref.ts'
import type { ReportListener } from '../kernel/reports.ts'
import { applyFault, drawFaults, type Fault, type FaultStep, type StormOptions, stepsOf } from './faults.ts'
import { Machine, type MachineOptions } from './machine.ts'
import { SeededRandom } from './random.ts'
import type { SimulatedDisk, SimulatedDiskOptions } from './simulated-disk.ts'
import type { JobHost } from './simulated-jobs.ts'
import { SimulatedNode } from './simulated-node.ts'
import { type DueAlarm, VirtualClock } from './virtual-clock.ts'
import { microseconds, type VirtualTime } from './virtual-time.ts'
import { type EngineOptions, type Invariant, WorldEngine } from './world-engine.ts'
import type { FailureKind, WorldFailure } from './world-failure.ts'
import { type WorldNetworkOptions, WorldRouter } from './world-router.ts'
import type { WorldScheduler } from './world-scheduler.ts'
import type { WorldTrace } from './world-trace.ts'

export interface WorldOptions extends EngineOptions {
  /**
   * Decides the order of ready processes, latencies, faults, and what the nodes draw their randomness from: any safe
   * integer. Default: first come, first served, and seed 0 for the rest.
   */
  readonly seed?: number
  readonly network?: WorldNetworkOptions
  readonly disk?: SimulatedDiskOptions
  /** These faults instead of those the seed draws in {@link World.storm}. */
  readonly faults?: readonly Fault[]
}

export interface WorldNodeOptions extends Pick<MachineOptions, 'programs' | 'modules' | 'offload'> {
  /** The node's name, unique in the world. Default `node`. */
  readonly name?: string
  /** Called for each crash, dead letter and supervisor event. Must not throw. Default: nobody is told. */
  readonly onReport?: ReportListener
  /** Starts what lives on the node, when it is created and whenever it is restarted. */
  readonly boot?: (node: Node, machine: Machine) => unknown
}

interface Member {
  readonly options: WorldNodeOptions
  readonly name: string
  readonly clock: VirtualClock
  readonly machine: Machine
  life: number
  node: SimulatedNode
}

/** Steps that become events where they are carried out. */
const TRACED = new Set<FaultStep['op']>(['crash', 'restart', 'pause', 'resume', 'clock'])

/**
 * Nodes on virtual time, and the order in which their processes take turns. Nothing happens by itself: {@link settle}
 * runs what is ready, {@link advance} lets time pass, {@link run} and {@link eventually} do both until something is
 * known. Two worlds of one seed, given the same programs, do the same.
 */
export class World {
  readonly time: VirtualTime
  /** @internal */
  readonly scheduler: WorldScheduler
  readonly network: WorldRouter
  readonly trace: WorldTrace
  /** Randomness for the scenario itself. */
  readonly random: SeededRandom
  /** The faults of the last storm. */
  faults: readonly Fault[] = []
  readonly #engine: WorldEngine
  readonly #options: WorldOptions
  readonly #root: SeededRandom
  readonly #members = new Map<string, Member>()

  constructor(options: WorldOptions = {}) {
    this.#options = options
    this.#root = new SeededRandom(options.seed ?? 0)
    this.random = this.#root.fork('scenario')
    const choice = options.seed === undefined ? undefined : this.#root.fork('scheduler')
    this.#engine = new WorldEngine(options, choice, (name) => this.#member(name).machine.busy)
    this.time = this.#engine.time
    this.scheduler = this.#engine.scheduler
    this.trace = this.#engine.trace
    this.network = new WorldRouter(
      {
        time: this.time,
        random: this.#root.fork('network'),
        find: (name) => this.#members.get(name),
        names: () => [...this.#members.keys()],
        noted: (what, from, to, kind, content) => this.trace.add(this.time.nowUs, from, what, `→ ${to}`, kind, content),
      },
      options.network,
    )
  }

  /** Events so far: turns, signals, timers, disk completions, and what became of lost messages. */
  get events(): number {
    return this.trace.count
  }

  /** The hash of everything that has happened: equal for equal runs. */
  get hash(): string {
    return this.trace.hash
  }

  /** The first failure, if there was one. */
  get failure(): WorldFailure | undefined {
    return this.#engine.failure
  }

  /** The names of all nodes, in order of creation. */
  get nodeNames(): readonly string[] {
    return [...this.#members.keys()]
  }

  // ---- nodes -------------------------------------------------------------------------------------------------------

  /**
   * Creates a node, with a clock and a disk of its own, and boots it. Its randomness and secrets follow from the world's
   * seed and its name. The answer is its first life: see {@link node}.
   * @throws OptionError for a name that is taken, or is not 1 to 255 letters, digits, `_`, `-`, `@` or `.`
   */
  createNode(options: WorldNodeOptions = {}): Node {
    const name = options.name ?? 'node'
    if (this.#members.has(name)) throw new OptionError('name', name, 'a name that no node of this world has')
    const clock = new VirtualClock(this.time, { dispatch: (alarm) => this.#alarm(name, alarm) })
    const machine = this.#machine(name, options)
    const node = this.#bear(name, options, clock, machine, 1)
    this.#members.set(name, { options, name, clock, machine, life: 1, node })
    this.#boot(name)
    return node
  }

  /** The present life of a node. Throws an OptionError if there is none of that name. */
  node(name: string): Node {
    return this.#member(name).node
  }

  /** Whether a node has power; a paused one has. */
  isUp(name: string): boolean {
    return this.#member(name).node.state !== 'down'
  }

  /** Whether a node runs: it has power and is not paused. */
  isRunning(name: string): boolean {
    return this.#member(name).node.state === 'up'
  }

  /** The clock of a node, the same in all its lives. Throws an OptionError if there is no node of that name. */
  clock(name: string): VirtualClock {
    return this.#member(name).clock
  }

  /** The disk of a node, the same in all its lives. Throws an OptionError if there is no node of that name. */
  disk(name: string): SimulatedDisk {
    return this.#member(name).machine.disk
  }

  /**
   * What `node.at` answers, for the world outside: its own methods reach the process without the network. Used with a
   * process's `self`, it is what `self.at` answers.
   */
  address<T extends Definition>(_definition: T, nodeName: string, name: string): Ref<T> {
    const address: unknown = new NamedRef(() => this.#member(nodeName).node, nodeName, name)
    return address as Ref<T>
  }

  /** Cuts the power of a node: its processes are gone, un-synced writes are lost. No effect on one that is down. */
  crash(name: string): void {
    const { node, machine } = this.#member(name)
    if (node.state === 'down') return
    this.#fault(name, 'crash', undefined)
    this.#engine.guarded(() => {
      node.cutPower()
      machine.cutPower()
    })
    this.network.lost(node)
  }

  /** Starts a node again, with what its disk has kept. No effect on one that is up. */
  restart(name: string): void {
    const member = this.#member(name)
    if (member.node.state !== 'down') return
    this.#fault(name, 'restart', undefined)
    member.life++
    member.node = this.#bear(name, member.options, member.clock, member.machine, member.life)
    this.network.returned(member.node)
    this.#boot(name)
  }

  /**
   * Kills one process of a node, of those that a living process of it has started: what a supervisor must set right.
   * `lot` says which, counted round. No effect on a node that is down, or has none.
   */
  kill(name: string, lot: number): void {
    const { node } = this.#member(name)
    const children = node.living().filter(({ parent }) => parent !== undefined && node.isAlive(parent))
    const victim = children[lot % children.length]
    if (node.state === 'down' || victim === undefined) return
    this.#engine.guarded(() => node.sendExit(victim.pid, 'kill'))
  }

  /** The code of a node stands still; what reaches it waits. No effect on one that is down or paused. */
  pause(name: string): void {
    const { node } = this.#member(name)
    if (node.state !== 'up') return
    this.#fault(name, 'pause', undefined)
    node.pause()
  }

  /** Lets a paused node go on. */
  resume(name: string): void {
    const { node } = this.#member(name)
    if (node.state !== 'paused') return
    this.#fault(name, 'resume', undefined)
    this.#engine.guarded(() => node.resume())
  }

  /** Sets a node's clock: its rate, and a jump, in milliseconds. */
  setClock(name: string, change: { readonly rate?: number; readonly jump?: number }): void {
    this.#fault(name, 'clock', change)
    const clock = this.clock(name)
    if (change.rate !== undefined) clock.setRate(change.rate)
    if (change.jump !== undefined) clock.jump(change.jump)
  }

  /** Ends every fault: the network is whole and its weather fair, disks work, clocks run true, all nodes are up. */
  heal(): void {
    this.network.heal()
    this.network.setWeather({ drop: 0, duplicate: 0, reorder: 0, latency: [1, 10] })
    this.network.release()
    for (const { name, machine, clock } of this.#members.values()) {
      clock.setRate(1)
      this.#engine.guarded(() => machine.disk.heal())
      this.resume(name)
      this.restart(name)
    }
  }

  /** Does to the world what a step of a schedule says. */
  apply(step: FaultStep): void {
    const { at: _at, ...what } = step
    if (!TRACED.has(step.op)) this.#fault('node' in step ? step.node : '', step.op, what)
    applyFault(this, step)
  }

  /** Lets the faults that the seed draws happen while `forMs` pass. What is left of them {@link heal} ends. */
  async storm(options: StormOptions): Promise<void> {
    const nodes = options.nodes ?? this.nodeNames
    this.faults = this.#options.faults ?? drawFaults(this.#root.fork('faults'), nodes, options)
    const { nowMs } = this.time
    for (const step of stepsOf(this.faults, options.forMs)) {
      this.time.at(microseconds(nowMs + step.at), () => this.apply(step))
    }
    await this.advance(options.forMs)
  }

  // ---- what must hold ----------------------------------------------------------------------------------------------

  /** Asked after every event from now on; the first time it does not hold ends the run. */
  always(name: string, holds: Invariant): void {
    this.#engine.always(name, holds)
  }

  /** Steps until `condition` holds; fails if it does not within `withinMs` of virtual time (default 60 000). */
  async eventually(
    name: string,
    condition: () => boolean,
    options: { readonly withinMs?: number } = {},
  ): Promise<void> {
    const { withinMs = 60_000 } = options
    const until = this.time.nowUs + microseconds(withinMs, 'withinMs')
    if (await this.#engine.drive(until, condition)) return
    throw this.#engine.failed('liveness', name, `did not come about within ${withinMs} ms`)
  }

  /** The liveness phase: ends every fault ({@link heal}), then demands that `condition` comes about. */
  async converge(name: string, condition: () => boolean, options: { readonly withinMs?: number } = {}): Promise<void> {
    this.heal()
    await this.eventually(name, condition, options)
  }

  /**
   * A look at the state of a named server or state machine, as it is now: no turn, no message. Undefined if there is no
   * such process, or it is still starting.
   */
  probe(nodeName: string, name: string): unknown {
    return stateOf(this.#whereis(nodeName, name))
  }

  /** The same look, to be taken again and again: for what is asked after every event. */
  prober(nodeName: string, name: string): () => unknown {
    let process: Process | null = null
    return () => {
      if (process === null || !process.alive || process.name !== name) process = this.#whereis(nodeName, name)
      return stateOf(process)
    }
  }

  /** Writes a line into the trace. */
  note(text: string, payload?: unknown): void {
    this.trace.add(this.time.nowUs, '', 'note', '', text, payload)
  }

  /** Fails the run, from within an invariant or a scenario. */
  fail(kind: FailureKind, rule: string, why: string): void {
    this.#engine.failed(kind, rule, why)
  }

  // ---- time --------------------------------------------------------------------------------------------------------

  /**
   * Runs until nothing is ready and nothing makes anything ready but time. A handler that awaits what never comes does
   * not hold it up.
   */
  settle(): Promise<void> {
    return this.#engine.settle()
  }

  /**
   * Steps, and lets time pass, until `outcome` is known, and not one step further. Rejects as it does, or with an error
   * when nothing is left that could bring it about.
   */
  run<T>(outcome: PromiseLike<T>): Promise<T> {
    return this.#engine.run(outcome)
  }

  /**
   * Lets `ms` milliseconds pass, from one timer to the next. `Infinity`: until no timer is set. Does not end while
   * something sets a timer again and again.
   */
  advance(ms: number): Promise<void> {
    return this.#engine.advance(ms)
  }

  // ---- what nodes are given ----------------------------------------------------------------------------------------

  #bear(name: string, options: WorldNodeOptions, clock: VirtualClock, machine: Machine, life: number): SimulatedNode {
    const suffix = life === 1 ? '' : ` in life ${life}`
    const secrets = this.#root.fork(`secrets of ${name}${suffix}`)
    const ports: NodePorts = {
      clock,
      turns: this.#engine.turns,
      random: this.#root.fork(`node ${name}${suffix}`),
      secrets: { bytes: (size) => Uint8Array.from({ length: size }, () => secrets.below(256)) },
    }
    const node = new SimulatedNode({
      name,
      ports,
      scheduler: this.scheduler,
      pulse: this.#engine.pulse,
      router: this.network,
      onReport: (report) => this.#engine.report(report, options.onReport),
    })
    provideNodeService(node, options.modules && machine.modules)
    return node
  }

  #machine(name: string, options: WorldNodeOptions): Machine {
    const noted = (...[kind, who, what, payload]: Parameters<JobHost['noted']>) => {
      this.trace.add(this.time.nowUs, name, kind, who, what, payload)
    }
    const completed: JobHost['completed'] = (kind, who, what, payload, act) => {
      noted(kind, who, what, payload)
      this.#engine.pulse.stirred = true
      act()
    }
    const host: Omit<JobHost, 'random'> = {
      time: this.time,
      noted,
      completed: (...done) => {
        const { node } = this.#member(name)
        if (node.state === 'up') completed(...done)
        else node.arrive(() => completed(...done))
      },
      broken: (who, error) => void this.#engine.failed('scenario', who, show(error), error),
    }
    const { programs, modules, offload } = options
    const streamOf = (purpose: string) => this.#root.fork(`${purpose} of ${name}`)
    return new Machine(host, streamOf, { disk: this.#options.disk, programs, modules, offload })
  }

  #boot(name: string): void {
    const { options, node, machine } = this.#member(name)
    const failed = (error: unknown) => {
      if (node.state !== 'down') this.#engine.failed('boot', name, show(error), error)
    }
    try {
      const outcome: unknown = this.#engine.guarded(() => options.boot?.(node, machine))
      if (!(outcome instanceof Promise)) return
      outcome.catch(failed)
      // What it awaits may be known at once: no event of the node's need come of it.
      this.#engine.pulse.stirred = true
    } catch (error) {
      failed(error)
    }
  }

  #alarm(name: string, alarm: DueAlarm): void {
    const { node } = this.#member(name)
    if (node.state === 'up') this.#rings(name, alarm)
    else node.ring(() => this.#rings(name, alarm))
  }

  #rings(name: string, alarm: DueAlarm): void {
    this.trace.add(this.time.nowUs, name, 'timer', '', '', undefined)
    alarm.fire()
  }

  #whereis(nodeName: string, name: string): Process | null {
    const pid = this.#member(nodeName).node.whereis(name)
    return pid instanceof ProcessRef ? pid.process : null
  }

  #fault(name: string, what: string, payload: unknown): void {
    this.trace.add(this.time.nowUs, name, 'fault', '', what, payload)
  }

  #member(name: string): Member {
    const member = this.#members.get(name)
    if (member === undefined) throw new OptionError('node', name, `one of ${[...this.#members.keys()].join(', ')}`)
    return member
  }
}

/** Before its start is over, what a process has is no state. */
function stateOf(process: Process | null): unknown {
  return process === null || process.start !== null ? undefined : process.behaviour?.getState?.()
}

/** Creates an empty world. See {@link World}. */
export function createWorld(options?: WorldOptions): World {
  return new World(options)
}
