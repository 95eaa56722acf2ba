// Kind "supervisor": one node of those that a scenario's tree lives on: the workers and supervisors that the tree is made
// of, what is done to them from here, and the note of what happens to them.

import {
  type AutoShutdown,
  type CheckedChildSpec,
  type ChildCounts,
  type ChildInfo,
  type ChildSpec,
  checkChildSpecs,
  Exit,
  ExitError,
  type ExitReason,
  type Node,
  type Pid,
  type Ref,
  type Report,
  type Self,
} from 'espalier'
import type { Child, SupervisorStep, Term, Tree as TreeSpec } from '../scenario.ts'
import { observe, type Post, type Watch } from './observer.ts'
import { decode, Names } from './terms.ts'
import { type Given, type Start, type TreeDefinitions, treeDefinitions } from './tree-definitions.ts'
import type { Fact, Stamped } from './tree-facts.ts'
import { isPool, pathBelow } from './tree-record.ts'

/** Where a tree goes on beyond its node. */
export interface Elsewhere {
  readonly nodeName: string
  /** What is started there, by module and export. */
  readonly there: TreeDefinitions
  /** The same on this node. */
  readonly here: TreeDefinitions
  /** The pid of this text, of a process there. */
  pid(text: string): Pid
}

type Step<K extends SupervisorStep['op']> = Extract<SupervisorStep, { readonly op: K }>

/** A call to a supervisor. */
export type SupervisorOperation = Step<
  | 'start_child'
  | 'terminate_child'
  | 'restart_child'
  | 'delete_child'
  | 'get_childspec'
  | 'which_children'
  | 'count_children'
>

/** What an operation's paths stand for: the texts of pids, and what a pool starts. */
export interface Resolved {
  readonly sup: string
  readonly pid: string | undefined
  readonly tree: TreeSpec | undefined
  readonly path: string
}

/** The end of the root, as its parent asks for it. */
export interface Stop {
  readonly root: string
  readonly reason: Term
}

/** A supervisor's operations, as a caller sees them who may get everything wrong. */
interface Operations {
  readonly call: {
    start_child(spec: unknown): unknown
    terminate_child(which: unknown): unknown
    restart_child(which: unknown): unknown
    delete_child(which: unknown): unknown
    get_childspec(which: unknown): { readonly ok: CheckedChildSpec } | { readonly error: unknown } | 'ok'
    which_children(): readonly ChildInfo[]
    count_children(): ChildCounts
  }
}

export class TreeSite {
  readonly node: Node
  /** Pids stay as they are: the record knows their names. */
  readonly #names = new Names((text) => (text.startsWith('#ref<') ? '<ref>' : text))
  /** What the tree is made of on this node. */
  readonly #definitions: TreeDefinitions
  readonly #post: Post
  readonly #stamp: () => number
  readonly #elsewhere: Elsewhere | undefined
  readonly #pids = new Map<string, Pid>()

  /** How often a path has been started here: a path lives where it lives in every incarnation. */
  readonly #starts = new Map<string, number>()
  /** Which paths live elsewhere, in the order in which they were first met. */
  readonly #isElsewhere = new Map<string, boolean>()
  #watch: Watch = () => {}
  #parent: Self | undefined
  #facts: Stamped[] = []

  private constructor(post: Post, stamp: () => number, elsewhere: Elsewhere | undefined) {
    this.node = post.node
    this.#post = post
    this.#stamp = stamp
    this.#elsewhere = elsewhere
    this.#definitions = elsewhere?.here ?? treeDefinitions(() => this)
  }

  /** `stamp` counts over all nodes of the tree. */
  static async open(post: Post, stamp: () => number, elsewhere?: Elsewhere): Promise<TreeSite> {
    const site = new TreeSite(post, stamp, elsewhere)
    site.#watch = await observe(post, (pid, reason) => site.note('died', pid, reason))
    post.node.onReport((report) => site.#report(report))
    return site
  }

  // ---- the notes ---------------------------------------------------------------------------------------------------

  /** What has happened here since the last time. */
  take(): readonly Stamped[] {
    const facts = this.#facts
    this.#facts = []
    return facts
  }

  add(fact: Fact): void {
    this.#facts.push({ stamp: this.#stamp(), fact })
  }

  note(kind: 'terminate' | 'died' | 'exit_msg' | 'exited', pid: Pid, reason: ExitReason): void {
    this.add({ kind, pid: String(pid), reason: this.#names.encode(reason) })
  }

  /** What a node's supervisors tell. */
  #report(report: Report): void {
    if (report.kind === 'progress') this.add({ kind: 'up', pid: String(report.started) })
    else if (report.kind === 'supervisor' && report.event === 'start_error') {
      const reason = this.#names.encode(report.reason)
      this.add({ kind: 'start_error', supervisor: String(report.pid), reason })
    }
  }

  /** The number of this start of its path. */
  born(self: Self, { child, path }: Start): number {
    const number = (this.#starts.get(path) ?? 0) + 1
    this.#starts.set(path, number)
    this.#pids.set(String(self.pid), self.pid)
    // The parent of the root is none of the tree.
    const above = self.parent === undefined || path === 'root' ? undefined : String(self.parent)
    this.add({ kind: 'born', pid: String(self.pid), above, child })
    this.#watch(self.pid)
    return number
  }

  /** A child spec as the supervisor at `above` gets it. OTP takes a child to be a worker unless it is told. */
  childSpec(above: string, child: Child): ChildSpec {
    const { id, restart, shutdown, type = 'worker', significant, modules } = child
    const path = pathBelow(above, child)
    const kind = child.tree === undefined ? 'worker' : 'supervisor'
    const elsewhere = this.#placed(path)
    const start =
      child.bad_start === undefined
        ? [(elsewhere?.there ?? this.#definitions)[kind], { child, path }]
        : decode(child.bad_start)
    const on =
      elsewhere === undefined || child.bad_start !== undefined || child.no_start ? {} : { on: elsewhere.nodeName }
    const spec: unknown = mapOf({
      ...present({ id, restart, shutdown, type, significant, modules }),
      ...(child.no_start ? {} : { start }),
      ...on,
    })
    return spec as ChildSpec
  }

  /** Processes alternate, the first here; a path stays where it is. */
  #placed(path: string): Elsewhere | undefined {
    const known = this.#isElsewhere.get(path)
    const is = known ?? this.#isElsewhere.size % 2 === 1
    this.#isElsewhere.set(path, is)
    return is ? this.#elsewhere : undefined
  }

  // ---- for the steps -----------------------------------------------------------------------------------------------

  /** Makes this node the parent's. */
  playParent(): void {
    this.node.spawn(async (self) => {
      self.trapExit = true
      this.#parent = self
      for (;;) {
        const message = await self.receive()
        if (message instanceof Exit) this.note('exited', message.from, message.reason)
      }
    })
  }

  /** The parent starts the root. What has come of it: its pid as text, or why not. */
  async start(tree: TreeSpec): Promise<{ readonly ok: string } | { readonly error: Term }> {
    if (this.#parent === undefined) throw new Error('nobody to start the tree')
    const elsewhere = this.#placed('root')
    const on = elsewhere === undefined ? {} : { on: elsewhere.nodeName }
    // What starts it is no child spec.
    const root: Given = { child: { tree }, path: 'root' }
    const definition = (elsewhere?.there ?? this.#definitions).supervisor
    const result = await this.#post.run(this.#parent.tryStartLink(definition, root, on))
    if (result === 'ignore') throw new Error('a supervisor that ignores is no part of the format')
    if ('error' in result) return { error: this.#names.encode(result.error) }
    this.add({ kind: 'up', pid: String(result.ok) })
    this.add({ kind: 'result', value: this.#names.encode(result) })
    return { ok: String(result.ok) }
  }

  /** The parent ends the root. */
  stopRoot({ root, reason }: Stop): void {
    this.#parent?.sendExit(this.#pid(root), decode(reason))
  }

  isAlive(pid: string): boolean {
    return this.node.isAlive(this.#pid(pid))
  }

  exit(pids: readonly string[], reason: Term): void {
    for (const pid of pids) this.node.sendExit(this.#pid(pid), decode(reason))
  }

  /** Has a worker stop or raise from a callback. */
  end(pid: string, how: 'stop' | 'error', reason: Term): void {
    const worker = this.#pid(pid) as Ref<TreeDefinitions['worker']>
    worker.cast(how, decode(reason))
  }

  check({ specs, auto_shutdown: given = 'undefined' }: Step<'check_childspecs'>): void {
    const checked = specs.map((child) => this.childSpec('root', child))
    const result = checkChildSpecs(checked, given === 'undefined' ? undefined : (decode(given) as AutoShutdown))
    this.add({ kind: 'result', value: this.#names.encode(result) })
  }

  /** `stop`: what the parent sends the root right before. */
  async operate(step: SupervisorOperation, resolved: Resolved, stop?: Stop): Promise<void> {
    if (stop !== undefined) this.stopRoot(stop)
    const sup = this.#pid(resolved.sup) as Ref<Operations>
    const recorded = this.#call(sup, step, resolved).then(
      (value) => this.add({ kind: 'result', value }),
      (error: unknown) => {
        if (!(error instanceof ExitError)) throw error
        this.add({ kind: 'raised', value: this.#names.encode(error.reason) })
      },
    )
    await this.#post.run(recorded)
  }

  async #call(sup: Ref<Operations>, step: SupervisorOperation, resolved: Resolved): Promise<Term> {
    const names = this.#names
    const forever = { timeoutMs: Number.POSITIVE_INFINITY }
    switch (step.op) {
      case 'start_child':
        return names.encode(await sup.call('start_child', this.#startArgument(step, resolved), forever))
      case 'which_children': {
        const children = await sup.call('which_children', undefined, forever)
        return children.map(({ id, child, type }) => names.encode([id, child, type]))
      }
      case 'count_children': {
        const { specs, active, supervisors, workers } = await sup.call('count_children', undefined, forever)
        return [specs, active, supervisors, workers]
      }
      case 'get_childspec': {
        const result = await sup.call('get_childspec', this.#which(step, resolved), forever)
        if (typeof result !== 'object' || 'error' in result) return names.encode(result)
        const { id, restart, shutdown, type, significant } = result.ok
        return names.encode({ ok: [id, restart, shutdown, type, significant] })
      }
      default:
        return names.encode(await sup.call(step.op, this.#which(step, resolved), forever))
    }
  }

  /** What start_child takes: a spec, or a list of arguments: for a pool, changes of its template. */
  #startArgument({ child, args }: Step<'start_child'>, { tree, path }: Resolved): unknown {
    if (child !== undefined) return this.childSpec(path, child)
    const changed: Child = { ...(isPool(tree) ? tree?.children?.[0] : undefined), ...args }
    return [{ child: changed, path: pathBelow(path, changed) } satisfies Start]
  }

  #which({ id }: { readonly id?: Term }, { pid }: Resolved): unknown {
    return id === undefined ? (pid === undefined ? undefined : this.#pid(pid)) : decode(id)
  }

  #pid(text: string): Pid {
    const pid = this.#pids.get(text) ?? this.#elsewhere?.pid(text)
    if (pid === undefined) throw new Error(`no process ${text}`)
    return pid
  }
}

/** Decodes what is there. */
export function present(terms: { readonly [key: string]: Term | undefined }): { [key: string]: unknown } {
  return Object.fromEntries(
    Object.entries(terms).flatMap(([key, term]) => (term === undefined ? [] : [[key, decode(term)]])),
  )
}

/** A map of Erlang: an object without a prototype, unlike a tagged tuple (terms.ts). */
function mapOf(entries: object): unknown {
  return Object.assign(Object.create(null), entries)
}
