// `Self` as the kernel implements it: a process's own hands. Each method first asks whether the process still lives.

import type { Call } from './call.ts'
import { ProcessError } from './errors.ts'
import { type ExitReason, ExitThrown } from './exit-reason.ts'
import { EXIT, Exit, INFO } from './messages.ts'
import { refuseName } from './named-ref.ts'
import type { Node } from './node.ts'
import { type Pid, Reference } from './pid.ts'
import type { Process } from './process.ts'
import type { ProcessRef } from './process-ref.ts'
import { flushDown, receive } from './receive.ts'
import type { CallOptions, Definition } from './ref.ts'
import type {
  Body,
  DemonitorOptions,
  Destination,
  MonitorOptions,
  ReceiveOptions,
  Self,
  SpawnOptions,
  StartOptions,
  StartResult,
} from './self.ts'
import { spawnProcess, startOrThrow, startProcess } from './start.ts'
import { never } from './thenable.ts'

type Matcher = (message: unknown) => boolean

export class Own {
  readonly #process: Process

  constructor(process: Process) {
    this.#process = process
  }

  get pid(): ProcessRef {
    return this.#process.pid
  }
  get nodeName(): string {
    return this.#process.node.name
  }
  get parent(): Pid | undefined {
    return this.#process.parent
  }
  get alive(): boolean {
    return this.#process.alive
  }
  get signal(): AbortSignal {
    return this.#process.abortSignal
  }
  get trapExit(): boolean {
    return this.#process.trapExit
  }
  set trapExit(value: boolean) {
    this.#process.trapExit = value
  }
  get label(): string | undefined {
    return this.#process.label
  }
  set label(value: string | undefined) {
    this.#process.label = value
  }

  send(to: Destination, message: unknown): void {
    if (this.#fenced()) return
    const { node, debug } = this.#process
    if (debug !== null) debug.sent('send', to, undefined, message)
    if (to instanceof Reference) node.sendToAlias(to, message)
    else if (typeof to === 'string') node.sendToName(to, INFO, message)
    else node.sendPair(to, INFO, message)
  }

  call(to: Pid, tag: string, argument?: unknown, options?: CallOptions): Promise<unknown> {
    if (this.#fenced()) return never()
    const { debug } = this.#process
    if (debug !== null) debug.sent('call', to, tag, argument)
    return this.#process.node.call(this.#process, to, tag, argument, options)
  }

  cast(to: Pid, tag: string, argument?: unknown): boolean {
    if (this.#fenced()) return false
    const { debug } = this.#process
    if (debug !== null) debug.sent('cast', to, tag, argument)
    return this.#process.node.sendPair(to, tag, argument)
  }

  reply(from: unknown, value: unknown): void {
    if (!this.#fenced()) (from as Call).answer(value)
  }

  link(to: Pid): void {
    refuseName(to, 'link')
    const process = this.#process
    if (this.#fenced() || to === process.pid || process.linkSet?.has(to)) return
    const { node } = process
    if (node.isLocal(to) && !node.isAlive(to)) {
      if (!process.trapExit) throw new ProcessError('noproc', `link to ${to}: no such process`)
      process.signalled(EXIT, new Exit(to, 'noproc'))
      return
    }
    process.links.add(to)
    node.post(to, { kind: 'link', to, from: process.pid })
  }

  unlink(to: Pid): void {
    if (this.#fenced() || !this.#process.linkSet?.delete(to)) return
    this.#process.node.post(to, { kind: 'unlink', to, from: this.#process.pid })
  }

  monitor(target: Pid | string, options?: MonitorOptions): Reference {
    const process = this.#process
    const { node } = process
    const ref = node.reference()
    if (this.#fenced()) return ref
    const pid = node.target(target)
    // A monitor of oneself is none, and its reference no alias.
    if (pid === process.pid) return ref
    if (options?.alias !== undefined) node.aliases.add(ref, process, options.alias)
    process.monitorTable ??= new Map()
    process.monitorTable.set(ref.id, { ref, pid, target, alias: options?.alias })
    if (pid !== undefined) node.post(pid, { kind: 'monitor', to: pid, from: process.pid, ref })
    else node.scheduler.post(process, { kind: 'down', to: process.pid, from: process.pid, ref, reason: 'noproc' })
    return ref
  }

  demonitor(ref: Reference, options?: DemonitorOptions): boolean {
    const process = this.#process
    if (this.#fenced()) return false
    const entry = process.monitorTable?.get(ref.id)
    const { node } = process
    if (entry !== undefined) {
      process.monitorTable?.delete(ref.id)
      if (entry.alias !== 'explicit_unalias') node.aliases.drop(ref)
      if (entry.pid !== undefined) {
        node.post(entry.pid, { kind: 'demonitor', to: entry.pid, from: process.pid, ref })
      }
      return true
    }
    if (options?.flush) flushDown(process, ref)
    return options?.info !== true
  }

  alias(options?: { readonly reply?: boolean }): Reference {
    const ref = this.#process.node.reference()
    if (!this.#fenced()) {
      this.#process.node.aliases.add(ref, this.#process, options?.reply ? 'reply' : 'explicit_unalias')
    }
    return ref
  }

  unalias(alias: Reference): boolean {
    return !this.#fenced() && this.#process.node.aliases.drop(alias, this.#process)
  }

  exit(reason: ExitReason): never {
    throw new ExitThrown(reason)
  }

  sendExit(to: Pid, reason: ExitReason): void {
    refuseName(to, 'exit')
    const process = this.#process
    if (this.#fenced()) return
    if (to !== process.pid) return process.node.post(to, { kind: 'exit', to, from: process.pid, reason })
    // A signal to oneself strikes before the call returns.
    process.handleSignal({ kind: 'exit', to, from: process.pid, reason })
    if (!process.alive) throw new ExitThrown(reason)
  }

  spawn(body: Body, options: SpawnOptions = {}): Pid {
    if (this.#fenced()) return this.#process.node.deadPid()
    return spawnProcess(this.#process.node, this.#process, body, options).pid
  }

  spawnMonitor(body: Body, options: SpawnOptions = {}): { readonly pid: Pid; readonly ref: Reference } {
    const process = this.#process
    const { node } = process
    const ref = node.reference()
    if (this.#fenced()) return { pid: node.deadPid(), ref }
    const child = spawnProcess(node, process, body, options)
    process.monitorTable ??= new Map()
    process.monitorTable.set(ref.id, { ref, pid: child.pid, target: child.pid, alias: undefined })
    child.watchers = new Map([[ref, process.pid]])
    return { pid: child.pid, ref }
  }

  start(definition: Definition, argument?: unknown, options?: StartOptions): Promise<ProcessRef> {
    return this.#startOrThrow(definition, argument, options, false)
  }

  startLink(definition: Definition, argument?: unknown, options?: StartOptions): Promise<ProcessRef> {
    return this.#startOrThrow(definition, argument, options, true)
  }

  tryStartLink(definition: Definition, argument?: unknown, options?: StartOptions): Promise<StartResult> {
    if (this.#fenced()) return never()
    return startProcess(this.#process.node, this.#process, definition, argument, options, true)
  }

  #startOrThrow(
    definition: Definition,
    argument: unknown,
    options: StartOptions | undefined,
    link: boolean,
  ): Promise<ProcessRef> {
    if (this.#fenced()) return never()
    return startOrThrow(this.#process.node, this.#process, definition, argument, options, link)
  }

  receive(match?: Matcher, options?: ReceiveOptions): Promise<unknown> {
    if (this.#fenced()) return never()
    return receive(this.#process, match, options?.timeoutMs)
  }

  sendAfter(delayMs: number, to: Destination, message: unknown): Reference {
    const { node } = this.#process
    const ref = node.reference()
    if (!this.#fenced()) node.sendAfter(ref, delayMs, to, message)
    return ref
  }

  cancelTimer(timer: Reference): number | false {
    return this.#process.node.cancelTimer(timer)
  }

  sleep(delayMs: number): Promise<void> {
    if (this.#fenced()) return never()
    const process = this.#process
    return new Promise((resolve) => process.node.sleep(process, delayMs, resolve))
  }

  now(): number {
    return this.#process.node.now()
  }

  register(name: string, pid: Pid = this.#process.pid): void {
    if (!this.#fenced()) this.#process.node.register(name, pid)
  }

  unregister(name: string): void {
    if (!this.#fenced()) this.#process.node.unregister(name)
  }

  whereis(first: string | Definition, second?: string): Pid | undefined {
    return this.#process.node.whereis(typeof first === 'string' ? first : (second ?? ''))
  }

  at(first: string | Definition, second: string, third?: string): Pid {
    const { node } = this.#process
    return typeof first === 'string' ? node.at(first, second) : node.at(first, second, third ?? '')
  }

  // Signals that this process has sent count (erlang(3), is_process_alive/1), and may come back on it.
  isAlive(pid: Pid): boolean {
    const process = this.#process
    if (process.alive) {
      process.node.scheduler.deliverSignals()
      if (!process.alive) throw new ExitThrown('killed')
    }
    return process.node.isAlive(pid)
  }

  links(): Pid[] {
    return this.#process.linkSet?.list() ?? []
  }

  monitors(): (Pid | string)[] {
    return [...(this.#process.monitorTable?.values() ?? [])].map((entry) => entry.target)
  }

  /** The process whose hands these are. */
  static process(own: Own): Process {
    return own.#process
  }

  #fenced(): boolean {
    if (this.#process.alive) return false
    this.#process.node.counters.fenced++
    return true
  }
}

/** The typed face of a process's hands: `Self` narrows what `Own` does by the protocols involved. */
export function selfOf(process: Process): Self {
  const own: unknown = new Own(process)
  return own as Self
}

/** Who acts: a process, or on behalf of a node the world outside. */
export interface Actor {
  readonly node: Node
  /** Null: the world outside. */
  readonly process: Process | null
}

/** Who acts when `by` is handed to a function: a process's own `self`, or a node. */
export function actorOf(by: Node | Self): Actor {
  const own: unknown = by
  if (!(own instanceof Own)) return { node: own as Node, process: null }
  const process = Own.process(own)
  return { node: process.node, process }
}
