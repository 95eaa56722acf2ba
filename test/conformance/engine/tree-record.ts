// Kind "supervisor": the names of a tree's processes, and the trace, out of the facts that its nodes have noted.

import type { Child, Term, TraceEvent, Tree as TreeSpec } from '../scenario.ts'
import { byText } from './terms.ts'
import type { Fact } from './tree-facts.ts'

/** One start attempt of a path: `path#n`. */
export interface Attempt {
  readonly path: string
  readonly name: string
  readonly number: number
  /** The text of its pid. */
  readonly pid: string
  /** Of a supervisor: its flags and children. */
  readonly tree: TreeSpec | undefined
  /** The attempt that its supervisor is. */
  readonly above: Attempt | undefined
}

export class TreeRecord {
  readonly #attempts = new Map<string, Attempt>()
  readonly #latest = new Map<string, Attempt>()
  /** The last child that a supervisor has tried to start. */
  readonly #youngest = new Map<string, Attempt>()
  readonly #started = new Set<string>()
  /** The exit signals that the parent has got. */
  readonly #exits = new Map<string, Term>()
  #events: { readonly event: TraceEvent; readonly pool: Attempt | undefined }[] = []

  /** The last start attempt of a path. */
  latest(path: string): Attempt | undefined {
    return this.#latest.get(path)
  }

  /** The exit signal that the parent has got from a process. */
  exit(pid: string): Term {
    return this.#exits.get(pid) ?? 'undefined'
  }

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

  /** A term with the names of the processes in it. */
  named(term: Term): Term {
    if (typeof term === 'string') return isPid(term) ? this.#nameOf(term) : term
    if (typeof term !== 'object') return term
    return 't' in term ? { t: term.t.map((item) => this.named(item)) } : term.map((item) => this.named(item))
  }

  #nameOf(pid: string): string {
    return this.#attempts.get(pid)?.name ?? '<other>'
  }

  apply(fact: Fact): void {
    switch (fact.kind) {
      case 'born':
        return this.#born(fact)
      case 'up':
        return this.#up(fact.pid)
      case 'start_error':
        return this.#failed(this.#youngest.get(fact.supervisor), fact.reason)
      case 'start':
        this.event('start', this.#nameOf(fact.pid), this.named(fact.outcome))
        if (fact.alive) this.#started.add(fact.pid)
        return
      case 'exit_msg':
        return this.event('exit_msg', this.#nameOf(fact.pid), this.named(fact.reason))
      case 'terminate':
        return this.#ending(fact.pid, 'terminate', fact.reason)
      case 'died':
        if (this.#started.has(fact.pid)) this.#ending(fact.pid, 'down', fact.reason)
        return
      case 'exited':
        this.#exits.set(fact.pid, this.named(fact.reason))
        return
      case 'result':
      case 'raised':
        return this.event(fact.kind, this.named(fact.value))
    }
  }

  /** The start of the root has failed. */
  rootFailed(reason: Term): void {
    this.#failed(this.#latest.get('root'), reason)
  }

  #born({ pid, above: parent, child }: Extract<Fact, { readonly kind: 'born' }>): void {
    const above = parent === undefined ? undefined : this.#attempts.get(parent)
    const path = pathBelow(above?.path, child)
    const number = (this.#latest.get(path)?.number ?? 0) + 1
    const attempt = { path, name: `${path}#${number}`, number, pid, tree: child.tree, above }
    this.#attempts.set(pid, attempt)
    this.#latest.set(path, attempt)
    if (above !== undefined) this.#youngest.set(above.pid, attempt)
    if (child.tree !== undefined) this.event('sup_init', attempt.name)
  }

  #up(pid: string): void {
    const attempt = this.#attempts.get(pid)
    if (attempt?.tree === undefined) return
    this.#started.add(pid)
    this.event('sup_up', attempt.name)
  }

  #failed(attempt: Attempt | undefined, reason: Term): void {
    if (attempt?.tree !== undefined) this.event('sup_failed', attempt.name, this.named(reason))
  }

  #ending(pid: string, kind: 'terminate' | 'down', reason: Term): void {
    const attempt = this.#attempts.get(pid)
    if (attempt === undefined) return
    const { name, above } = attempt
    this.#events.push({ event: [kind, name, this.named(reason)], pool: isPool(above?.tree) ? above : undefined })
  }
}

export function isPool(tree: TreeSpec | undefined): boolean {
  return tree?.strategy === 'simple_one_for_one'
}

/** `root`; `id` below the root, `sup/id` deeper. `above`: the supervisor's path. */
export function pathBelow(above: string | undefined, { id }: Child): string {
  if (above === undefined) return 'root'
  if (typeof id !== 'string') return 'nameless'
  return above === 'root' ? id : `${above}/${id}`
}

function isPid(text: string): boolean {
  return /^<.+\.\d+\.\d+>$/.test(text)
}
