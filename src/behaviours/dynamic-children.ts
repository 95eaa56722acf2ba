// The children of a `simple_one_for_one` supervisor: many of one kind, known by pid, without specs of their own.

import type { ExitReason } from '../kernel/exit-reason.ts'
import { isOrderly } from '../kernel/exit-reason.ts'
import { Pid } from '../kernel/pid.ts'
import type { Process } from '../kernel/process.ts'
import type { Self } from '../kernel/self.ts'
import { type AutoShutdown, type Child, Restarting } from './child-spec.ts'
import type { RestartWindow } from './restart-window.ts'
import { report, stopChildren } from './shutdown.ts'
import { startChild } from './start-child.ts'
import type { ChildCounts, ChildInfo, StartChildResult } from './supervisor.ts'

/** A child whose restart was ignored: it has no process, and stays (OTP keeps it so). */
type Key = Pid | Restarting | undefined

export class DynamicChildren {
  readonly #process: Process
  readonly #self: Self
  readonly #template: Child
  readonly #autoShutdown: AutoShutdown
  readonly #window: RestartWindow
  /** Start arguments by process. */
  readonly #arguments = new Map<Key, unknown>()

  constructor(process: Process, self: Self, template: Child, autoShutdown: AutoShutdown, window: RestartWindow) {
    this.#process = process
    this.#self = self
    this.#template = template
    this.#autoShutdown = autoShutdown
    this.#window = window
  }

  async start(argument: unknown): Promise<StartChildResult> {
    const given = argument === undefined ? this.#template.start[1] : argument
    const result = await this.#launch(given)
    if ('ok' in result && result.ok !== undefined) this.#arguments.set(result.ok, given)
    return result
  }

  #launch(argument: unknown): Promise<StartChildResult> {
    const [definition, , options] = this.#template.start
    return startChild(this.#process, this.#template.id, [definition, argument, options])
  }

  /** What to do after a child has ended: nothing more, end the supervisor, or try its restart again. */
  async onExit(pid: Pid, reason: ExitReason): Promise<'ok' | 'shutdown' | Restarting> {
    if (!this.#arguments.has(pid)) return 'ok'
    const { restart, id } = this.#template
    const orderly = isOrderly(reason)
    if (restart === 'permanent' || !orderly) report(this.#process, 'child_terminated', id, reason)
    if (restart === 'permanent' || (restart === 'transient' && !orderly)) return this.#restart(pid)
    this.#arguments.delete(pid)
    return this.#endsAll() ? 'shutdown' : 'ok'
  }

  async onRetry(restarting: Restarting): Promise<'ok' | 'shutdown' | Restarting> {
    return this.#arguments.has(restarting) ? this.#restart(restarting) : 'ok'
  }

  async #restart(old: Pid | Restarting): Promise<'ok' | 'shutdown' | Restarting> {
    const argument = this.#arguments.get(old)
    this.#arguments.delete(old)
    if (!this.#window.add(this.#self.now())) {
      report(this.#process, 'shutdown', this.#template.id, 'reached_max_restart_intensity')
      return 'shutdown'
    }
    const result = await this.#launch(argument)
    if ('ok' in result) {
      this.#arguments.set(result.ok, argument)
      return 'ok'
    }
    report(this.#process, 'start_error', this.#template.id, result.error)
    const again = old instanceof Restarting ? old : new Restarting(old)
    this.#arguments.set(again, argument)
    return again
  }

  #endsAll(): boolean {
    if (this.#autoShutdown === 'never' || !this.#template.significant) return false
    return this.#autoShutdown === 'any_significant' || this.#arguments.size === 0
  }

  /** By pid only. The pid of a process that is no more is as good as ended. */
  async terminate(id: unknown): Promise<unknown> {
    if (!(id instanceof Pid)) return { error: 'simple_one_for_one' }
    const key = this.#key(id)
    if (key === undefined) return this.#self.isAlive(id) ? { error: 'not_found' } : 'ok'
    if (key instanceof Pid) await stopChildren(this.#process, this.#self, [{ child: this.#template, pid: key }])
    this.#arguments.delete(key)
    return 'ok'
  }

  /** The template, if `id` is, or was, the pid of a child. */
  find(id: unknown): Child | undefined {
    if (!(id instanceof Pid)) return id === this.#template.id ? this.#template : undefined
    return this.#key(id) !== undefined || !this.#self.isAlive(id) ? this.#template : undefined
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
