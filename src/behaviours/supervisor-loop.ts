// The life of one supervisor process: it starts its children, carries out what decision.ts decides when one ends, and
// answers the operations. It does one of these at a time; what comes meanwhile waits in its mailbox, as in OTP.

import type { Behaviour, Turn } from '../kernel/behaviour.ts'
import type { Call } from '../kernel/call.ts'
import { type ExitReason, ExitThrown, reasonOf } from '../kernel/exit-reason.ts'
import { CALL, EXIT, type Exit } from '../kernel/messages.ts'
import { Pid } from '../kernel/pid.ts'
import type { Process } from '../kernel/process.ts'
import type { Self, StartResult } from '../kernel/self.ts'
import type { Timer } from '../kernel/timers.ts'
import { jittered } from './backoff.ts'
import { type Child, checkChild, checkChildren, checkFlags, type Flags, Restarting } from './child-spec.ts'
import { onExit, onRetry, onWaited, type Plan, type Supervised } from './decision.ts'
import { DynamicChildren, type Outcome } from './dynamic-children.ts'
import { WAIT_FOR_NODE_MS, waitsForNode } from './placement.ts'
import { RestartWindow } from './restart-window.ts'
import { report, stopChild, stopChildren } from './shutdown.ts'
import { startChild } from './start-child.ts'
import type { ChildCounts, ChildInfo, StartChildResult, SupervisorInit, SupervisorState } from './supervisor.ts'

/** A failed restart, to be tried again: a message to itself, so that shutdown and queries get a turn in between. */
const RETRY = { name: 'retry' }
/** A child has waited as long as its back-off says: a message to itself too. */
const WAITED = { name: 'waited' }

const DEFAULTS: Flags = {
  strategy: 'one_for_one',
  intensity: 1,
  periodMs: 5000,
  autoShutdown: 'never',
  maxChildren: Number.POSITIVE_INFINITY,
}

export class SupervisorLoop implements Behaviour {
  readonly name: string
  readonly pending = false
  readonly #init: SupervisorInit
  readonly #process: Process
  readonly #self: Self
  #argument: unknown
  #flags: Flags = DEFAULTS
  #window = new RestartWindow(1, 5000)
  #children = new Map<string, Child>()
  /** The children of a `simple_one_for_one` supervisor. */
  #dynamic: DynamicChildren | undefined
  readonly #waits = new Set<Timer>()

  constructor(name: string, init: SupervisorInit, process: Process, self: Self, argument: unknown) {
    this.name = name
    this.#init = init
    this.#process = process
    this.#self = self
    this.#argument = argument
  }

  // ---- start -------------------------------------------------------------------------------------------------------

  init(): Turn {
    this.#process.trapExit = true
    try {
      const spec = this.#init(this.#argument as never, { self: this.#self })
      this.#argument = undefined
      if (spec === 'ignore') return this.#notStarted('ignore', 'normal')
      if (!isSpec(spec)) return this.#failed({ bad_return: spec })
      const flags = checkFlags(spec)
      if ('error' in flags) return this.#failed({ supervisor_data: flags.error })
      this.#flags = flags.ok
      this.#window = new RestartWindow(flags.ok.intensity, flags.ok.periodMs)
      return this.#prepare(spec.children as readonly unknown[])
    } catch (error) {
      return this.#failed(reasonOf(error))
    }
  }

  #prepare(specs: readonly unknown[]): Turn {
    const simple = this.#flags.strategy === 'simple_one_for_one'
    if (simple && specs.length !== 1) return this.#failed({ bad_start_spec: specs })
    const children = checkChildren(specs, this.#flags.autoShutdown)
    if ('error' in children) return this.#failed({ start_spec: children.error })
    if (!simple) {
      this.#children = children.ok
      return this.#startAll()
    }
    for (const template of children.ok.values()) {
      this.#dynamic = new DynamicChildren(this.#process, this.#self, template, this.#flags.autoShutdown, this.#window)
    }
    this.#process.started({ ok: this.#process.pid })
    return undefined
  }

  async #startAll(): Promise<void> {
    const failure = await this.#start([...this.#children.keys()])
    if (failure === undefined) return this.#process.started({ ok: this.#process.pid })
    const { id, reason } = failure
    await this.#stopAll()
    this.#failed({ shutdown: { failed_to_start_child: id, reason } })
  }

  #failed(reason: ExitReason): undefined {
    return this.#notStarted({ error: reason }, reason)
  }

  #notStarted(result: StartResult, reason: ExitReason): undefined {
    const process = this.#process
    if (process.name !== undefined) process.node.unregister(process.name)
    process.started(result)
    process.end(reason)
  }

  // ---- messages ----------------------------------------------------------------------------------------------------

  receive(head: unknown, payload: unknown): Turn {
    if (head === CALL) return this.#call(payload as Call)
    if (head === EXIT) {
      const { from, reason } = payload as Exit
      return from === this.#process.parent ? this.#end(reason) : this.#childEnded(from, reason)
    }
    if (head === RETRY) return this.#retry(payload)
    if (head === WAITED) return this.#waited(payload as Restarting)
    this.#process.node.deadLetter(this.#process.pid, head, payload, 'unhandled')
    return undefined
  }

  advance(): Turn {
    return undefined
  }

  timeout(): Turn {
    return undefined
  }

  stop(reason: ExitReason): Turn {
    return this.#end(reason)
  }

  getState(): SupervisorState {
    return { flags: this.#flags, children: this.#which() }
  }

  // The children are what runs: to change them there are the operations. New flags begin a new period.
  replaceState(replace: (state: unknown) => unknown): unknown {
    const { flags } = replace(this.getState()) as SupervisorState
    const checked = checkFlags(flags)
    if ('error' in checked) throw new ExitThrown({ supervisor_data: checked.error })
    const { strategy, intensity, periodMs } = checked.ok
    if ((strategy === 'simple_one_for_one') !== (this.#dynamic !== undefined)) {
      throw new ExitThrown({ supervisor_data: { invalid_strategy: strategy } })
    }
    this.#flags = checked.ok
    this.#window.limit(intensity, periodMs)
    return this.getState()
  }

  #childEnded(pid: Pid, reason: ExitReason): Turn {
    if (this.#dynamic !== undefined) return this.#dynamicStep(this.#dynamic.onExit(pid, reason))
    for (const child of this.#children.values()) {
      if (child.pid === pid)
        return this.#carryOut(onExit(this.#supervised(), child.id, reason, this.#self.now()), child, reason)
    }
    return undefined
  }

  #retry(what: unknown): Turn {
    if (this.#dynamic !== undefined) return this.#dynamicStep(this.#dynamic.onRetry(what as Restarting))
    const child = this.#children.get(what as string)
    if (child === undefined) return undefined
    return this.#carryOut(onRetry(this.#supervised(), child.id, this.#self.now()), child, undefined)
  }

  #waited(waiting: Restarting): Turn {
    if (this.#dynamic !== undefined) return this.#dynamicStep(this.#dynamic.onWaited(waiting))
    for (const child of this.#children.values()) {
      if (child.pid === waiting) return this.#carryOut(onWaited(this.#supervised(), child.id), child, undefined)
    }
    return undefined
  }

  async #dynamicStep(step: Promise<Outcome>): Promise<void> {
    const outcome = await step
    if (outcome === 'shutdown') await this.#end('shutdown')
    else if (outcome === 'ok') return
    else if (outcome.waitMs > 0) this.#wait(outcome.again, outcome.waitMs)
    else this.#process.accept(RETRY, outcome.again)
  }

  // The wait is a timer and not a turn: meanwhile the supervisor does everything else.
  #wait(restarting: Restarting, ms: number): void {
    const timer = this.#process.node.after(ms, () => {
      this.#waits.delete(timer)
      this.#process.accept(WAITED, restarting)
    })
    this.#waits.add(timer)
  }

  ended(): void {
    for (const timer of this.#waits) this.#process.node.timers.cancel(timer)
  }

  #supervised(): Supervised {
    const { strategy, autoShutdown } = this.#flags
    const ordinary = strategy === 'simple_one_for_one' ? 'one_for_one' : strategy
    return { strategy: ordinary, autoShutdown, window: this.#window, children: this.#children }
  }

  async #carryOut(plan: Plan, child: Child, reason: ExitReason): Promise<void> {
    if (plan.report) report(this.#process, 'child_terminated', child.id, reason)
    if (plan.exceeded) report(this.#process, 'shutdown', child.id, 'reached_max_restart_intensity')
    if (plan.ended !== undefined) this.#forget(child)
    const oldPid = child.pid instanceof Restarting ? child.pid.oldPid : child.pid
    if (plan.stop.length > 0) {
      child.pid = undefined
      await this.#stop(plan.stop)
    }
    if (plan.wait !== undefined && child.backoff !== undefined) {
      const waiting = new Restarting(oldPid)
      child.pid = waiting
      child.attempts.attempt = plan.wait.attempt
      this.#wait(waiting, jittered(plan.wait.ms, child.backoff, this.#process.node.ports.random))
    }
    const failure = await this.#start(plan.start)
    if (failure !== undefined) {
      const failed = this.#children.get(failure.id)
      const restarting = new Restarting(failed === child ? oldPid : undefined)
      if (failed !== undefined) failed.pid = restarting
      if (failed !== undefined && waitsForNode(failed, failure.reason)) this.#wait(restarting, WAIT_FOR_NODE_MS)
      else this.#process.accept(RETRY, failure.id)
    }
    if (plan.shutdown) await this.#end('shutdown')
  }

  // ---- starting and stopping ---------------------------------------------------------------------------------------

  /** Starts children in this order. Answers the first that fails; those behind it are left as they are. */
  async #start(ids: readonly string[]): Promise<{ id: string; reason: ExitReason } | undefined> {
    for (const id of ids) {
      const child = this.#children.get(id)
      if (child === undefined) continue
      const result = await startChild(this.#process, child)
      child.attempts.startedMs = this.#self.now()
      if ('error' in result) {
        report(this.#process, 'start_error', id, result.error)
        return { id, reason: result.error }
      }
      child.pid = result.ok
      if (result.ok === undefined && child.restart === 'temporary') this.#children.delete(id)
    }
    return undefined
  }

  async #stop(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const child = this.#children.get(id)
      if (child === undefined) continue
      if (child.pid instanceof Pid) await stopChild(this.#process, this.#self, child, child.pid)
      this.#forget(child)
    }
  }

  /** Without a process, and if it is temporary, without a spec. */
  #forget(child: Child): void {
    child.pid = undefined
    if (child.restart === 'temporary') this.#children.delete(child.id)
  }

  async #stopAll(): Promise<void> {
    if (this.#dynamic !== undefined) await stopChildren(this.#process, this.#self, this.#dynamic.running())
    else await this.#stop([...this.#children.keys()].reverse())
  }

  async #end(reason: ExitReason): Promise<void> {
    await this.#stopAll()
    this.#process.end(reason)
  }

  // ---- operations --------------------------------------------------------------------------------------------------

  async #call(call: Call): Promise<void> {
    const argument = call.payload
    switch (call.tag) {
      case 'start_child':
        return call.answer(await (this.#dynamic?.start(argument, this.#flags.maxChildren) ?? this.#add(argument)))
      case 'terminate_child':
        return call.answer(await this.#terminateChild(argument))
      case 'restart_child':
        return call.answer(await this.#restartChild(argument))
      case 'delete_child':
        return call.answer(this.#deleteChild(argument))
      case 'which_children':
        return call.answer(this.#which())
      case 'count_children':
        return call.answer(this.#count())
      case 'get_childspec':
        return call.answer(await this.#getSpec(argument))
      default:
        return call.fail({ unknown_call: call.tag })
    }
  }

  async #add(spec: unknown): Promise<StartChildResult> {
    const checked = checkChild(spec, this.#flags.autoShutdown)
    if ('error' in checked) return checked
    const child = checked.ok
    const present = this.#children.get(child.id)
    if (present !== undefined) {
      return { error: present.pid instanceof Pid ? { already_started: present.pid } : 'already_present' }
    }
    const result = await startChild(this.#process, child)
    if ('error' in result) {
      report(this.#process, 'start_error', child.id, result.error)
      return result
    }
    child.pid = result.ok
    if (result.ok !== undefined || child.restart !== 'temporary') this.#children.set(child.id, child)
    return result
  }

  async #terminateChild(id: unknown): Promise<unknown> {
    if (this.#dynamic !== undefined) return this.#dynamic.terminate(id)
    const child = this.#children.get(id as string)
    if (child === undefined) return { error: 'not_found' }
    await this.#stop([child.id])
    return 'ok'
  }

  async #restartChild(id: unknown): Promise<StartChildResult> {
    const child = this.#idle(id)
    if ('error' in child) return child
    const result = await startChild(this.#process, child)
    if ('error' in result) report(this.#process, 'start_error', child.id, result.error)
    else child.pid = result.ok
    return result
  }

  #deleteChild(id: unknown): unknown {
    const child = this.#idle(id)
    if ('error' in child) return child
    this.#children.delete(child.id)
    return 'ok'
  }

  #idle(id: unknown): Child | { error: string } {
    if (this.#dynamic !== undefined) return { error: 'simple_one_for_one' }
    const child = this.#children.get(id as string)
    if (child === undefined) return { error: 'not_found' }
    if (child.pid instanceof Restarting) return { error: 'restarting' }
    return child.pid === undefined ? child : { error: 'running' }
  }

  async #getSpec(id: unknown): Promise<unknown> {
    const child = this.#dynamic !== undefined ? await this.#dynamic.find(id) : this.#children.get(id as string)
    if (child === undefined) return { error: 'not_found' }
    const { pid: _, attempts: __, place: ___, backoff, on, ...spec } = child
    return { ok: { ...spec, ...(backoff === undefined ? {} : { backoff }), ...(on === undefined ? {} : { on }) } }
  }

  #which(): readonly ChildInfo[] {
    if (this.#dynamic !== undefined) return this.#dynamic.which()
    return [...this.#children.values()].reverse().map(({ id, pid, type, modules }) => {
      return { id, child: pid instanceof Restarting ? 'restarting' : pid, type, modules }
    })
  }

  #count(): ChildCounts {
    if (this.#dynamic !== undefined) return this.#dynamic.count()
    const children = [...this.#children.values()]
    const supervisors = children.filter((child) => child.type === 'supervisor').length
    const active = children.filter(({ pid }) => pid instanceof Pid && this.#isActive(pid)).length
    return { specs: children.length, active, supervisors, workers: children.length - supervisors }
  }

  // Of one on another node, the link would have told.
  #isActive(pid: Pid): boolean {
    return this.#self.isAlive(pid) || !this.#process.node.isLocal(pid)
  }
}

/** What an init must answer: the rest is checked field by field. */
function isSpec(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'children' in value && Array.isArray(value.children)
}
