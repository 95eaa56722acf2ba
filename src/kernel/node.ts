// A node: the table of processes, names and aliases, and the ways between them. Several nodes may share a thread; each
// talks to the others only through its router, as it would to another machine.

import { Aliases } from './aliases.ts'
import { ask } from './ask.ts'
import { Call, StopCall, SystemCall } from './call.ts'
import { type EndListener, EndListeners } from './end-listeners.ts'
import { OptionError, ProcessError } from './errors.ts'
import { type ExitReason, isOrderly } from './exit-reason.ts'
import { LaterMessage, MessageTimers, Sleep } from './message-timers.ts'
import { CALL, INFO, SYSTEM } from './messages.ts'
import { NamedRef, refuseName } from './named-ref.ts'
import { Names } from './names.ts'
import { Pid, Reference } from './pid.ts'
import type { NodePorts } from './ports/index.ts'
import { Process } from './process.ts'
import { ProcessRef } from './process-ref.ts'
import { ProcessTable } from './process-table.ts'
import type { CallOptions, Definition, Ref } from './ref.ts'
import type { DeadLetterReason, Report, ReportListener } from './reports.ts'
import type { Scheduler } from './scheduler.ts'
import type {
  Body,
  Destination,
  ProcessOptions,
  SpawnOptions,
  StartArguments,
  StartOptions,
  StartResult,
} from './self.ts'
import { announceEnd, bounce, type Router, type Signal } from './signals.ts'
import { checkMailbox, spawnProcess, startOrThrow, startProcess } from './start.ts'
import { stopProcesses } from './stop-node.ts'
import { Once, TimerWheel } from './timers.ts'

/** OTP's default for calls, in milliseconds. */
export const CALL_TIMEOUT_MS = 5000
/** How long `stop` waits for what it asked to end before it kills, in milliseconds. */
export const STOP_TIMEOUT_MS = 5000

export interface NodeOptions {
  /** The node's name: letters, digits, `_`, `-`, `@`, `.`. */
  readonly name: string
  readonly ports: NodePorts
  readonly scheduler: Scheduler
  /** Called for each report, in the turn in which it arises. Must not throw. Default: none. */
  readonly onReport?: ReportListener
}

/** Counts since the node was created. */
export interface NodeCounters {
  /** Processes started. */
  started: number
  /** Acts of processes that had ended already, and answers to them. */
  fenced: number
  /** Messages that nobody read. */
  deadLetters: number
  /** Casts that a full mailbox refused. */
  refused: number
}

/** @throws OptionError */
export function checkNodeName(name: unknown, field: string): void {
  if (typeof name === 'string' && /^[\w@.-]{1,255}$/.test(name)) return
  throw new OptionError(field, name, '1 to 255 letters, digits, "_", "-", "@" or "."')
}

export class Node {
  readonly name: string
  /** Tells this life of the node from others of the same name. */
  readonly creation: number
  readonly ports: NodePorts
  readonly scheduler: Scheduler
  /** @internal */
  readonly timers: TimerWheel
  readonly counters: NodeCounters = { started: 0, fenced: 0, deadLetters: 0, refused: 0 }
  /** @internal The way to other nodes; none until a distribution layer puts one in. */
  router: Router | null = null
  readonly #processes = new ProcessTable()
  readonly #names = new Names()
  /** @internal */
  readonly aliases = new Aliases()
  readonly #endListeners = new EndListeners()
  readonly #messageTimers: MessageTimers
  readonly #listeners = new Set<ReportListener>()
  #nextPid = 1
  #nextReference = 1
  #busy = 0
  #whenRested: (() => void)[] = []
  #stopping: Promise<void> | null = null

  constructor(options: NodeOptions) {
    checkNodeName(options.name, 'name')
    this.name = options.name
    this.ports = options.ports
    this.scheduler = options.scheduler
    this.timers = new TimerWheel(options.ports.clock, options.ports.turns)
    this.#messageTimers = new MessageTimers(this, this.timers)
    this.creation = options.ports.random.uint32() >>> 8
    if (options.onReport !== undefined) this.#listeners.add(options.onReport)
  }

  // ---- for users ---------------------------------------------------------------------------------------------------

  /** Starts a server, state machine or supervisor without a parent. Rejects with ExitError if its init fails. */
  start<T extends Definition>(definition: T, ...args: StartArguments<T>): Promise<Ref<T>> {
    const [argument, options] = args as readonly unknown[]
    const started: unknown = startOrThrow(this, null, definition, argument, options as StartOptions | undefined, false)
    return started as Promise<Ref<T>>
  }

  /** The same without rejecting: what OTP's `start` returns. */
  tryStart<T extends Definition>(definition: T, ...args: StartArguments<T>): Promise<StartResult> {
    const [argument, options] = args as readonly unknown[]
    return startProcess(this, null, definition, argument, options as StartOptions | undefined, false)
  }

  /** Starts a process that runs `body`, without a parent. */
  spawn(body: Body, options: SpawnOptions = {}): Pid {
    return spawnProcess(this, null, body, options).pid
  }

  /** The process registered under `name`. With a definition, typed by it: the caller's word, not checked. */
  whereis(name: string): Pid | undefined
  whereis<T extends Definition>(definition: T, name: string): Ref<T> | undefined
  whereis(first: string | Definition, second?: string): Pid | undefined {
    return this.#names.find(typeof first === 'string' ? first : (second ?? ''))
  }

  /**
   * The address of whoever is registered as `name` on the node `nodeName` when a message arrives, in any life of it:
   * Erlang's `{Name, Node}`. Never fails; what is sent there fails, or is lost, as with a pid: `noproc`, `noconnection`.
   * With a definition, typed by it: the caller's word, not checked.
   * @throws OptionError for a name that no node can have
   */
  at(nodeName: string, name: string): Ref<unknown>
  at<T extends Definition>(definition: T, nodeName: string, name: string): Ref<T>
  at(first: string | Definition, second: string, third?: string): Ref<unknown> {
    const [nodeName, name] = typeof first === 'string' ? [first, second] : [second, third ?? '']
    checkNodeName(nodeName, 'nodeName')
    const ref: unknown = new NamedRef(() => this, nodeName, name)
    return ref as Ref<unknown>
  }

  /** Sends a plain message from outside any process. */
  send(to: Destination, message: unknown): void {
    if (to instanceof Reference) this.sendToAlias(to, message)
    else if (typeof to === 'string') this.sendToName(to, INFO, message)
    else this.sendPair(to, INFO, message)
  }

  /** Sends an exit signal from outside any process; to its receiver it comes from a process that is no more. */
  sendExit(to: Pid, reason: ExitReason): void {
    refuseName(to, 'exit')
    this.post(to, { kind: 'exit', to, from: this.deadPid(), reason })
  }

  /** How many timers are set: call time-outs, messages sent for later, sleeps. */
  get timerCount(): number {
    return this.timers.size
  }

  /** Resolves once no process is ready and no handler unfinished. Waiting timers do not count. */
  async idle(): Promise<void> {
    do {
      if (this.#busy > 0) await new Promise<void>((resolve) => this.#whenRested.push(resolve))
      await new Promise<void>((resolve) => this.scheduler.whenQuiet(resolve))
      await new Promise<void>((resolve) => this.ports.turns.later(resolve))
    } while (this.#busy > 0 || !this.scheduler.quiet)
  }

  /** Hears reports until the returned function is called. */
  onReport(listener: ReportListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The pids of all processes, oldest first. */
  processes(): Pid[] {
    return this.#processes.list().map((process) => process.pid)
  }

  /** Names and who has them. */
  registered(): [string, Pid][] {
    return this.#names.list()
  }

  /**
   * Ends the node: asks each process without a parent to stop with reason `shutdown`, the youngest first, kills what
   * has not ended after `timeoutMs` (default 5000) and whatever is left, and lets go of its timers. Idempotent.
   */
  stop(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#stopping ??= this.#stop(options.timeoutMs ?? STOP_TIMEOUT_MS)
    return this.#stopping
  }

  async #stop(timeoutMs: number): Promise<void> {
    await stopProcesses(this, () => this.#processes.list(), timeoutMs)
    this.timers.close()
  }

  /** Monotonic milliseconds. */
  now(): number {
    return this.ports.clock.now()
  }

  // ---- for processes, behaviours and the distribution layer -----------------------------------------------------

  /** @internal A process that does not run yet. Throws, and leaves nothing behind, if an option is wrong. */
  create(parent: Pid | undefined, options: ProcessOptions): Process {
    if (options.mailbox !== undefined) checkMailbox(options.mailbox)
    const pid = new ProcessRef(this, this.name, this.creation, this.#nextPid++)
    const process = new Process(this, pid, parent, options.priority ?? 'normal')
    if (options.name !== undefined) this.#names.add(options.name, process)
    if (options.label !== undefined) process.label = options.label
    if (options.mailbox !== undefined) {
      const { capacity, overflow = 'refuse' } = options.mailbox
      process.bound = { capacity, overflow }
    }
    pid.process = process
    this.#processes.add(pid.id, process)
    this.counters.started++
    return process
  }

  /** @internal */
  call(
    caller: Process | null,
    to: Pid,
    tag: string,
    argument: unknown,
    options: CallOptions | undefined,
  ): Promise<unknown> {
    return ask(this, Call, CALL, caller, to, tag, argument, options?.timeoutMs ?? CALL_TIMEOUT_MS)
  }

  /** @internal A request to the process itself: see messages.ts, SYSTEM. */
  system(caller: Process | null, to: Pid, tag: string, argument?: unknown, options?: CallOptions): Promise<unknown> {
    return ask(this, SystemCall, SYSTEM, caller, to, tag, argument, options?.timeoutMs ?? CALL_TIMEOUT_MS)
  }

  /** @internal Asks a process to end with `reason`; resolves once it has. */
  stopProcess(caller: Process | null, to: Pid, reason: ExitReason, options?: CallOptions): Promise<void> {
    return ask(this, StopCall, SYSTEM, caller, to, 'stop', reason, options?.timeoutMs ?? Number.POSITIVE_INFINITY)
  }

  /** @internal Sends a call on its way. */
  open(call: Call, head: unknown, timeoutMs: number): void {
    const { callee } = call
    const target = this.#local(callee)
    if (target === null && this.isOwn(callee)) return call.fail('noproc')
    if (target === null && this.router === null) return call.fail('noconnection')
    if (target !== null && target === call.caller) return call.fail('calling_self')
    if (timeoutMs !== Number.POSITIVE_INFINITY) call.limit(this.timers, timeoutMs, target === null)
    if (target !== null) target.accept(head, call)
    else this.#sendAway(callee, head, call)
  }

  /** @internal Puts a message into the mailbox of `to`, wherever it is. */
  sendPair(to: Pid, head: unknown, payload: unknown): boolean {
    const target = this.#local(to)
    if (target !== null) return target.accept(head, payload)
    if (this.isOwn(to)) this.deadLetter(to, head, payload, 'noproc')
    else this.#sendAway(to, head, payload)
    return true
  }

  /** To a process of another node. What there is much of goes without an object of its own. */
  #sendAway(to: Pid, head: unknown, payload: unknown): void {
    if (this.router?.message?.(to, head, payload) !== true) this.post(to, { kind: 'message', to, head, payload })
  }

  /** @internal */
  sendToName(name: string, head: unknown, payload: unknown): boolean {
    const pid = this.#names.find(name)
    if (pid === undefined) throw new ProcessError('badarg', `send: no process is registered as ${JSON.stringify(name)}`)
    return this.sendPair(pid, head, payload)
  }

  /** @internal */
  sendToAlias(ref: Reference, message: unknown): void {
    if (ref.nodeName !== this.name || ref.creation !== this.creation) {
      const to = new Pid(ref.nodeName, ref.creation, 0)
      return this.router?.deliver({ kind: 'alias_message', to, ref, payload: message })
    }
    const owner = this.aliases.owner(ref)
    if (owner !== undefined) {
      this.scheduler.post(owner, { kind: 'alias_message', to: owner.pid, ref, payload: message })
    }
  }

  /** @internal Queues a signal for `to`, wherever it is. */
  post(to: Pid, signal: Signal): void {
    const target = this.#local(to)
    if (target !== null) this.scheduler.post(target, signal)
    else if (this.isOwn(to)) bounce(this, signal, 'noproc')
    else if (this.router !== null) this.router.deliver(signal)
    else bounce(this, signal, 'noconnection')
  }

  /** @internal Queues a signal that answers or announces something: if `to` is no more, nobody needs to know. */
  notify(to: Pid, signal: Signal): void {
    const target = this.#local(to)
    if (target !== null) this.scheduler.post(target, signal)
    else if (!this.isOwn(to)) this.router?.deliver(signal)
  }

  /** @internal Called by a process as it ends. */
  ended(process: Process, reason: ExitReason): void {
    const { pid } = process
    pid.process = null
    this.#processes.delete(pid.id)
    this.#names.ended(process)
    this.#endListeners.tell(pid)
    this.aliases.dropAll(process)
    announceEnd(this, process, reason)
    this.#messageTimers.ended(process)
  }

  /** @internal Has `start` called, to register a process as `name`, when somebody first asks for it as by `at`. */
  provide(name: string, start: () => void): void {
    this.#names.provide(name, () => this.#stopping === null && start())
  }

  /** @internal */
  register(name: string, pid: Pid): void {
    const process = this.#local(pid)
    if (process === null) {
      throw new ProcessError('badarg', `register ${JSON.stringify(name)}: ${pid} does not live here`)
    }
    this.#names.add(name, process)
  }

  /** @internal */
  unregister(name: string): void {
    this.#names.remove(name)
  }

  /** @internal */
  sendAfter(ref: Reference, delayMs: number, to: Destination, message: unknown): void {
    const receiver = to instanceof ProcessRef ? this.#local(to) : null
    if (to instanceof Pid && receiver === null && this.isLocal(to)) return
    const timers = this.#messageTimers
    timers.set(new LaterMessage(timers, ref, receiver, to, message), delayMs)
  }

  /** @internal Resumes `process` after `delayMs`, if it still lives. */
  sleep(process: Process, delayMs: number, settle: () => void): void {
    const timers = this.#messageTimers
    timers.set(new Sleep(timers, this.reference(), process, settle), delayMs)
  }

  /** @internal */
  cancelTimer(ref: Reference): number | false {
    return this.#messageTimers.cancel(ref, this.now())
  }

  /** @internal Calls `act` once after `delayMs`; cancel it on the wheel. */
  after(delayMs: number, act: () => void): Once {
    const timer = new Once(act)
    this.timers.set(timer, delayMs)
    return timer
  }

  /** @internal */
  reference(): Reference {
    return new Reference(this.name, this.creation, this.#nextReference++)
  }

  /** @internal A pid that never was anybody's. */
  deadPid(): Pid {
    return new ProcessRef(this, this.name, this.creation, this.#nextPid++)
  }

  /** Whether a pid is one of this life of this node, alive or not. */
  isLocal(pid: Pid): boolean {
    return pid.nodeName === this.name && pid.creation === this.creation
  }

  /** @internal Who a monitor of `target` is on: for a name here, who has it now, if anybody. */
  target(target: Pid | string): Pid | undefined {
    if (typeof target === 'string') return this.#names.find(target)
    return target instanceof NamedRef && target.nodeName === this.name ? this.#names.reach(target.name) : target
  }

  /** @internal Whether an address leads nowhere but to this life of this node: a pid of its own, or a name here. */
  isOwn(pid: Pid): boolean {
    return this.isLocal(pid) || (pid.nodeName === this.name && pid instanceof NamedRef)
  }

  /** Whether a process of this node lives. */
  isAlive(pid: Pid): boolean {
    return this.#local(pid) !== null
  }

  #local(pid: Pid): Process | null {
    if (pid instanceof ProcessRef && pid.home === this) return pid.process
    if (this.isLocal(pid)) return this.#processes.get(pid.id) ?? null
    if (pid instanceof NamedRef && pid.nodeName === this.name) return this.#names.reach(pid.name)?.process ?? null
    return null
  }

  /** @internal The pid of the living process with this id. */
  processRef(id: number): ProcessRef | undefined {
    return this.#processes.get(id)?.pid
  }

  /** @internal Tells `listener` when a process of this node ends; false if none such lives. Idempotent. */
  watchEnd(pid: Pid, listener: EndListener): boolean {
    const process = this.#local(pid)
    if (process !== null) this.#endListeners.add(process.pid, listener)
    return process !== null
  }

  /** @internal */
  unwatchEnd(pid: Pid, listener: EndListener): void {
    if (this.isLocal(pid)) this.#endListeners.delete(pid, listener)
  }

  /** @internal */
  countBusy(change: 1 | -1): void {
    this.#busy += change
    if (this.#busy === 0 && this.#whenRested.length > 0) for (const notify of this.#whenRested.splice(0)) notify()
  }

  /** @internal */
  deadLetter(to: Pid | string, head: unknown, payload: unknown, why: DeadLetterReason): void {
    this.counters.deadLetters++
    if (this.#listeners.size === 0) return
    this.report({ kind: 'dead_letter', to, why, tag: typeof head === 'string' ? head : undefined, message: payload })
  }

  /** @internal */
  report(report: Report): void {
    for (const listener of this.#listeners) listener(report)
  }

  /** @internal The code of `process` has failed with `reason`; orderly ends are not worth a report. */
  reportCrash(process: Process, definition: string, reason: ExitReason, handling: string | undefined): void {
    if (isOrderly(reason) || this.#listeners.size === 0) return
    const { pid, name, label } = process
    this.report({ kind: 'crash', pid, name, label, definition, reason, handling })
  }
}
