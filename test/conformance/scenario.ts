// Scenarios: their types, and a strict reader. An unknown operation or field is an error that names it, never skipped:
// a scenario that is only half understood would pass for the wrong reason.

import * as v from 'valibot'
import type { Term } from './term.ts'

export type { Term, Trace, TraceEvent } from './term.ts'

const term = v.custom<Term>(isTerm, 'expected a term: string, integer, boolean, list or {"t":[…]}')

function isTerm(value: unknown): value is Term {
  if (typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (Array.isArray(value)) return value.every(isTerm)
  if (typeof value !== 'object' || value === null || !('t' in value)) return false
  return Object.keys(value).length === 1 && Array.isArray(value.t) && value.t.every(isTerm)
}

const ms = v.pipe(v.number(), v.integer(), v.minValue(0))
const name = v.pipe(v.string(), v.minLength(1))
const optional = v.exactOptional

const header = {
  name,
  about: optional(v.string()),
  seed: optional(v.pipe(v.number(), v.integer())),
  tags: optional(v.array(v.string())),
  trace: optional(v.array(v.array(v.array(term)))),
}
/** On every step of the kinds that settle: `sort` sorts the segment, `settle: false` leaves it open. */
const anyStep = { settle: optional(v.boolean()), sort: optional(v.boolean()) }

// Kind "supervisor". Whatever goes into flags and child specs is a term: invalid values occur on purpose.

export type StartOutcome =
  | 'ok'
  | 'ignore'
  | { readonly error: Term; readonly delay?: number }
  | { readonly crash: Term; readonly delay?: number }
  | { readonly exit: Term; readonly delay?: number }

const startOutcome: v.GenericSchema<StartOutcome> = v.union([
  v.picklist(['ok', 'ignore']),
  v.strictObject({ error: term, delay: optional(ms) }),
  v.strictObject({ crash: term, delay: optional(ms) }),
  v.strictObject({ exit: term, delay: optional(ms) }),
])
const behaviour = {
  start: optional(v.pipe(v.array(startOutcome), v.minLength(1))),
  trap_exit: optional(v.boolean()),
  on_terminate: optional(
    v.union([v.picklist(['ok', 'hang']), v.strictObject({ delay: ms }), v.strictObject({ exit: term })]),
  ),
}
const specKeys = {
  id: optional(term),
  restart: optional(term),
  shutdown: optional(term),
  type: optional(term),
  significant: optional(term),
  modules: optional(term),
  no_start: optional(v.literal(true)),
  bad_start: optional(term),
}

export type Child = Readonly<v.InferOutput<v.StrictObjectSchema<typeof specKeys & typeof behaviour, undefined>>> & {
  readonly tree?: Tree
}
export type Tree = {
  readonly strategy?: Term
  readonly intensity?: Term
  readonly period?: Term
  readonly auto_shutdown?: Term
  readonly children?: readonly Child[]
}

const child: v.GenericSchema<Child> = v.strictObject({
  ...specKeys,
  ...behaviour,
  tree: optional(v.lazy(() => tree)),
})
const tree: v.GenericSchema<Tree> = v.strictObject({
  strategy: optional(term),
  intensity: optional(term),
  period: optional(term),
  auto_shutdown: optional(term),
  children: optional(v.array(child)),
})

const sup = { sup: optional(name) }
/** A child of a supervisor by id, or by the pid of a path's latest process. */
const which = { ...sup, id: optional(term), pid: optional(name) }

const supervisorStep = v.variant('op', [
  v.strictObject({
    op: v.literal('exit'),
    child: name,
    reason: term,
    how: optional(v.picklist(['signal', 'stop', 'error'])),
    ...anyStep,
  }),
  v.strictObject({ op: v.literal('exit_many'), children: v.array(name), reason: term, ...anyStep }),
  v.strictObject({
    op: v.literal('start_child'),
    ...sup,
    child: optional(child),
    args: optional(v.strictObject({ id: name, ...behaviour })),
    ...anyStep,
  }),
  v.strictObject({ op: v.literal('terminate_child'), ...which, ...anyStep }),
  v.strictObject({ op: v.literal('restart_child'), ...which, ...anyStep }),
  v.strictObject({ op: v.literal('delete_child'), ...which, ...anyStep }),
  v.strictObject({ op: v.literal('get_childspec'), ...which, ...anyStep }),
  v.strictObject({ op: v.literal('which_children'), ...sup, ...anyStep }),
  v.strictObject({ op: v.literal('count_children'), ...sup, ...anyStep }),
  v.strictObject({
    op: v.literal('check_childspecs'),
    specs: v.array(child),
    auto_shutdown: optional(term),
    ...anyStep,
  }),
  v.strictObject({ op: v.literal('stop'), reason: term, ...anyStep }),
  v.strictObject({ op: v.literal('sleep'), ms, ...anyStep }),
])

const supervisorScenario = v.strictObject({
  ...header,
  kind: v.literal('supervisor'),
  tree,
  steps: v.array(supervisorStep),
})

// Kinds "statem" and "server": the steps are the same.

const machineOps = [
  v.strictObject({ op: v.literal('cast'), content: term, ...anyStep }),
  v.strictObject({ op: v.literal('info'), content: term, ...anyStep }),
  v.strictObject({ op: v.literal('call'), content: term, timeout: optional(ms), ...anyStep }),
  v.strictObject({
    op: v.literal('exit'),
    reason: term,
    from: optional(v.picklist(['parent', 'other'])),
    ...anyStep,
  }),
] as const
const machineStep = v.variant('op', [
  ...machineOps,
  v.strictObject({ op: v.literal('burst'), ops: v.array(v.variant('op', [...machineOps])), ...anyStep }),
  v.strictObject({ op: v.literal('wait'), ms, ...anyStep }),
  v.strictObject({ op: v.literal('stop'), reason: term, ...anyStep }),
])

const timer = v.union([
  v.literal('cancel'),
  v.strictTuple([v.literal('update'), term]),
  v.strictTuple([v.union([ms, v.literal('infinity')]), term]),
])
const genericTimer = v.union([
  v.strictTuple([term, v.literal('cancel')]),
  v.strictTuple([term, v.literal('update'), term]),
  v.strictTuple([term, v.union([ms, v.literal('infinity')]), term]),
])
const action = v.union([
  v.picklist(['postpone', 'hibernate']),
  v.strictObject({ next_event: v.strictTuple([term, term]) }),
  v.strictObject({ reply: term }),
  v.strictObject({ reply_to: v.strictTuple([name, term]) }),
  v.strictObject({ state_timeout: timer }),
  v.strictObject({ timeout: timer }),
  v.strictObject({ generic_timeout: genericTimer }),
])
const initResult = optional(v.picklist(['ok', 'ignore', 'stop', 'crash', 'exit', 'bad']))

const statemScenario = v.strictObject({
  ...header,
  kind: v.literal('statem'),
  callback_mode: v.picklist(['state_functions', 'handle_event_function']),
  state_enter: v.boolean(),
  trap_exit: optional(v.boolean()),
  init: v.strictObject({
    result: initResult,
    reason: optional(term),
    state: optional(term),
    counter: optional(v.pipe(v.number(), v.integer())),
    actions: optional(v.array(action)),
  }),
  rules: v.array(
    v.strictObject({
      state: term,
      event: v.strictTuple([term, term]),
      times: optional(ms),
      do: v.strictObject({
        result: v.picklist([
          'next_state',
          'keep_state',
          'keep_state_and_data',
          'repeat_state',
          'repeat_state_and_data',
          'stop',
          'stop_and_reply',
          'crash',
          'exit',
          'bad',
        ]),
        state: optional(term),
        reason: optional(term),
        inc: optional(v.pipe(v.number(), v.integer())),
        save: optional(name),
        actions: optional(v.array(action)),
      }),
    }),
  ),
  steps: v.array(machineStep),
})

const next = optional(v.union([ms, v.literal('hibernate'), v.strictObject({ continue: term })]))

const serverScenario = v.strictObject({
  ...header,
  kind: v.literal('server'),
  trap_exit: optional(v.boolean()),
  init: v.strictObject({
    result: initResult,
    reason: optional(term),
    counter: optional(v.pipe(v.number(), v.integer())),
    next,
  }),
  rules: v.array(
    v.strictObject({
      event: v.strictTuple([term, term]),
      times: optional(ms),
      do: v.strictObject({
        result: v.picklist(['reply', 'noreply', 'stop', 'stop_reply', 'crash', 'exit', 'bad']),
        value: optional(term),
        reason: optional(term),
        inc: optional(v.pipe(v.number(), v.integer())),
        save: optional(name),
        replies: optional(v.array(v.strictTuple([name, term]))),
        next,
      }),
    }),
  ),
  steps: v.array(machineStep),
})

// Kind "signals".

/** The operations of a process; `extra` is what a step has beside an operation of a batch. */
const signalOps = <Extra extends v.ObjectEntries>(extra: Extra) =>
  [
    v.strictObject({
      op: v.literal('spawn'),
      name,
      how: v.picklist(['spawn', 'spawn_link', 'spawn_monitor']),
      trap_exit: optional(v.boolean()),
      exit: optional(term),
      ...extra,
    }),
    v.strictObject({ op: v.literal('link'), to: name, ...extra }),
    v.strictObject({ op: v.literal('unlink'), to: name, ...extra }),
    v.strictObject({
      op: v.literal('monitor'),
      to: optional(name),
      as: optional(name),
      alias: optional(v.picklist(['explicit_unalias', 'demonitor', 'reply_demonitor'])),
      ...extra,
    }),
    v.strictObject({
      op: v.literal('demonitor'),
      ref: name,
      opts: optional(v.array(v.picklist(['flush', 'info']))),
      ...extra,
    }),
    v.strictObject({ op: v.literal('trap_exit'), value: v.boolean(), ...extra }),
    v.strictObject({ op: v.literal('exit'), reason: term, ...extra }),
    v.strictObject({ op: v.literal('error'), reason: term, ...extra }),
    v.strictObject({ op: v.literal('return'), ...extra }),
    v.strictObject({ op: v.literal('exit_to'), to: name, reason: term, ...extra }),
    v.strictObject({ op: v.literal('register'), as: name, to: name, ...extra }),
    v.strictObject({ op: v.literal('unregister'), as: name, ...extra }),
    v.strictObject({ op: v.literal('whereis'), as: name, ...extra }),
    v.strictObject({ op: v.literal('send'), to: name, msg: term, ...extra }),
    v.strictObject({ op: v.literal('send_name'), as: name, msg: term, ...extra }),
    v.strictObject({ op: v.literal('send_alias'), alias: name, msg: term, ...extra }),
    v.strictObject({ op: v.literal('alive'), to: name, ...extra }),
    v.strictObject({ op: v.literal('links'), ...extra }),
    v.strictObject({ op: v.literal('monitors'), ...extra }),
    v.strictObject({ op: v.literal('alias'), ...extra }),
    v.strictObject({ op: v.literal('unalias'), alias: name, ...extra }),
  ] as const

const batchOp = v.variant('op', [...signalOps({}), v.strictObject({ op: v.literal('pause'), ms })])
const signalsStep = v.variant('op', [
  ...signalOps({ proc: name }),
  v.strictObject({ op: v.literal('batch'), proc: name, ops: v.array(batchOp) }),
])

const signalsScenario = v.strictObject({
  ...header,
  kind: v.literal('signals'),
  procs: v.array(name),
  steps: v.array(signalsStep),
})

const anyScenario = v.variant('kind', [supervisorScenario, statemScenario, serverScenario, signalsScenario])

export type SupervisorScenario = v.InferOutput<typeof supervisorScenario>
export type SupervisorStep = v.InferOutput<typeof supervisorStep>
export type StatemScenario = v.InferOutput<typeof statemScenario>
export type StatemRule = StatemScenario['rules'][number]
export type StatemAction = v.InferOutput<typeof action>
export type ServerScenario = v.InferOutput<typeof serverScenario>
export type ServerRule = ServerScenario['rules'][number]
export type MachineStep = v.InferOutput<typeof machineStep>
export type MachineOp = Extract<MachineStep, { op: 'cast' | 'info' | 'call' | 'exit' }>
export type SignalsScenario = v.InferOutput<typeof signalsScenario>
export type SignalsStep = v.InferOutput<typeof signalsStep>
export type SignalsOp = v.InferOutput<typeof batchOp>

export type Scenario = SupervisorScenario | StatemScenario | ServerScenario | SignalsScenario

/** A file that is not a scenario, or not one that can be understood whole. */
export class ScenarioError extends Error {
  override name = 'ScenarioError'
}

/** Reads a parsed JSON value as a scenario. Throws ScenarioError naming the first operation or field that is wrong. */
export function readScenario(value: unknown): Scenario {
  if (!v.is(anyScenario, value)) {
    const issue = v.safeParse(anyScenario, value).issues?.[0]
    throw new ScenarioError(issue === undefined ? 'scenario' : `${v.getDotPath(issue) ?? 'scenario'}: ${issue.message}`)
  }
  checkChoices(value)
  return value
}

/** The scenario without its recorded trace: what an engine gets to see. */
export function withoutTrace(scenario: Scenario): Scenario {
  const { trace: _, ...rest } = scenario
  return rest
}

/** Fields of which exactly one must be there, or which another one asks for. */
function checkChoices(scenario: Scenario): void {
  const fail = (path: string, allowed: string): never => {
    throw new ScenarioError(`${path}: ${allowed}`)
  }
  const oneOf = (path: string, a: unknown, b: unknown, names: string): void => {
    if ((a === undefined) === (b === undefined)) fail(path, `needs exactly one of ${names}`)
  }
  if (scenario.kind === 'supervisor') {
    scenario.steps.forEach((step, i) => {
      if (step.op === 'start_child') oneOf(`steps.${i}`, step.child, step.args, 'child, args')
      else if ('id' in step || 'pid' in step) oneOf(`steps.${i}`, step.id, step.pid, 'id, pid')
      else if (byChild.has(step.op)) fail(`steps.${i}`, 'needs exactly one of id, pid')
    })
  } else if (scenario.kind === 'signals') {
    scenario.steps.forEach((step, i) => {
      for (const op of step.op === 'batch' ? step.ops : [step]) {
        if (op.op === 'monitor') oneOf(`steps.${i}`, op.to, op.as, 'to, as')
      }
    })
  } else if (scenario.kind === 'statem') {
    if ((scenario.init.result ?? 'ok') === 'ok' && scenario.init.state === undefined) fail('init.state', 'missing')
    scenario.rules.forEach((rule, i) => {
      if (rule.do.result === 'next_state' && rule.do.state === undefined) fail(`rules.${i}.do.state`, 'missing')
    })
  } else {
    scenario.rules.forEach((rule, i) => {
      const needsValue = rule.do.result === 'reply' || rule.do.result === 'stop_reply'
      if (needsValue && rule.do.value === undefined) fail(`rules.${i}.do.value`, 'missing')
    })
  }
}

const byChild: ReadonlySet<string> = new Set(['terminate_child', 'restart_child', 'delete_child', 'get_childspec'])
