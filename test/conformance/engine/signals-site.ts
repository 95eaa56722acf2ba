// Kind "signals": the processes of one node. Raw processes that carry out operations when told to; they read their mailbox
// otherwise, or, where an exit cascade takes longer than a turn (FORMAT.md, section 7: it is instantaneous), when told to.

import { Down, Exit, type ExitReason, type Node, type Pid, ProcessError, type Reference, type Self } from 'espalier'
import type { SignalsOp, SignalsStep, Term, TraceEvent } from '../scenario.ts'
import { observe, type Post, type Watch } from './observer.ts'
import { near, type Reach, type SpawnOp } from './reach.ts'
import type { Happened, Placed, SignalsPlace } from './signals.ts'
import { decode, Names } from './terms.ts'

/** What the driver tells a process to do. */
class Command {
  readonly step: SignalsStep

  constructor(step: SignalsStep) {
    this.step = step
  }
}

/** Tells a process to read its mailbox. */
class Read {}

/** Tells a process that its pause is over. */
class Resume {}

/** A plain message of the scenario; it may cross to another node. */
interface Message {
  readonly from: string
  readonly content: unknown
}

function isMessage(message: unknown): message is Message {
  return typeof message === 'object' && message !== null && 'content' in message && 'from' in message
}

/** A reference by its name in the trace. */
export interface KnownReference {
  readonly name: string
  readonly ref: Reference
  readonly owner: Pid
  readonly number: number
}

/** What a site has beyond its node where there are others. */
export interface Beyond {
  readonly reach: Reach
  /** Numbers references and aliases over all sites. */
  readonly count: (kind: 'ref' | 'alias') => number
  /** Tells the other sites. */
  readonly tell: {
    born(name: string, pid: Pid): void
    named(known: KnownReference): void
    died(name: string): void
  }
}

type Op<K extends SignalsOp['op']> = Extract<SignalsOp, { readonly op: K }>

export class SignalsSite implements SignalsPlace {
  readonly node: Node
  readonly #names = new Names()
  readonly #procs = new Map<string, Pid>()
  readonly #references = new Map<string, KnownReference>()
  readonly #counts = { ref: 0, alias: 0 }
  /** Those of this node that carry something out. */
  readonly #busy = new Set<string>()
  /** Whom to tell of a death, by name. */
  readonly #awaited = new Map<string, () => void>()
  readonly #beyond: Beyond | undefined
  readonly #reach: Reach
  #watch: Watch = () => {}
  #paused: { readonly pid: Pid; readonly ms: number } | undefined
  #results: TraceEvent[] = []
  #events: Placed[] = []

  private constructor(node: Node, beyond: Beyond | undefined) {
    this.node = node
    this.#beyond = beyond
    this.#reach = beyond?.reach ?? near((self, op) => this.live(self, op))
  }

  static async open(post: Post, beyond?: Beyond): Promise<SignalsSite> {
    const site = new SignalsSite(post.node, beyond)
    site.#watch = await observe(post, (pid, reason) => site.#died(pid, reason))
    return site
  }

  // ---- for the steps -----------------------------------------------------------------------------------------------

  spawn(name: string): void {
    this.born(
      name,
      this.node.spawn((self) => this.#obey(self, name)),
    )
  }

  command(step: SignalsStep): boolean {
    const pid = this.#procs.get(step.proc)
    if (pid === undefined || !this.node.isAlive(pid)) return false
    this.#busy.add(step.proc)
    this.node.send(pid, new Command(step))
    return true
  }

  read(): void {
    if (this.#beyond === undefined) return
    for (const [name, pid] of this.#procs) {
      if (this.node.isAlive(pid) && !this.#busy.has(name)) this.node.send(pid, new Read())
    }
  }

  pausing(): number {
    return this.#paused?.ms ?? 0
  }

  resume(): void {
    const paused = this.#paused
    this.#paused = undefined
    if (paused !== undefined) this.node.send(paused.pid, new Resume())
  }

  take(): Happened {
    const happened = { results: this.#results, events: this.#events }
    this.#results = []
    this.#events = []
    return happened
  }

  final(): { readonly alive: readonly string[]; readonly registered: readonly Term[] } {
    const names = new Set([...this.#procs.keys()].map((name) => name))
    return {
      alive: [...this.#procs].filter(([, pid]) => this.node.isAlive(pid)).map(([name]) => name),
      registered: this.node
        .registered()
        .filter(([, pid]) => names.has(this.#nameOf(pid)))
        .map(([name, pid]) => [name, this.#names.encode(pid)]),
    }
  }

  // ---- processes ---------------------------------------------------------------------------------------------------

  /** A process lives on this node. */
  born(name: string, pid: Pid): void {
    this.learn(name, pid)
    this.#watch(pid)
    this.#beyond?.tell.born(name, pid)
  }

  /** A process lives, here or elsewhere. */
  learn(name: string, pid: Pid): void {
    this.#procs.set(name, pid)
    this.#names.set(pid, name)
  }

  learnReference(known: KnownReference): void {
    this.#references.set(known.name, known)
    this.#names.set(known.ref, known.name)
  }

  /** A process is no more, and its signals have been sent. */
  gone(name: string): void {
    this.#awaited.get(name)?.()
  }

  #died(pid: Pid, reason: ExitReason): void {
    const name = this.#nameOf(pid)
    this.#events.push({ event: ['down', name, this.#names.encode(reason)], place: [name, 1, '', 0, 0] })
    this.#busy.delete(name)
    this.gone(name)
    this.#beyond?.tell.died(name)
  }

  /** What a process does that another one has spawned. */
  async live(self: Self, { name, trap_exit: trapExit, exit }: Omit<SpawnOp, 'op' | 'how'>): Promise<void> {
    self.trapExit = trapExit ?? false
    return exit === undefined ? this.#obey(self, name) : self.exit(decode(exit))
  }

  async #obey(self: Self, name: string): Promise<void> {
    const expected =
      this.#beyond === undefined
        ? undefined
        : (message: unknown) => message instanceof Command || message instanceof Read
    for (;;) {
      const message = await self.receive(expected)
      if (message instanceof Read) await this.#readAll(self, name)
      else if (!(message instanceof Command)) this.#received(name, message)
      else if (message.step.op === 'return') return
      else {
        await this.#carryOut(self, name, message.step)
        this.#busy.delete(name)
      }
    }
  }

  async #readAll(self: Self, name: string): Promise<void> {
    for (;;) {
      const message = await self.receive(undefined, { timeoutMs: 0 })
      if (message === undefined) return
      this.#received(name, message)
    }
  }

  #received(name: string, received: unknown): void {
    const message = byName(received)
    const event = ['recv', name, this.#names.encode(isMessage(message) ? message.content : message)]
    this.#events.push({ event, place: [name, 0, ...this.#source(message)] })
  }

  #source(message: unknown): [sender: string, down: number, ref: number] {
    if (message instanceof Exit) return [this.#nameOf(message.from), 0, 0]
    if (message instanceof Down) {
      const ref = this.#references.get(this.#nameOf(message.ref))
      const sender = typeof message.target === 'string' ? message.target : this.#nameOf(message.target)
      return [sender, 1, ref?.number ?? 0]
    }
    return [isMessage(message) ? message.from : '', 0, 0]
  }

  // ---- operations --------------------------------------------------------------------------------------------------

  // Nothing is awaited but by the operations that take time: the result of any other stands before its consequences.
  async #carryOut(self: Self, name: string, step: SignalsStep): Promise<void> {
    try {
      const result = step.op === 'batch' ? await this.#batch(self, name, step.ops) : this.#do(self, name, step)
      const value = result instanceof Promise ? await result : result
      if (self.alive) this.#results.push(['result', name, value])
    } catch (error) {
      if (!(error instanceof ProcessError)) throw error
      if (self.alive) this.#results.push(['raised', name, error.reason])
    }
  }

  async #batch(self: Self, name: string, ops: readonly SignalsOp[]): Promise<Term[]> {
    const results: Term[] = []
    for (const op of ops) {
      const result = this.#do(self, name, op)
      results.push(result instanceof Promise ? await result : result)
    }
    return results
  }

  #do(self: Self, name: string, op: SignalsOp): Term | Promise<Term> {
    const reach = this.#reach
    switch (op.op) {
      case 'spawn':
        return this.#spawn(self, op)
      case 'link':
        self.link(this.#proc(op.to))
        return true
      case 'unlink':
        self.unlink(this.#proc(op.to))
        return true
      case 'monitor':
        return this.#monitor(self, op)
      case 'demonitor':
        return this.#demonitor(self, op)
      case 'trap_exit': {
        const old = self.trapExit
        self.trapExit = op.value
        return old
      }
      case 'exit':
        return self.exit(decode(op.reason))
      case 'error':
        throw decode(op.reason)
      case 'exit_to':
        self.sendExit(this.#proc(op.to), decode(op.reason))
        return true
      case 'register':
        return then(reach.register(self, op.as, this.#proc(op.to)), () => true)
      case 'unregister':
        return then(reach.unregister(self, op.as), () => true)
      case 'whereis':
        return then(reach.whereis(self, op.as), (pid) => this.#names.encode(pid))
      case 'send':
        return this.#send(self, name, this.#proc(op.to), op.msg)
      case 'send_name':
        return then(reach.address(self, op.as), (to) => this.#send(self, name, to, op.msg))
      case 'send_alias':
        return this.#send(self, name, this.#reference(op.alias), op.msg)
      case 'alive':
        return reach.isAlive(self, this.#proc(op.to))
      case 'links':
        return self
          .links()
          .map((pid) => this.#nameOf(pid))
          .sort()
      case 'monitors':
        return self
          .monitors()
          .map((target) => (typeof target === 'string' ? target : (nameOnly(target) ?? this.#nameOf(target))))
          .sort()
      case 'alias':
        return this.#named(self, 'alias', self.alias())
      case 'unalias':
        return self.unalias(this.#reference(op.alias))
      case 'return':
        throw new Error('return: a step of its own, not part of a batch')
      case 'pause':
        return this.#pause(self, op.ms)
    }
  }

  async #pause(self: Self, ms: number): Promise<Term> {
    if (this.#beyond === undefined) await self.sleep(ms)
    else {
      this.#paused = { pid: self.pid, ms }
      await self.receive((message) => message instanceof Resume)
    }
    return 'ok'
  }

  #send(self: Self, from: string, to: Pid | Reference | string, content: Term): Term {
    self.send(to, { from, content: decode(content) } satisfies Message)
    return 'ok'
  }

  #spawn(self: Self, op: SpawnOp): Term | Promise<Term> {
    const dead = op.exit === undefined ? undefined : new Promise<void>((resolve) => this.#awaited.set(op.name, resolve))
    return then(this.#reach.spawn(self, op), ({ pid, ref }) => {
      if (this.node.isAlive(pid)) this.born(op.name, pid)
      else this.learn(op.name, pid)
      const result = ref === undefined ? 'ok' : this.#named(self, 'ref', ref)
      return dead === undefined ? result : dead.then(() => result)
    })
  }

  #monitor(self: Self, { to, as, alias }: Op<'monitor'>): Term | Promise<Term> {
    const target = to === undefined ? this.#reach.address(self, as ?? '') : this.#proc(to)
    return then(target, (target) =>
      this.#named(self, 'ref', self.monitor(target, alias === undefined ? {} : { alias })),
    )
  }

  #demonitor(self: Self, { ref: name, opts = [] }: Op<'demonitor'>): Term {
    const known = this.#references.get(name)
    if (known === undefined) return 'no_ref'
    if (known.owner !== self.pid) return 'not_owner'
    return self.demonitor(known.ref, { flush: opts.includes('flush'), info: opts.includes('info') })
  }

  #named(self: Self, kind: 'ref' | 'alias', ref: Reference): string {
    const number = this.#beyond?.count(kind) ?? ++this.#counts[kind]
    const known = { name: `${kind}${number}`, ref, owner: self.pid, number }
    this.learnReference(known)
    this.#beyond?.tell.named(known)
    return known.name
  }

  #reference(name: string): Reference {
    const known = this.#references.get(name)
    if (known === undefined) throw new Error(`no reference ${name}`)
    return known.ref
  }

  #proc(name: string): Pid {
    const pid = this.#procs.get(name)
    if (pid === undefined) throw new Error(`no process ${name}`)
    return pid
  }

  #nameOf(what: Pid | Reference): string {
    return this.#names.get(what) ?? '<unknown>'
  }
}

/** `use` of the value, at once if it is there. */
function then<T, R>(value: T | Promise<T>, use: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(use) : use(value)
}

/** The name in the address of a name on another node. */
function nameOnly(target: Pid): string | undefined {
  return 'name' in target && typeof target.name === 'string' ? target.name : undefined
}

/** What has been monitored by name is known by it, whatever node the name is on. */
function byName(message: unknown): unknown {
  if (!(message instanceof Down) || typeof message.target === 'string') return message
  const name = nameOnly(message.target)
  return name === undefined ? message : new Down(message.ref, name, message.reason)
}
