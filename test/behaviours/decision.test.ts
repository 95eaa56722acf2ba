import { defineServer } from 'espalier'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Child, checkChild, checkChildren, Restarting } from '../../src/behaviours/child-spec.ts'
import { onDynamicExit, onExit, onWaited, type Plan, type Supervised } from '../../src/behaviours/decision.ts'
import { RestartWindow } from '../../src/behaviours/restart-window.ts'
import { Pid } from '../../src/kernel/pid.ts'
import { type ModelChild, type Outcome, type Strategy, SupervisorModel } from './supervisor-model.ts'

const Idle = defineServer({ init: () => 0 })

type Reason = 'normal' | 'shutdown' | 'crash'

interface Run {
  readonly strategy: Strategy
  readonly autoShutdown: 'never' | 'any_significant' | 'all_significant'
  readonly intensity: number
  readonly periodSeconds: number
  readonly children: readonly ModelChild[]
  /** Which of the running children ends (counted round), why, and how long after the one before. */
  readonly exits: readonly (readonly [which: number, reason: Reason, afterMs: number])[]
}

const ordinary = fc.constantFrom<Strategy[]>('one_for_one', 'one_for_all', 'rest_for_one')

function runs(strategies: fc.Arbitrary<Strategy>): fc.Arbitrary<Run> {
  return fc
    .record({
      strategy: strategies,
      autoShutdown: fc.constantFrom('never', 'any_significant', 'all_significant'),
      intensity: fc.integer({ min: 0, max: 4 }),
      periodSeconds: fc.integer({ min: 1, max: 4 }),
      kinds: fc.array(fc.tuple(fc.constantFrom('permanent', 'transient', 'temporary'), fc.boolean()), {
        minLength: 1,
        maxLength: 5,
      }),
      exits: fc.array(
        fc.tuple(
          fc.nat(20),
          fc.constantFrom<Reason[]>('normal', 'shutdown', 'crash'),
          fc.integer({ min: 1, max: 2500 }),
        ),
        { maxLength: 12 },
      ),
    })
    .map(({ kinds, ...rest }) => {
      // The dynamic children of one supervisor are all of one kind, that of its template.
      const same = rest.strategy === 'simple_one_for_one'
      const children = kinds.map((kind, i): ModelChild => {
        const [restart, significant] = (same ? kinds[0] : undefined) ?? kind
        // OTP refuses a significant child that is permanent or whose supervisor never shuts itself down.
        const may = restart !== 'permanent' && rest.autoShutdown !== 'never'
        return { id: `c${i}`, restart, significant: significant && may }
      })
      return { ...rest, children }
    })
}

type Decide = (state: Supervised, id: string, reason: Reason, nowMs: number) => Plan

/** Carries plans out on the children as the supervisor's loop does, without any processes. */
class Bench {
  readonly #state: Supervised
  readonly #children: Map<string, Child>
  readonly #decide: Decide
  #alive = true
  #next = 1

  constructor(run: Run, decide: Decide, backoff: boolean) {
    const checked = checkChildren(
      run.children.map((child) => ({ ...child, start: [Idle], ...(backoff ? { backoff: {} } : {}) })),
      run.autoShutdown,
    )
    if ('error' in checked) throw new Error(JSON.stringify(checked.error))
    this.#children = checked.ok
    const { strategy, autoShutdown, intensity, periodSeconds } = run
    if (strategy === 'simple_one_for_one') throw new Error('not for dynamic children')
    const window = new RestartWindow(intensity, periodSeconds * 1000)
    this.#state = { strategy, autoShutdown, window, children: this.#children }
    this.#decide = decide
    for (const child of this.#children.values()) child.pid = this.#pid()
  }

  exit(id: string, reason: Reason, nowMs: number): Outcome {
    const plan = this.#decide(this.#state, id, reason, nowMs)
    const child = this.#children.get(id)
    if (child !== undefined) child.pid = undefined
    if (plan.ended !== undefined) this.#forget(plan.ended)
    const stopped = plan.stop.filter((other) => this.#children.get(other)?.pid !== undefined)
    for (const other of plan.stop) this.#forget(other)
    let { start } = plan
    if (plan.wait !== undefined && child !== undefined) {
      child.pid = new Restarting(undefined)
      const waited = onWaited(this.#state, id)
      for (const other of waited.stop) expect(this.#children.get(other)?.pid).toBeUndefined()
      start = waited.start
    }
    for (const other of start) {
      const started = this.#children.get(other)
      if (started !== undefined) started.pid = this.#pid()
    }
    if (plan.shutdown) this.#alive = false
    const all = [...this.#children.values()]
    return {
      stopped,
      started: start,
      alive: this.#alive,
      running: all.flatMap(({ id, pid }) => (pid instanceof Pid ? [id] : [])),
      idle: all.flatMap(({ id, pid }) => (pid === undefined ? [id] : [])),
    }
  }

  #forget(id: string): void {
    const child = this.#children.get(id)
    if (child === undefined) return
    child.pid = undefined
    if (child.restart === 'temporary') this.#children.delete(id)
  }

  #pid(): Pid {
    return new Pid('n', 1, this.#next++)
  }
}

function play(run: Run, exit: (id: string, reason: Reason, nowMs: number) => Outcome): void {
  const model = new SupervisorModel(run.strategy, run.autoShutdown, run.intensity, run.periodSeconds, run.children)
  let nowMs = 0
  for (const [which, reason, afterMs] of run.exits) {
    const running = model.children.filter((child) => model.running.has(child.id))
    const child = running[which % Math.max(1, running.length)]
    if (child === undefined || !model.alive) return
    nowMs += afterMs
    expect(exit(child.id, reason, nowMs)).toEqual(model.exit(child.id, reason, nowMs))
  }
}

function agrees(decide: Decide, backoff = false) {
  return fc.property(runs(ordinary), (run) => {
    const bench = new Bench(run, decide, backoff)
    play(run, (id, reason, nowMs) => bench.exit(id, reason, nowMs))
  })
}

describe("a supervisor's decision, against an independent, deliberately simple model written from the manual", () => {
  test('one_for_one, one_for_all and rest_for_one', () => {
    fc.assert(agrees(onExit), { numRuns: 1500 })
  })

  test('simple_one_for_one', () => {
    const property = fc.property(runs(fc.constant<Strategy>('simple_one_for_one')), (run) => {
      const [first] = run.children
      const template = checkChild({ ...first, start: [Idle] }, run.autoShutdown)
      if ('error' in template) throw new Error(JSON.stringify(template.error))
      const window = new RestartWindow(run.intensity, run.periodSeconds * 1000)
      const state = { template: template.ok, autoShutdown: run.autoShutdown, window }
      let running = run.children.map((child) => child.id)
      let alive = true
      play(run, (id, reason, nowMs) => {
        const plan = onDynamicExit(state, running.length - 1, reason, nowMs)
        if (!plan.restart) running = running.filter((other) => other !== id)
        if (plan.shutdown) alive = false
        return { stopped: [], started: plan.restart ? [id] : [], alive, running, idle: [] }
      })
    })
    fc.assert(property, { numRuns: 1000 })
  })

  test('with back-off the same children are stopped at once and started when the wait is over', () => {
    fc.assert(agrees(onExit, true), { numRuns: 1000 })
  })

  const broken: Record<string, Decide> = {
    'starts in the wrong order': (...args) => {
      const plan = onExit(...args)
      return { ...plan, start: [...plan.start].reverse() }
    },
    'stops in start order': (...args) => {
      const plan = onExit(...args)
      return { ...plan, stop: [...plan.stop].reverse() }
    },
    'restarts temporary siblings': (state, ...args) => {
      const plan = onExit(state, ...args)
      const temporary = plan.stop.filter((id) => state.children.get(id)?.restart === 'temporary')
      return { ...plan, start: [...plan.start, ...temporary], stop: plan.stop.filter((id) => !temporary.includes(id)) }
    },
    'takes shutdown for a crash': (state, id, reason, nowMs) =>
      onExit(state, id, reason === 'shutdown' ? 'crash' : reason, nowMs),
    'allows one restart more': (state, id, reason, nowMs) => {
      const plan = onExit({ ...state, window: state.window.clone() }, id, reason, nowMs)
      return plan.exceeded ? { ...plan, shutdown: false } : onExit(state, id, reason, nowMs)
    },
    'lets the window end a second early': (state, id, reason, nowMs) => onExit(state, id, reason, nowMs * 1.5),
    'minds no significant child': (...args) => {
      const plan = onExit(...args)
      return { ...plan, shutdown: plan.exceeded }
    },
  }
  for (const [name, decide] of Object.entries(broken)) {
    test(`red: a decision that ${name}`, () => {
      expect(fc.check(agrees(decide), { seed: 1, numRuns: 1500 }).failed).toBe(true)
    })
  }
})
