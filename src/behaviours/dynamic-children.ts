// The children of a `simple_one_for_one` supervisor: many of one kind, known by pid, without specs of their own.

import type { ExitReason } from '../kernel/exit-reason.ts'
import { Pid } from '../kernel/pid.ts'
import type { Process } from '../kernel/process.ts'
import type { Self } from '../kernel/self.ts'
import { type Attempts, jittered, nextWait } from './backoff.ts'
import { type AutoShutdown, type Child, Restarting } from './child-spec.ts'
import { onDynamicExit } from './decision.ts'
import { WAIT_FOR_NODE_MS, waitsForNode } from './placement.ts'
import { isAliveOn } from './remote.ts'
import type { RestartWindow } from './restart-window.ts'
import { report, stopChild } from './shutdown.ts'
import { startChild } from './start-child.ts'
import type { ChildCounts, ChildInfo, StartChildResult } from './supervisor.ts'

/** How long a node may take to say whether a process of its lives, in milliseconds. */
const LIFE_TIMEOUT_MS = 1000

/** A child whose restart was ignored: it has no process, and stays (OTP keeps it so). */
type Key = Pid | Restarting | undefined

/** What is left to do: nothing, end the supervisor, or try a restart again, now or later. */
export type Outcome = 'ok' | 'shutdown' | { readonly again: Restarting; readonly waitMs: number }

export class DynamicChildren {
  readonly #process: Process
  readonly #self: Self
  readonly #template: Child
  readonly #autoShutdown: AutoShutdown
  readonly #window: RestartWindow
  /** Start arguments by process. */
  readonly #arguments = new Map<Key, unknown>()
  /** Restarts in a row, of children with back-off that have been restarted. */
  readonly #attempts = new Map<Key, Attempts>()

  constructor(process: Process, self: Self, template: Child, autoShutdown: AutoShutdown, window: RestartWindow) {
    this.#process = process
    this.#self = self
    this.#template = template
    this.#autoShutdown = autoShutdown
    this.#window = window
  }

  async start(argument: unknown, maxChildren: number): Promise<StartChildResult> {
    if (this.#arguments.size >= maxChildren) return { error: 'max_children' }
    const given = argument === undefined ? this.#template.start[1] : argument
    const result = await this.#launch(given)
    if ('ok' in result && result.ok !== undefined) this.#arguments.set(result.ok, given)
    return result
  }

  #launch(argument: unknown): Promise<StartChildResult> {
    const [definition, , options] = this.#template.start
    return startChild(this.#process, { ...this.#template, start: [definition, argument, options] })
  }

  async onExit(pid: Pid, reason: ExitReason): Promise<Outcome> {
    if (!this.#arguments.has(pid)) return 'ok'
    const supervised = { template: this.#template, autoShutdown: this.#autoShutdown, window: this.#window }
    const plan = onDynamicExit(supervised, this.#arguments.size - 1, reason, this.#self.now())
    if (plan.report) report(this.#process, 'child_terminated', this.#template.id, reason)
    if (plan.restart) return this.#restart(pid)
    if (plan.exceeded) this.#reportExceeded()
    this.#forget(pid)
    return plan.shutdown ? 'shutdown' : 'ok'
  }

  /** The restart of a child had failed and is due again. */
  async onRetry(restarting: Restarting): Promise<Outcome> {
    if (!this.#arguments.has(restarting)) return 'ok'
    if (this.#window.add(this.#self.now())) return this.#restart(restarting)
    this.#reportExceeded()
    this.#forget(restarting)
    return 'shutdown'
  }

  /** A child has waited for its restart. */
  async onWaited(restarting: Restarting): Promise<Outcome> {
    return this.#arguments.has(restarting) ? this.#launchAgain(restarting) : 'ok'
  }

  async #restart(old: Pid | Restarting): Promise<Outcome> {
    const { backoff } = this.#template
    if (backoff === undefined) return this.#launchAgain(old)
    const before = this.#attempts.get(old) ?? { attempt: 0, startedMs: Number.NEGATIVE_INFINITY }
    const { ms, attempt } = nextWait(backoff, before, this.#self.now())
    const waiting = this.#replace(old)
    this.#attempts.set(waiting, { attempt, startedMs: before.startedMs })
    return { again: waiting, waitMs: jittered(ms, backoff, this.#process.node.ports.random) }
  }

  async #launchAgain(old: Pid | Restarting): Promise<Outcome> {
    const argument = this.#arguments.get(old)
    const attempts = this.#attempts.get(old)
    const result = await this.#launch(argument)
    if (attempts !== undefined) attempts.startedMs = this.#self.now()
    if ('error' in result) {
      report(this.#process, 'start_error', this.#template.id, result.error)
      return { again: this.#replace(old), waitMs: waitsForNode(this.#template, result.error) ? WAIT_FOR_NODE_MS : 0 }
    }
    this.#forget(old)
    this.#arguments.set(result.ok, argument)
    if (attempts !== undefined) this.#attempts.set(result.ok, attempts)
    return 'ok'
  }

  /** Puts what stands for a child that is to be restarted in the place of its process. */
  #replace(old: Pid | Restarting): Restarting {
    if (old instanceof Restarting) return old
    const restarting = new Restarting(old)
    this.#arguments.set(restarting, this.#arguments.get(old))
    const attempts = this.#attempts.get(old)
    if (attempts !== undefined) this.#attempts.set(restarting, attempts)
    this.#forget(old)
    return restarting
  }

  #forget(key: Key): void {
    this.#arguments.delete(key)
    this.#attempts.delete(key)
  }

  #reportExceeded(): void {
    report(this.#process, 'shutdown', this.#template.id, 'reached_max_restart_intensity')
  }

  /** By pid only. The pid of a process that is no more is as good as ended. */
  async terminate(id: unknown): Promise<unknown> {
    if (!(id instanceof Pid)) return { error: 'simple_one_for_one' }
    const key = this.#key(id)
    if (key === undefined) return (await this.#lives(id)) ? { error: 'not_found' } : 'ok'
    if (key instanceof Pid) await stopChild(this.#process, this.#self, this.#template, key)
    this.#forget(key)
    return 'ok'
  }

  /** The template, if `id` is, or was, the pid of a child. */
  async find(id: unknown): Promise<Child | undefined> {
    if (!(id instanceof Pid)) return id === this.#template.id ? this.#template : undefined
    return this.#key(id) !== undefined || !(await this.#lives(id)) ? this.#template : undefined
  }

  #lives(pid: Pid): Promise<boolean> {
    return isAliveOn(this.#self, pid, { timeoutMs: LIFE_TIMEOUT_MS })
  }

  #key(pid: Pid): Pid | Restarting | undefined {
    if (this.#arguments.has(pid)) return pid
    for (const key of this.#arguments.keys()) if (key instanceof Restarting && key.oldPid === pid) return key
    return undefined
  }

  running(): { readonly child: Child; readonly pid: Pid }[] {
    const child = this.#template
    return [...this.#arguments.keys()].flatMap((key) => (key instanceof Pid ? [{ child, pid: key }] : []))
  }

  which(): readonly ChildInfo[] {
    const { type, modules } = this.#template
    return [...this.#arguments.keys()].map((key) => {
      return { id: undefined, child: key instanceof Restarting ? 'restarting' : key, type, modules }
    })
  }

  count(): ChildCounts {
    const keys = [...this.#arguments.keys()]
    const active = keys.filter((key) => !(key instanceof Restarting)).length
    const supervisors = this.#template.type === 'supervisor' ? keys.length : 0
    return { specs: 1, active, supervisors, workers: keys.length - supervisors }
  }
}
