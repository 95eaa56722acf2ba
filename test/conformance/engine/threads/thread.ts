// What a worker thread of the conformance runner serves: one node for each scenario under way, and the site on it.

import type { MessagePort } from 'node:worker_threads'
import type { ThreadContext } from 'espalier/threads'
import type { SignalsStep, SupervisorStep, Term, Tree } from '../../scenario.ts'
import { SignalsSite } from '../signals-site.ts'
import { type Resolved, type Stop, type SupervisorOperation, TreeSite } from '../tree-site.ts'
import { beyond, forget, provideAgent } from './far-signals.ts'
import { elsewhere, forgetTree, provideTree } from './far-tree.ts'
import { type Activity, type Break, Lags, Outpost } from './outpost.ts'
import { serve } from './port-calls.ts'

/** What the nodes of a scenario share: words that count. */
export const shared = { ref: 0, alias: 1, stamp: 2, words: 3 } as const

export interface Opening {
  /** Of the scenario's run. */
  readonly id: number
  /** Names of this node and of the other one. */
  readonly name: string
  readonly other: string
  readonly counts: Int32Array
  readonly planted: Break | undefined
}

interface Open {
  readonly outpost: Outpost
  readonly opening: Opening
}

export class ThreadSites {
  readonly #context: ThreadContext
  readonly #lags = new Lags()
  readonly #open = new Map<number, Open>()
  readonly #signals = new Map<number, SignalsSite>()
  readonly #trees = new Map<number, TreeSite>()

  constructor(context: ThreadContext) {
    this.#context = context
  }

  // ---- any kind ----------------------------------------------------------------------------------------------------

  open(opening: Opening): void {
    const { id, name, planted } = opening
    this.#open.set(id, { opening, outpost: new Outpost(this.#context, this.#lags, name, planted) })
  }

  connect(id: number): Promise<void> {
    const { outpost, opening } = this.#of(id)
    return outpost.distribution.connect(opening.other)
  }

  activity(id: number): Promise<Activity> {
    return this.#of(id).outpost.activity()
  }

  async close(id: number): Promise<void> {
    const { outpost, opening } = this.#of(id)
    await outpost.close()
    forget(opening.name)
    forgetTree(opening.name)
    this.#open.delete(id)
    this.#signals.delete(id)
    this.#trees.delete(id)
  }

  #of(id: number): Open {
    const open = this.#open.get(id)
    if (open === undefined) throw new Error(`no scenario ${id}`)
    return open
  }

  // ---- signals -----------------------------------------------------------------------------------------------------

  async openSignals(id: number): Promise<void> {
    const { outpost, opening } = this.#of(id)
    const count = (kind: 'ref' | 'alias') => Atomics.add(opening.counts, shared[kind], 1) + 1
    const site = await SignalsSite.open(outpost, beyond(outpost.node, opening.other, count))
    this.#signals.set(id, site)
    await provideAgent(site)
  }

  spawn(id: number, name: string) {
    return this.#site(id).spawn(name)
  }

  command(id: number, step: SignalsStep) {
    return this.#site(id).command(step)
  }

  read(id: number) {
    return this.#site(id).read()
  }

  pausing(id: number) {
    return this.#site(id).pausing()
  }

  resume(id: number) {
    return this.#site(id).resume()
  }

  take(id: number) {
    return this.#site(id).take()
  }

  final(id: number) {
    return this.#site(id).final()
  }

  #site(id: number): SignalsSite {
    const site = this.#signals.get(id)
    if (site === undefined) throw new Error(`no site ${id}`)
    return site
  }

  // ---- supervisor --------------------------------------------------------------------------------------------------

  async openTree(id: number): Promise<void> {
    const { outpost, opening } = this.#of(id)
    const stamp = () => Atomics.add(opening.counts, shared.stamp, 1)
    const site = await TreeSite.open(outpost, stamp, elsewhere(outpost, opening.other))
    this.#trees.set(id, site)
    provideTree(site)
  }

  playParent(id: number) {
    return this.#tree(id).playParent()
  }

  start(id: number, tree: Tree) {
    return this.#tree(id).start(tree)
  }

  stopRoot(id: number, stop: Stop) {
    return this.#tree(id).stopRoot(stop)
  }

  isAlive(id: number, pid: string) {
    return this.#tree(id).isAlive(pid)
  }

  exit(id: number, pids: readonly string[], reason: Term) {
    return this.#tree(id).exit(pids, reason)
  }

  end(id: number, pid: string, how: 'stop' | 'error', reason: Term) {
    return this.#tree(id).end(pid, how, reason)
  }

  check(id: number, step: Extract<SupervisorStep, { readonly op: 'check_childspecs' }>) {
    return this.#tree(id).check(step)
  }

  operate(id: number, step: SupervisorOperation, resolved: Resolved, stop?: Stop) {
    return this.#tree(id).operate(step, resolved, stop)
  }

  facts(id: number) {
    return this.#tree(id).take()
  }

  #tree(id: number): TreeSite {
    const site = this.#trees.get(id)
    if (site === undefined) throw new Error(`no tree ${id}`)
    return site
  }
}

export function boot(context: ThreadContext, port: MessagePort): void {
  serve(port, new ThreadSites(context))
}
