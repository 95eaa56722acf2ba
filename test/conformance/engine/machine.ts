// What kinds "server" and "statem" share: the processes around the machine, the steps, the order of a segment, the rules.

import {
  type AnyProtocol,
  type Definition,
  Exit,
  ExitError,
  type ExitReason,
  type From,
  type Pid,
  type Ref,
  type Self,
} from 'espalier'
import type { MachineOp, MachineStep, Term, Trace, TraceEvent } from '../scenario.ts'
import type { Stage } from './stage.ts'
import { byText, decode, Names, toTagged } from './terms.ts'

/** What a machine answers and takes: anything. */
export type MachineProtocol = AnyProtocol

/** A machine's own side of the play. */
export interface Recorder {
  readonly names: Names
  /** Records a callback or the like. */
  event(...event: TraceEvent): void
  /** From init, when it is going to succeed: the machine's death is an event. */
  born(pid: Pid): void
}

/** An event and its place in the segment: start result, callbacks and deaths, stop result and final, then the calls. */
interface Ranked {
  readonly rank: number
  readonly event: TraceEvent
}

const START = 0
const CALLBACK = 1
const END = 2
/** Call k ranks this much higher, plus k. */
const CALLS = 3

/** Plays the steps against the machine that `define` makes. */
export async function runMachine(
  steps: readonly MachineStep[],
  stage: Stage,
  define: (recorder: Recorder) => Definition<undefined, MachineProtocol>,
): Promise<Trace> {
  const play = new MachinePlay(stage)
  await play.prepare(steps)
  const started = await play.start(define(play))
  const trace = [started]
  if (play.machine === undefined) return [started, [['final', 'not_started']]]
  for (const step of steps) trace.push(await play.step(step))
  return [...trace, await play.final()]
}

class MachinePlay implements Recorder {
  readonly names = new Names()
  machine: Ref<MachineProtocol> | undefined
  readonly #stage: Stage
  readonly #callers: Self[] = []
  #born: Pid | undefined
  #parent: Self | undefined
  #other: Self | undefined
  #calls = 0
  #events: Ranked[] = []

  constructor(stage: Stage) {
    this.#stage = stage
  }

  event(...event: TraceEvent): void {
    this.#events.push({ rank: CALLBACK, event })
  }

  born(pid: Pid): void {
    this.names.set(pid, 'machine')
    this.#born = pid
  }

  /** Starts everybody but the machine, so that a step can act through them at once. */
  async prepare(steps: readonly MachineStep[]): Promise<void> {
    const { node } = this.#stage
    node.spawn((self) => this.#playParent(self))
    node.spawn((self) => {
      this.#other = self
      this.names.set(self.pid, 'other')
      return new Promise(() => {})
    })
    for (const op of steps.flatMap(opsOf)) if (op.op === 'call') node.spawn((self) => this.#playCaller(self))
    await this.#stage.settle()
  }

  async start(definition: Definition<undefined, MachineProtocol>): Promise<readonly TraceEvent[]> {
    if (this.#parent === undefined) throw new Error('nobody to start the machine')
    const result = await this.#stage.run(this.#parent.tryStartLink(definition))
    await this.#stage.settle()
    if (result === 'ignore') this.#add(START, 'result', 'ignore')
    else if ('error' in result) this.#add(START, 'result', { t: ['error', this.names.encode(result.error)] })
    else {
      this.machine = result.ok as Ref<MachineProtocol>
      this.#add(START, 'result', 'ok')
    }
    return this.#segment()
  }

  async step(step: MachineStep): Promise<readonly TraceEvent[]> {
    if (step.op === 'wait') await this.#stage.pass(step.ms)
    else if (step.op === 'stop') await this.#stop(decode(step.reason))
    else for (const op of opsOf(step)) this.#act(op)
    if (step.settle === false) return []
    await this.#stage.settle()
    return this.#segment(step.sort)
  }

  async final(): Promise<readonly TraceEvent[]> {
    const { machine } = this
    const alive = machine !== undefined && this.#stage.node.isAlive(machine)
    if (alive) {
      machine.send('$probe')
      await this.#stage.settle()
    }
    this.#add(END, 'final', alive ? 'alive' : 'dead')
    return this.#segment()
  }

  #segment(sort = false): readonly TraceEvent[] {
    const events = this.#events.sort((a, b) => a.rank - b.rank).map(({ event }) => event)
    this.#events = []
    return sort ? events.sort(byText) : events
  }

  #add(rank: number, ...event: TraceEvent): void {
    this.#events.push({ rank, event })
  }

  // ---- operations --------------------------------------------------------------------------------------------------

  #act(op: MachineOp): void {
    const { machine } = this
    if (machine === undefined) return
    switch (op.op) {
      case 'cast': {
        const { tag, argument } = toTagged(op.content)
        machine.cast(tag, argument)
        return
      }
      case 'info':
        machine.send(decode(op.content))
        return
      case 'exit': {
        const from = op.from === 'other' ? this.#other : this.#parent
        from?.sendExit(machine, decode(op.reason))
        return
      }
      case 'call':
        this.#call(machine, op)
    }
  }

  #call(machine: Ref<MachineProtocol>, { content, timeout }: Extract<MachineOp, { op: 'call' }>): void {
    const caller = this.#callers[this.#calls++]
    const k = this.#calls
    const { tag, argument } = toTagged(content)
    caller?.call(machine, tag, argument, { timeoutMs: timeout ?? Number.POSITIVE_INFINITY }).then(
      (value) => this.#add(CALLS + k, 'reply', k, this.names.encode(value)),
      (error: unknown) => this.#add(CALLS + k, 'call_exit', k, this.names.encode(reasonOf(error))),
    )
  }

  async #stop(reason: ExitReason): Promise<void> {
    if (this.machine === undefined) return
    const outcome = this.machine.stop(reason).then(
      (): TraceEvent => ['result', 'ok'],
      (error: unknown): TraceEvent => ['raised', this.names.encode(reasonOf(error))],
    )
    this.#add(END, ...(await this.#stage.run(outcome)))
  }

  // ---- processes ---------------------------------------------------------------------------------------------------

  // The link to the machine is there from its birth on; a monitor would come too late for a death in the first turn.
  async #playParent(self: Self): Promise<void> {
    self.trapExit = true
    this.#parent = self
    this.names.set(self.pid, 'parent')
    for (;;) {
      const message = await self.receive()
      if (message instanceof Exit && message.from === this.#born) {
        this.event('down', this.names.encode(message.reason))
      }
    }
  }

  // A caller stays alive after its call: whatever else it gets is a stray.
  async #playCaller(self: Self): Promise<void> {
    const k = this.#callers.push(self)
    for (;;) this.#add(CALLS + k, 'stray', k, this.names.encode(await self.receive()))
  }
}

function reasonOf(error: unknown): ExitReason {
  if (error instanceof ExitError) return error.reason
  throw error
}

/** The contents of all casts and calls of the steps. */
export function contentsOf(steps: readonly MachineStep[]): Term[] {
  return steps.flatMap(opsOf).flatMap((op) => (op.op === 'cast' || op.op === 'call' ? [op.content] : []))
}

/** A table of handlers. */
export function each<T>(names: readonly string[], value: (name: string) => T): { [name: string]: T } {
  return Object.fromEntries(names.map((name) => [name, value(name)]))
}

function opsOf(step: MachineStep): readonly MachineOp[] {
  if (step.op === 'burst') return step.ops
  return step.op === 'wait' || step.op === 'stop' ? [] : [step]
}

// ---- rules -----------------------------------------------------------------------------------------------------------

interface Rule<Do> {
  readonly times?: number
  readonly do: Do
}

/** A machine's rules, and how often each has been used. */
export class Rules<R extends Rule<unknown>> {
  readonly #rules: readonly R[]
  readonly #used = new Map<R, number>()

  constructor(rules: readonly R[]) {
    this.#rules = rules
  }

  /** What the first rule does that matches and is not used up. */
  find(matches: (rule: R) => boolean): R['do'] | undefined {
    for (const rule of this.#rules) {
      const used = this.#used.get(rule) ?? 0
      if (!matches(rule) || used >= (rule.times ?? Number.POSITIVE_INFINITY)) continue
      this.#used.set(rule, used + 1)
      return rule.do
    }
    return undefined
  }
}

/** `_` matches everything. */
export function matches(pattern: Term, term: Term): boolean {
  return pattern === '_' || JSON.stringify(pattern) === JSON.stringify(term)
}

/** Callers that wait for a later reply, by key. */
export class Callers {
  readonly #saved = new Map<string, From>()

  save(key: string | undefined, from: From | undefined): void {
    if (key !== undefined && from !== undefined) this.#saved.set(key, from)
  }

  /** The saved caller, used up by this. */
  take(key: string): From | undefined {
    const from = this.#saved.get(key)
    this.#saved.delete(key)
    return from
  }
}
