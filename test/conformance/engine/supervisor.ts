// Kind "supervisor": the steps. What the tree is made of is in tree.ts.

import {
  type AutoShutdown,
  type CheckedChildSpec,
  type ChildCounts,
  type ChildInfo,
  checkChildSpecs,
  Exit,
  ExitError,
  type ExitReason,
  type Pid,
  type Ref,
  type Self,
} from 'espalier'
import type { SupervisorScenario, SupervisorStep, Term, Trace, TraceEvent } from '../scenario.ts'
import { observe } from './observer.ts'
import type { Stage } from './stage.ts'
import { byText, decode } from './terms.ts'
import { Tree } from './tree.ts'

type Step<K extends SupervisorStep['op']> = Extract<SupervisorStep, { readonly op: K }>

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

export async function runSupervisor(scenario: SupervisorScenario, stage: Stage): Promise<Trace> {
  const play = new SupervisorPlay(stage)
  const started = await play.start(scenario)
  if (play.root === undefined) return [started, [['final', 'not_started']]]
  const trace = [started]
  for (const step of scenario.steps) trace.push(await play.step(step))
  return [...trace, await play.final()]
}

class SupervisorPlay {
  root: Pid | undefined
  readonly #stage: Stage
  readonly #tree: Tree
  /** The exit signals that the parent has got. */
  readonly #exits = new Map<Pid, ExitReason>()
  #parent: Self | undefined

  constructor(stage: Stage) {
    this.#stage = stage
    this.#tree = new Tree()
  }

  async start(scenario: SupervisorScenario): Promise<readonly TraceEvent[]> {
    const { node } = this.#stage
    const tree = this.#tree
    tree.watch = await observe(this.#stage, (pid, reason) => tree.died(pid, reason))
    node.onReport((report) => tree.report(report))
    node.spawn((self) => this.#playParent(self))
    await this.#stage.settle()
    if (this.#parent === undefined) throw new Error('nobody to start the tree')
    const result = await this.#stage.run(this.#parent.tryStartLink(tree.supervisor, { tree: scenario.tree }))
    if (result === 'ignore') throw new Error('a supervisor that ignores is no part of the format')
    if ('ok' in result) {
      this.root = result.ok
      tree.up(result.ok)
    } else tree.failed(tree.lastAttempt('root'), result.error)
    this.#event('result', tree.names.encode(result))
    return this.#settled()
  }

  async step(step: SupervisorStep): Promise<readonly TraceEvent[]> {
    if (step.op === 'sleep') await this.#stage.pass(step.ms)
    else await this.#do(step)
    return step.settle === false ? [] : this.#settled(step.sort)
  }

  async final(): Promise<readonly TraceEvent[]> {
    const { root } = this
    const rest = await this.#settled()
    const alive = root === undefined || this.#stage.node.isAlive(root)
    const state = alive ? 'alive' : this.#tree.names.encode({ exit: this.#exits.get(root) })
    return [...rest, ['final', state]]
  }

  async #settled(sort = false): Promise<readonly TraceEvent[]> {
    await this.#stage.rest()
    return this.#tree.segment(sort)
  }

  #event(...event: TraceEvent): void {
    this.#tree.event(...event)
  }

  // ---- operations --------------------------------------------------------------------------------------------------

  async #do(step: Exclude<SupervisorStep, { op: 'sleep' }>): Promise<void> {
    switch (step.op) {
      case 'stop':
        if (this.root !== undefined) this.#parent?.sendExit(this.root, decode(step.reason))
        return
      case 'exit':
        return this.#exit(step)
      case 'exit_many':
        for (const path of step.children) {
          const pid = this.#tree.latest(path)
          if (pid !== undefined) this.#stage.node.sendExit(pid, decode(step.reason))
        }
        return
      case 'check_childspecs': {
        const specs = step.specs.map((child) => this.#tree.childSpec(child))
        const { auto_shutdown: given = 'undefined' } = step
        const result = checkChildSpecs(specs, given === 'undefined' ? undefined : (decode(given) as AutoShutdown))
        return this.#event('result', this.#tree.names.encode(result))
      }
      default:
        return this.#operate(step)
    }
  }

  #exit({ child, reason, how = 'signal' }: Step<'exit'>): void {
    const pid = this.#tree.latest(child)
    if (pid === undefined || !this.#stage.node.isAlive(pid)) this.#event('result', 'not_alive')
    else if (how === 'signal') this.#stage.node.sendExit(pid, decode(reason))
    else (pid as Ref<Tree['worker']>).cast(how, decode(reason))
  }

  async #operate(step: SupervisorOperation): Promise<void> {
    const sup = this.#tree.latest(step.sup ?? 'root')
    if (sup === undefined) return this.#event('raised', 'noproc')
    const recorded = this.#call(sup as Ref<Operations>, step).then(
      (result) => this.#event('result', result),
      (error: unknown) => {
        if (!(error instanceof ExitError)) throw error
        this.#event('raised', this.#tree.names.encode(error.reason))
      },
    )
    await this.#stage.run(recorded)
  }

  async #call(sup: Ref<Operations>, step: SupervisorOperation): Promise<Term> {
    const { names } = this.#tree
    const forever = { timeoutMs: Number.POSITIVE_INFINITY }
    switch (step.op) {
      case 'start_child':
        return names.encode(await sup.call('start_child', this.#tree.startArgument(step.child, step.args), forever))
      case 'which_children':
        return this.#children(sup, await sup.call('which_children', undefined, forever))
      case 'count_children': {
        const { specs, active, supervisors, workers } = await sup.call('count_children', undefined, forever)
        return [specs, active, supervisors, workers]
      }
      case 'get_childspec': {
        const result = await sup.call('get_childspec', this.#which(step), forever)
        if (typeof result !== 'object' || 'error' in result) return names.encode(result)
        const { id, restart, shutdown, type, significant } = result.ok
        return names.encode({ ok: [id, restart, shutdown, type, significant] })
      }
      default:
        return names.encode(await sup.call(step.op, this.#which(step), forever))
    }
  }

  #children(sup: Pid, children: readonly ChildInfo[]): Term {
    const items = children.map(({ id, child, type }) => this.#tree.names.encode([id, child, type]))
    return this.#tree.isPool(sup) ? items.sort(byText) : items
  }

  #which({ id, pid }: { readonly id?: Term; readonly pid?: string }): unknown {
    return id === undefined ? this.#tree.latest(pid ?? '') : decode(id)
  }

  // ---- the parent --------------------------------------------------------------------------------------------------

  async #playParent(self: Self): Promise<void> {
    self.trapExit = true
    this.#parent = self
    this.#tree.names.set(self.pid, 'parent')
    for (;;) {
      const message = await self.receive()
      if (message instanceof Exit) this.#exits.set(message.from, message.reason)
    }
  }
}

type SupervisorOperation = Step<
  | 'start_child'
  | 'terminate_child'
  | 'restart_child'
  | 'delete_child'
  | 'get_childspec'
  | 'which_children'
  | 'count_children'
>
