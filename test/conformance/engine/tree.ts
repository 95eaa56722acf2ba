// Kind "supervisor": the workers and supervisors that a scenario's tree is made of, their names, and the record of what
// happens to them.

import {
  type ChildSpec,
  defineServer,
  Exit,
  type ExitReason,
  ignore,
  type Pid,
  type Report,
  reply,
  type Self,
  type SupervisorFlags,
  stop,
  supervisor,
} from 'espalier'
import type { Child, StartOutcome, Term, TraceEvent, Tree as TreeSpec } from '../scenario.ts'
import type { Watch } from './observer.ts'
import { byText, decode, Names } from './terms.ts'

/** One start attempt of a path: `path#n`. */
interface Attempt {
  readonly path: string
  readonly name: string
  readonly number: number
  readonly pid: Pid
  /** Of a supervisor: its flags and children. */
  readonly tree: TreeSpec | undefined
  /** The attempt that its supervisor is. */
  readonly above: Attempt | undefined
}

/** What a worker or supervisor is started with: its description, or in a pool the changes of the template's. */
type Given = Child | readonly [changes: Child]

export class Tree {
  readonly names = new Names()
  watch: Watch = () => {}
  readonly #attempts = new Map<Pid, Attempt>()
  readonly #latest = new Map<string, Attempt>()
  /** The last child that a supervisor has tried to start. */
  readonly #youngest = new Map<Pid, Attempt>()
  readonly #started = new Set<Pid>()
  #events: { readonly event: TraceEvent; readonly pool: Attempt | undefined }[] = []

  // ---- the record --------------------------------------------------------------------------------------------------

  event(...event: TraceEvent): void {
    this.#events.push({ event, pool: undefined })
  }

  /** The events since the last time. A pool stops its children at the same time: each run of their deaths is sorted. */
  segment(sort: boolean): readonly TraceEvent[] {
    const events = this.#events
    this.#events = []
    if (sort) return events.map(({ event }) => event).sort(byText)
    const segment: TraceEvent[] = []
    for (let i = 0; i < events.length; ) {
      const { pool } = events[i] ?? {}
      let end = i + 1
      if (pool !== undefined) while (events[end]?.pool === pool) end++
      const run = events.slice(i, end).map(({ event }) => event)
      segment.push(...(pool === undefined ? run : run.sort(byText)))
      i = end
    }
    return segment
  }

  died(pid: Pid, reason: ExitReason): void {
    const attempt = this.#attempts.get(pid)
    if (attempt !== undefined && this.#started.has(pid)) this.#ending(attempt, 'down', reason)
  }

  /** The start of a supervisor has succeeded. */
  up(pid: Pid): void {
    const attempt = this.#attempts.get(pid)
    if (attempt?.tree === undefined) return
    this.#started.add(pid)
    this.event('sup_up', attempt.name)
  }

  /** The last start of a supervisor at `path` has failed. */
  failed(attempt: Attempt | undefined, reason: ExitReason): void {
    if (attempt?.tree !== undefined) this.event('sup_failed', attempt.name, this.names.encode(reason))
  }

  /** What a node's supervisors tell. */
  report(report: Report): void {
    if (report.kind === 'progress') this.up(report.started)
    else if (report.kind === 'supervisor' && report.event === 'start_error') {
      this.failed(this.#youngest.get(report.pid), report.reason)
    }
  }

  #ending(attempt: Attempt, kind: 'terminate' | 'down', reason: ExitReason): void {
    const { name, above } = attempt
    this.#events.push({ event: [kind, name, this.names.encode(reason)], pool: isPool(above) ? above : undefined })
  }

  // ---- paths -------------------------------------------------------------------------------------------------------

  /** The process of the last start attempt of a path. */
  latest(path: string): Pid | undefined {
    return this.#latest.get(path)?.pid
  }

  lastAttempt(path: string): Attempt | undefined {
    return this.#latest.get(path)
  }

  isPool(pid: Pid): boolean {
    return isPool(this.#attempts.get(pid))
  }

  #born(self: Self, child: Child): Attempt {
    const above = self.parent === undefined ? undefined : this.#attempts.get(self.parent)
    const path = pathOf(above, child)
    const number = (this.#latest.get(path)?.number ?? 0) + 1
    const attempt = { path, name: `${path}#${number}`, number, pid: self.pid, tree: child.tree, above }
    this.#attempts.set(self.pid, attempt)
    this.#latest.set(path, attempt)
    if (above !== undefined) this.#youngest.set(above.pid, attempt)
    this.names.set(self.pid, attempt.name)
    this.watch(self.pid)
    return attempt
  }

  // ---- definitions -------------------------------------------------------------------------------------------------

  readonly supervisor = supervisor((given: Given, { self }) => {
    const child = this.#childOf(self, given)
    const tree = child.tree ?? {}
    this.event('sup_init', this.#born(self, child).name)
    return { ...flagsOf(tree), children: (tree.children ?? []).map((spec) => this.childSpec(spec)) }
  })

  readonly worker = defineServer({
    init: (given: Given, { self }) => {
      const child = this.#childOf(self, given)
      self.trapExit = child.trap_exit ?? false
      const attempt = this.#born(self, child)
      const starts = child.start ?? ['ok']
      const outcome = starts[Math.min(attempt.number, starts.length) - 1] ?? 'ok'
      const start = () => this.#start(self, attempt, child, outcome)
      const delayMs = typeof outcome === 'string' ? undefined : outcome.delay
      return delayMs === undefined ? start() : self.sleep(delayMs).then(start)
    },
    // Taken for a supervisor, it says `ok` to every operation.
    call: {
      start_child: ({ state }) => reply('ok', state),
      terminate_child: ({ state }) => reply('ok', state),
      restart_child: ({ state }) => reply('ok', state),
      delete_child: ({ state }) => reply('ok', state),
      get_childspec: ({ state }) => reply('ok', state),
    },
    cast: {
      stop: ({ state }, reason: unknown) => stop(reason, state),
      error: (_, reason: unknown) => {
        throw reason
      },
    },
    info: ({ state }, message) => {
      if (message instanceof Exit) this.event('exit_msg', state.attempt.name, this.names.encode(message.reason))
      return state
    },
    terminate: ({ self, state: { attempt, child } }, reason) => {
      this.#ending(attempt, 'terminate', reason)
      const last = child.on_terminate ?? 'ok'
      if (last === 'ok') return
      if (last === 'hang') return new Promise(() => {})
      return 'delay' in last ? self.sleep(last.delay) : self.exit(decode(last.exit))
    },
  })

  #childOf(self: Self, given: Given): Child {
    if (!isList(given)) return given
    const [changes] = given
    const pool = self.parent === undefined ? undefined : this.#attempts.get(self.parent)
    return { ...pool?.tree?.children?.[0], ...changes }
  }

  #start(self: Self, attempt: Attempt, child: Child, outcome: StartOutcome) {
    if (typeof outcome === 'string') {
      this.event('start', attempt.name, outcome)
      if (outcome === 'ignore') return ignore()
      this.#started.add(self.pid)
      return { attempt, child }
    }
    const { delay: _, ...rest } = outcome
    for (const [kind, reason] of Object.entries(rest)) {
      this.event('start', attempt.name, { t: [kind, reason] })
      if (kind === 'error') return stop(decode(reason))
      if (kind === 'crash') throw decode(reason)
      self.exit(decode(reason))
    }
    throw new Error('a start without an outcome')
  }

  /** A child spec as the supervisor gets it. OTP takes a child to be a worker unless it is told. */
  childSpec(child: Child): ChildSpec {
    const { id, restart, shutdown, type = 'worker', significant, modules } = child
    const start =
      child.bad_start === undefined
        ? [child.tree === undefined ? this.worker : this.supervisor, child]
        : decode(child.bad_start)
    const spec: unknown = mapOf({
      ...present({ id, restart, shutdown, type, significant, modules }),
      ...(child.no_start ? {} : { start }),
    })
    return spec as ChildSpec
  }

  /** What start_child takes: a spec, or a list of arguments: for a pool, changes of its template. */
  startArgument(child: Child | undefined, changes: Child | undefined): unknown {
    return child === undefined ? [mapOf({ ...changes })] : this.childSpec(child)
  }
}

/** A scenario's flags may well be invalid. Its period is in seconds. */
function flagsOf({ strategy, intensity, period, auto_shutdown: autoShutdown }: TreeSpec): SupervisorFlags {
  const periodMs = typeof period === 'number' && period > 0 ? period * 1000 : period
  const flags: unknown = present({ strategy, intensity, periodMs, autoShutdown })
  return flags as SupervisorFlags
}

function isList(given: Given): given is readonly [changes: Child] {
  return Array.isArray(given)
}

/** Decodes what is there. */
function present(terms: { readonly [key: string]: Term | undefined }): { [key: string]: unknown } {
  return Object.fromEntries(
    Object.entries(terms).flatMap(([key, term]) => (term === undefined ? [] : [[key, decode(term)]])),
  )
}

/** A map of Erlang: an object without a prototype, unlike a tagged tuple (terms.ts). */
function mapOf(entries: object): unknown {
  return Object.assign(Object.create(null), entries)
}

function isPool(attempt: Attempt | undefined): boolean {
  return attempt?.tree?.strategy === 'simple_one_for_one'
}

/** `id` below the root, `sup/id` deeper. */
function pathOf(above: Attempt | undefined, { id }: Child): string {
  if (above === undefined) return 'root'
  if (typeof id !== 'string') return 'nameless'
  return above.path === 'root' ? id : `${above.path}/${id}`
}
