// Random state machines. Every rule that can set off another event by itself has a bound on its use: no endless loops.

import type { StatemAction, StatemRule, StatemScenario, Term } from '../scenario.ts'
import type { Draw } from './draw.ts'
import { contents, machineSteps, reasons } from './steps.ts'

const states = ['a', 'b', 'c'] as const
const keys = ['k1', 'k2'] as const
// Each timer has times of its own: two that run at once end far apart.
const stateTimes = [0, 0, 40, 175] as const
const eventTimes = [0, 0, 75, 140] as const
const genericTimes = { g: [0, 40, 275], k: [0, 240, 375] } as const

export function statem(draw: Draw): Omit<StatemScenario, 'name'> {
  const enter = draw.chance(40)
  const used = states.slice(0, draw.int(1, 3))
  return {
    kind: 'statem',
    about: 'generated',
    callback_mode: draw.pick(['state_functions', 'handle_event_function']),
    state_enter: enter,
    ...draw.maybe(30, () => ({ trap_exit: true })),
    init: init(draw),
    rules: used.flatMap((state) => rulesOf(draw, state, used, enter)),
    steps: machineSteps(draw),
  }
}

function init(draw: Draw): StatemScenario['init'] {
  if (draw.chance(3)) return { result: draw.pick(['ignore', 'stop', 'crash', 'exit', 'bad']), reason: 'r', state: 'a' }
  return {
    state: 'a',
    ...draw.maybe(15, () => ({ counter: draw.int(1, 9) })),
    ...draw.maybe(25, () => ({ actions: draw.many(1, 2, () => quiet(draw, 'init')) })),
  }
}

function rulesOf(draw: Draw, state: string, used: readonly string[], enter: boolean): StatemRule[] {
  const events: [Term, Term][] = []
  for (const type of ['cast', 'call', 'info']) {
    for (const content of [...contents, '_']) if (draw.chance(34)) events.push([type, content])
  }
  for (const type of ['internal', 'state_timeout', 'timeout']) if (draw.chance(55)) events.push([type, '_'])
  for (const name of ['g', 'k']) if (draw.chance(40)) events.push([{ t: ['timeout', name] }, '_'])
  if (draw.chance(8)) events.push(['_', draw.pick([...contents])])
  const rules = events.map((event) => rule(draw, draw.chance(6) ? '_' : state, event, used))
  return enter && draw.chance(65) ? [enterRule(draw, state), ...rules] : rules
}

function rule(draw: Draw, state: string, event: [Term, Term], used: readonly string[]): StatemRule {
  const action = reaction(draw, event[0] === 'call', used)
  return { state, event, ...(draw.chance(70) || provokes(action) ? { times: draw.int(1, 3) } : {}), do: action }
}

/** Whether a rule leads to events without a step of the scenario's: then it must not be used for ever. */
function provokes(action: StatemRule['do']): boolean {
  return (action.actions ?? []).some(
    (item) => item !== 'hibernate' && typeof item === 'object' && !('reply' in item),
  ) || (action.actions ?? []).includes('postpone')
    ? true
    : action.result === 'repeat_state' || action.result === 'repeat_state_and_data'
}

type Do = StatemRule['do']

function reaction(draw: Draw, call: boolean, used: readonly string[]): Do {
  const result = draw.weighted({
    next_state: 90,
    keep_state: 45,
    keep_state_and_data: 55,
    repeat_state: 20,
    repeat_state_and_data: 15,
    stop: 2,
    stop_and_reply: 1,
    crash: 1,
    exit: 1,
    bad: 1,
  })
  const save = draw.maybe(call ? 25 : 0, () => ({ save: draw.pick(keys) }))
  const inc = draw.maybe(35, () => ({ inc: draw.int(1, 3) }))
  switch (result) {
    case 'next_state':
      return { result, state: draw.anyOf(used) ?? 'a', ...inc, ...save, ...actions(draw, call) }
    case 'keep_state':
    case 'repeat_state':
      return { result, ...inc, ...save, ...actions(draw, call) }
    case 'keep_state_and_data':
    case 'repeat_state_and_data':
      return { result, ...save, ...actions(draw, call) }
    case 'stop':
      return { result, ...draw.maybe(80, () => ({ reason: draw.pick(reasons) as Term })), ...inc, ...save }
    case 'stop_and_reply':
      return { result, reason: draw.pick(reasons), ...inc, actions: draw.many(0, 2, () => reply(draw, call)) }
    case 'crash':
    case 'exit':
      return { result, reason: draw.pick(reasons) }
    case 'bad':
      return { result }
  }
}

function actions(draw: Draw, call: boolean): { actions?: StatemAction[] } {
  const list: StatemAction[] = []
  for (let left = draw.pick([0, 1, 1, 2, 2, 3, 4]); left > 0; left--) {
    const kind = draw.weighted({ postpone: 18, reply: call ? 24 : 2, quiet: 50, hibernate: 2, reply_to: 8 })
    if (kind === 'postpone' || kind === 'hibernate') list.push(kind)
    else if (kind === 'quiet') list.push(quiet(draw, 'event'))
    else list.push(reply(draw, kind === 'reply'))
  }
  return list.length === 0 ? {} : { actions: list }
}

function reply(draw: Draw, direct: boolean): StatemAction {
  return direct
    ? { reply: draw.pick(['r1', 'r2', { t: ['ok', 1] }]) as Term }
    : { reply_to: [draw.pick(keys), 'later'] }
}

/** An action that answers nobody: a next event or a time-out. */
function quiet(draw: Draw, where: 'event' | 'enter' | 'init'): StatemAction {
  const kind = draw.weighted({ next_event: where === 'enter' ? 0 : 30, state: 22, event: 20, generic: 26 })
  switch (kind) {
    case 'next_event':
      return {
        next_event: [draw.pick(['internal', 'internal', 'cast', 'info', 'internal']), draw.pick(['i', 'j', 'x', 'y'])],
      }
    case 'state':
      return { state_timeout: timer(draw, stateTimes, 's') }
    case 'event':
      return { timeout: timer(draw, eventTimes, 'e') }
    case 'generic': {
      const name = draw.pick(['g', 'k'])
      const how = timer(draw, genericTimes[name], name)
      if (how === 'cancel') return { generic_timeout: [name, 'cancel'] }
      return how[0] === 'update'
        ? { generic_timeout: [name, 'update', how[1]] }
        : { generic_timeout: [name, how[0], how[1]] }
    }
  }
}

type Timer = 'cancel' | ['update', Term] | [number | 'infinity', Term]

function timer(draw: Draw, times: readonly [number, ...number[]], prefix: string): Timer {
  switch (draw.weighted({ start: 70, cancel: 12, update: 12, infinity: 6 })) {
    case 'start':
      return [draw.pick(times), `${prefix}${draw.int(1, 3)}`]
    case 'cancel':
      return 'cancel'
    case 'update':
      return ['update', `${prefix}_new`]
    case 'infinity':
      return ['infinity', `${prefix}_never`]
  }
}

/** What an enter call may do; in a few cases what it may not. */
function enterRule(draw: Draw, state: string): StatemRule {
  const event: [Term, Term] = ['enter', draw.chance(75) ? '_' : draw.pick([...states])]
  const times = { times: draw.int(1, 3) }
  if (draw.chance(4)) {
    const wrong = [
      { result: 'next_state', state: draw.pick(states) },
      { result: 'keep_state_and_data', actions: ['postpone'] },
      { result: 'keep_state', actions: [{ next_event: ['internal', 'i'] }] },
      { result: 'crash', reason: 'entering' },
      { result: 'stop', reason: 'entering' },
      { result: 'bad' },
    ] satisfies Do[]
    return { state, event, ...times, do: draw.anyOf<Do>(wrong) ?? { result: 'bad' } }
  }
  const result = draw.pick(['keep_state_and_data', 'keep_state', 'next_state', 'repeat_state', 'keep_state'])
  const list = draw.many(0, 2, () => (draw.chance(20) ? reply(draw, false) : quiet(draw, 'enter')))
  const inc = result === 'keep_state_and_data' ? {} : draw.maybe(50, () => ({ inc: draw.int(1, 3) }))
  const target = result === 'next_state' ? { state } : {}
  return { state, event, ...times, do: { result, ...target, ...inc, actions: list } }
}
