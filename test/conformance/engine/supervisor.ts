// Kind "supervisor": the steps. What the tree is made of, and what is done to it, is in tree-site.ts; on which nodes it
// lives, and how to wait, is the caller's: one node of this thread, or two on worker threads, over which it is spread.

import type { SupervisorScenario, SupervisorStep, Term, Trace, TraceEvent } from '../scenario.ts'
import type { Timing } from './stage.ts'
import { byText } from './terms.ts'
import type { Fact, Stamped } from './tree-facts.ts'
import { isPool, TreeRecord } from './tree-record.ts'
import type { Stop, SupervisorOperation, TreeSite } from './tree-site.ts'

/** A node of the tree, here or on another thread. */
export type TreePlace = {
  readonly [K in
    | 'playParent'
    | 'start'
    | 'stopRoot'
    | 'isAlive'
    | 'exit'
    | 'end'
    | 'check'
    | 'operate'
    | 'take']: TreeSite[K] extends (...args: infer A) => infer R ? (...args: A) => R | Promise<Awaited<R>> : never
}

/** By the name of its node. */
export type TreePlaces = ReadonlyMap<string, TreePlace>

export async function runSupervisor(scenario: SupervisorScenario, places: TreePlaces, timing: Timing): Promise<Trace> {
  const play = new SupervisorPlay(places, timing)
  const started = await play.start(scenario)
  if (play.root === undefined) return [started, [['final', 'not_started']]]
  const trace = [started]
  for (const step of scenario.steps) trace.push(await play.step(step))
  return [...trace, await play.final()]
}

class SupervisorPlay {
  root: string | undefined
  readonly #places: TreePlaces
  readonly #timing: Timing
  readonly #record = new TreeRecord()
  /** Where the parent is. */
  readonly #home: TreePlace
  /** What the parent is to send the root in the same turn as what the next step sends. */
  #stop: Stop | undefined

  constructor(places: TreePlaces, timing: Timing) {
    this.#places = places
    this.#timing = timing
    const [home] = places.values()
    if (home === undefined) throw new Error('a tree needs a node')
    this.#home = home
  }

  async start(scenario: SupervisorScenario): Promise<readonly TraceEvent[]> {
    await this.#home.playParent()
    await this.#timing.settle()
    const result = await this.#home.start(scenario.tree)
    if ('ok' in result) this.root = result.ok
    else {
      await this.#gather()
      this.#record.rootFailed(result.error)
      this.#record.apply({ kind: 'result', value: { t: ['error', result.error] } })
    }
    return this.#settled()
  }

  async step(step: SupervisorStep): Promise<readonly TraceEvent[]> {
    if (step.op === 'sleep') {
      await this.#sendStop()
      await this.#timing.pass(step.ms)
    } else await this.#do(step)
    if (step.settle !== false) return this.#settled(step.sort)
    // The next step comes from another process than the signals of this one do: between two nodes only what has arrived
    // is sure to be before it.
    if (this.#places.size > 1) await this.#timing.settle()
    return []
  }

  async final(): Promise<readonly TraceEvent[]> {
    const { root = '' } = this
    const rest = await this.#settled()
    const isAlive = await this.#at(root).isAlive(root)
    return [...rest, ['final', isAlive ? 'alive' : { t: ['exit', this.#record.exit(root)] }]]
  }

  async #settled(sort = false): Promise<readonly TraceEvent[]> {
    await this.#sendStop()
    await this.#timing.rest()
    await this.#gather()
    return this.#record.segment(sort)
  }

  /** Takes note of what has happened everywhere, in the order in which it has. */
  async #gather(): Promise<void> {
    const taken: Stamped[] = []
    for (const place of this.#places.values()) taken.push(...(await place.take()))
    taken.sort((a, b) => a.stamp - b.stamp)
    for (const { fact } of taken) this.#record.apply(this.#sorted(fact))
  }

  /** The children of a pool are in no order. */
  #sorted(fact: Fact): Fact {
    if (fact.kind !== 'result' || !this.#isOfPool || !Array.isArray(fact.value)) return fact
    return { ...fact, value: fact.value.map((item: Term) => this.#record.named(item)).sort(byText) }
  }

  /** Whether the operation under way lists the children of a pool. */
  #isOfPool = false

  // ---- operations --------------------------------------------------------------------------------------------------

  /** The place of a process: text `<node.creation.id>`. */
  #at(pid: string): TreePlace {
    return this.#places.get(pid.slice(1, pid.indexOf('.'))) ?? this.#home
  }

  /** A place of another node than the process's, if there is one. */
  #far(pid: string): TreePlace {
    const at = this.#at(pid)
    for (const place of this.#places.values()) if (place !== at) return place
    return at
  }

  async #do(step: Exclude<SupervisorStep, { op: 'sleep' }>): Promise<void> {
    // Which process a path stands for depends on what has happened so far.
    await this.#gather()
    if (step.op === 'exit' || step.op === 'exit_many' || step.op === 'stop') await this.#sendStop()
    switch (step.op) {
      case 'stop':
        this.#stop = { root: this.root ?? '', reason: step.reason }
        return
      case 'exit':
        return this.#exit(step)
      case 'exit_many': {
        const pids = step.children.flatMap((path) => this.#record.latest(path)?.pid ?? [])
        return this.#far(pids[0] ?? '').exit(pids, step.reason)
      }
      case 'check_childspecs':
        return this.#home.check(step)
      default:
        return this.#operate(step)
    }
  }

  async #sendStop(): Promise<void> {
    const stop = this.#stop
    this.#stop = undefined
    if (stop !== undefined) await this.#home.stopRoot(stop)
  }

  async #exit({ child, reason, how = 'signal' }: Extract<SupervisorStep, { readonly op: 'exit' }>): Promise<void> {
    const pid = this.#record.latest(child)?.pid
    if (pid === undefined || !(await this.#at(pid).isAlive(pid))) {
      this.#record.apply({ kind: 'result', value: 'not_alive' })
    } else if (how === 'signal') await this.#far(pid).exit([pid], reason)
    else await this.#far(pid).end(pid, how, reason)
  }

  async #operate(step: SupervisorOperation): Promise<void> {
    const sup = this.#record.latest(step.sup ?? 'root')
    if (sup === undefined) return this.#record.apply({ kind: 'raised', value: 'noproc' })
    const { pid: which } = { pid: undefined, ...step }
    const pid = which === undefined ? undefined : this.#record.latest(which)?.pid
    this.#isOfPool = step.op === 'which_children' && isPool(sup.tree)
    // From the supervisor's own node, for a result counts as happening when it is sent (FORMAT.md, section 7); but by the
    // parent if it must stand right behind what the parent sends.
    const stop = this.#stop
    this.#stop = undefined
    const place = stop === undefined ? this.#at(sup.pid) : this.#home
    await place.operate(step, { sup: sup.pid, pid, tree: sup.tree, path: sup.path }, stop)
    await this.#gather()
    this.#isOfPool = false
  }
}
