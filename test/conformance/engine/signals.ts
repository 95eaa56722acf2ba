// Kind "signals": raw processes that carry out operations when told to, and read their mailbox otherwise.

import { Down, Exit, type ExitReason, type Pid, ProcessError, type Reference, type Self } from 'espalier'
import type { SignalsOp, SignalsScenario, SignalsStep, Term, Trace, TraceEvent } from '../scenario.ts'
import { observe, type Watch } from './observer.ts'
import type { Stage } from './stage.ts'
import { decode, Names } from './terms.ts'

/** What the driver tells a process to do. */
class Command {
  readonly step: SignalsStep

  constructor(step: SignalsStep) {
    this.step = step
  }
}

/** A plain message of the scenario. */
class Message {
  readonly from: string
  readonly content: unknown

  constructor(from: string, content: unknown) {
    this.from = from
    this.content = content
  }
}

/** An event, and where it stands in its segment: receiver, its own death last, sender, DOWN last, reference. */
interface Placed {
  readonly event: TraceEvent
  readonly place: readonly [receiver: string, death: number, sender: string, down: number, ref: number]
}

type Op<K extends SignalsOp['op']> = Extract<SignalsOp, { readonly op: K }>

export async function runSignals(scenario: SignalsScenario, stage: Stage): Promise<Trace> {
  const play = new SignalsPlay(stage)
  await play.start(scenario.procs)
  const trace: (readonly TraceEvent[])[] = [[]]
  for (const step of scenario.steps) trace.push(await play.step(step))
  return [...trace, play.final()]
}

class SignalsPlay {
  readonly #stage: Stage
  readonly #names = new Names()
  readonly #procs = new Map<string, Pid>()
  readonly #references = new Map<string, { readonly ref: Reference; readonly owner: Pid; readonly number: number }>()
  readonly #counts = { ref: 0, alias: 0 }
  /** Whom to tell of a death. */
  readonly #awaited = new Map<Pid, () => void>()
  #watch: Watch = () => {}
  #results: TraceEvent[] = []
  #events: Placed[] = []

  constructor(stage: Stage) {
    this.#stage = stage
  }

  async start(procs: readonly string[]): Promise<void> {
    this.#watch = await observe(this.#stage, (pid, reason) => this.#died(pid, reason))
    for (const name of procs)
      this.#born(
        name,
        this.#stage.node.spawn((self) => this.#live(self, name)),
      )
    await this.#stage.settle()
  }

  async step(step: SignalsStep): Promise<readonly TraceEvent[]> {
    this.#results = []
    this.#events = []
    const pid = this.#procs.get(step.proc)
    if (pid === undefined || !this.#stage.node.isAlive(pid)) return [['skipped', step.proc]]
    this.#stage.node.send(pid, new Command(step))
    await this.#stage.rest()
    this.#events.sort(byPlace)
    return [...this.#results, ...this.#events.map(({ event }) => event)]
  }

  final(): readonly TraceEvent[] {
    const alive = [...this.#procs].filter(([, pid]) => this.#stage.node.isAlive(pid)).map(([name]) => name)
    const registered = this.#stage.node.registered().map(([name, pid]) => [name, this.#names.encode(pid)])
    return [
      ['alive', alive.sort()],
      ['registered', registered.sort()],
    ]
  }

  // ---- processes ---------------------------------------------------------------------------------------------------

  #died(pid: Pid, reason: ExitReason): void {
    const name = this.#nameOf(pid)
    this.#events.push({ event: ['down', name, this.#names.encode(reason)], place: [name, 1, '', 0, 0] })
    this.#awaited.get(pid)?.()
  }

  #born(name: string, pid: Pid): void {
    this.#procs.set(name, pid)
    this.#names.set(pid, name)
    this.#watch(pid)
  }

  async #live(self: Self, name: string): Promise<void> {
    for (;;) {
      const message = await self.receive()
      if (!(message instanceof Command)) this.#received(name, message)
      else if (message.step.op === 'return') return
      else await this.#carryOut(self, name, message.step)
    }
  }

  #received(name: string, message: unknown): void {
    const event = ['recv', name, this.#names.encode(message instanceof Message ? message.content : message)]
    this.#events.push({ event, place: [name, 0, ...this.#source(message)] })
  }

  #source(message: unknown): [sender: string, down: number, ref: number] {
    if (message instanceof Message) return [message.from, 0, 0]
    if (message instanceof Exit) return [this.#nameOf(message.from), 0, 0]
    if (!(message instanceof Down)) return ['', 0, 0]
    const ref = this.#references.get(this.#nameOf(message.ref))
    const sender = typeof message.target === 'string' ? message.target : this.#nameOf(message.target)
    return [sender, 1, ref?.number ?? 0]
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
        self.register(op.as, this.#proc(op.to))
        return true
      case 'unregister':
        self.unregister(op.as)
        return true
      case 'whereis':
        return this.#names.encode(self.whereis(op.as))
      case 'send':
        self.send(this.#proc(op.to), new Message(name, decode(op.msg)))
        return 'ok'
      case 'send_name':
        self.send(op.as, new Message(name, decode(op.msg)))
        return 'ok'
      case 'send_alias':
        self.send(this.#reference(op.alias), new Message(name, decode(op.msg)))
        return 'ok'
      case 'alive':
        return self.isAlive(this.#proc(op.to))
      case 'links':
        return self
          .links()
          .map((pid) => this.#nameOf(pid))
          .sort()
      case 'monitors':
        return self
          .monitors()
          .map((target) => (typeof target === 'string' ? target : this.#nameOf(target)))
          .sort()
      case 'alias':
        return this.#named(self, 'alias', self.alias())
      case 'unalias':
        return self.unalias(this.#reference(op.alias))
      case 'return':
        throw new Error('return: a step of its own, not part of a batch')
      case 'pause':
        return self.sleep(op.ms).then(() => 'ok')
    }
  }

  #spawn(self: Self, { name, how, trap_exit: trapExit, exit }: Op<'spawn'>): Term | Promise<Term> {
    const body = (child: Self) => {
      child.trapExit = trapExit ?? false
      return exit === undefined ? this.#live(child, name) : child.exit(decode(exit))
    }
    const { pid, ref } =
      how === 'spawn_monitor' ? self.spawnMonitor(body) : { pid: self.spawn(body, { link: how === 'spawn_link' }) }
    this.#born(name, pid)
    const result = ref === undefined ? 'ok' : this.#named(self, 'ref', ref)
    if (exit === undefined) return result
    return new Promise((resolve) => this.#awaited.set(pid, () => resolve(result)))
  }

  #monitor(self: Self, { to, as, alias }: Op<'monitor'>): Term {
    const target = to === undefined ? (as ?? '') : this.#proc(to)
    return this.#named(self, 'ref', self.monitor(target, alias === undefined ? {} : { alias }))
  }

  #demonitor(self: Self, { ref: name, opts = [] }: Op<'demonitor'>): Term {
    const known = this.#references.get(name)
    if (known === undefined) return 'no_ref'
    if (known.owner !== self.pid) return 'not_owner'
    return self.demonitor(known.ref, { flush: opts.includes('flush'), info: opts.includes('info') })
  }

  #named(self: Self, kind: 'ref' | 'alias', ref: Reference): string {
    const number = ++this.#counts[kind]
    const name = `${kind}${number}`
    this.#references.set(name, { ref, owner: self.pid, number })
    this.#names.set(ref, name)
    return name
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

function byPlace(a: Placed, b: Placed): number {
  for (const [i, x] of a.place.entries()) {
    const y = b.place[i] ?? ''
    if (x !== y) return x < y ? -1 : 1
  }
  return 0
}
