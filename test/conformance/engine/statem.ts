// Kind "statem": a state machine that follows the scenario's rules. Its data is the counter.

import {
  type AnyProtocol,
  type Definition,
  defineHandleEvent,
  defineStatem,
  type EventOf,
  type From,
  type Self,
  statem,
} from 'espalier'
import type { StatemAction, StatemRule, StatemScenario, Term, Trace } from '../scenario.ts'
import {
  Callers,
  contentsOf,
  each,
  type MachineProtocol,
  matches,
  type Recorder,
  Rules,
  runMachine,
} from './machine.ts'
import type { Stage } from './stage.ts'
import { decode, fromTagged, toTagged } from './terms.ts'

type Do = StatemRule['do']
type Event = EventOf<AnyProtocol>
/** What any handler is given. */
interface Given {
  readonly self: Self
  readonly state: unknown
  readonly data: number
}

export function runStatem(scenario: StatemScenario, stage: Stage): Promise<Trace> {
  return runMachine(scenario.steps, stage, (recorder) => {
    const machine = new StatemMachine(scenario, recorder)
    return scenario.callback_mode === 'state_functions' ? byState(scenario, machine) : byEvent(scenario, machine)
  })
}

function byEvent(scenario: StatemScenario, machine: StatemMachine): Definition<undefined, MachineProtocol> {
  return defineHandleEvent({
    init: (_: undefined, { self }) => machine.init(self),
    handleEvent: (given, event) => machine.handle(given, event),
    stateEnter: scenario.state_enter,
    terminate: (given, reason) => machine.terminate(given, reason),
  })
}

function byState(scenario: StatemScenario, machine: StatemMachine): Definition<undefined, MachineProtocol> {
  const tags = [...contentsOf(scenario.steps), ...insertedBy(scenario)].map((content) => toTagged(content).tag)
  const names = actionsOf(scenario).flatMap((act) => (isGeneric(act) ? [timeoutName(act.generic_timeout[0])] : []))
  // States are names here. An enter call that the scenario has change the state does not compile: never says it does not.
  const handle = (given: Given, event: Event) =>
    machine.handle(given, event) as statem.Transition<never, number, unknown, statem.EnterAction>
  const handlers = {
    call: each(
      tags,
      (tag) => (given: Given & { readonly from: From }, content: unknown) =>
        handle(given, { type: 'call', tag, content, from: given.from }),
    ),
    cast: each(tags, (tag) => (given: Given, content: unknown) => handle(given, { type: 'cast', tag, content })),
    info: (given: Given, content: unknown) => handle(given, { type: 'info', content }),
    internal: (given: Given, content: unknown) => handle(given, { type: 'internal', content }),
    stateTimeout: (given: Given, content: unknown) => handle(given, { type: 'state_timeout', content }),
    eventTimeout: (given: Given, content: unknown) => handle(given, { type: 'event_timeout', content }),
    timeout: each(names, (tag) => (given: Given, content: unknown) => handle(given, { type: 'timeout', tag, content })),
    ...(scenario.state_enter
      ? { enter: (given: Given, content: unknown) => handle(given, { type: 'enter', content }) }
      : {}),
  }
  return defineStatem<MachineProtocol>()<string, number>({
    init: (_: undefined, { self }) => machine.init(self) as statem.Initial<string, number>,
    states: each(statesOf(scenario), () => handlers),
    terminate: (given, reason) => machine.terminate(given, reason),
  })
}

class StatemMachine {
  readonly #scenario: StatemScenario
  readonly #rules: Rules<StatemRule>
  readonly #recorder: Recorder
  readonly #callers = new Callers()

  constructor(scenario: StatemScenario, recorder: Recorder) {
    this.#scenario = scenario
    this.#rules = new Rules(scenario.rules)
    this.#recorder = recorder
  }

  init(self: Self) {
    const { init, trap_exit: trapExit } = this.#scenario
    self.trapExit = trapExit ?? false
    const reason = decode(init.reason ?? 'normal')
    switch (init.result ?? 'ok') {
      case 'ok':
        this.#recorder.born(self.pid)
        return statem.initial(
          decode(init.state ?? 'undefined'),
          init.counter ?? 0,
          ...this.#actions(init.actions, undefined),
        )
      case 'ignore':
        return statem.ignore()
      case 'stop':
        return statem.stop(reason)
      case 'crash':
        throw reason
      case 'exit':
        return self.exit(reason)
      case 'bad':
        return 'garbage' as never
    }
  }

  handle({ self, state, data }: Given, event: Event) {
    const { names } = this.#recorder
    const type = typeOf(event)
    const tagged = event.type === 'call' || event.type === 'cast'
    const content = tagged ? fromTagged(names, event) : names.encode(event.content)
    const current = names.encode(state)
    this.#recorder.event('cb', current, type, content, data)
    if (type === 'info' && content === '$probe') return statem.keepStateAndData()
    const act = this.#rules.find(
      ({ state: s, event: [t, c] }) => matches(s, current) && matchesType(t, type) && matches(c, content),
    )
    if (act === undefined) return statem.keepStateAndData()
    const from = event.type === 'call' ? event.from : undefined
    this.#callers.save(act.save, from)
    return this.#result(self, act, data + (act.inc ?? 0), this.#actions(act.actions, from))
  }

  terminate({ state, data }: Given, reason: unknown): void {
    const { names } = this.#recorder
    this.#recorder.event('terminate', names.encode(reason), names.encode(state), data)
  }

  #result(self: Self, act: Do, data: number, actions: readonly statem.Action[]) {
    const reason = decode(act.reason ?? 'normal')
    switch (act.result) {
      case 'next_state':
        return statem.next(decode(act.state ?? 'undefined'), data, ...actions)
      case 'keep_state':
        return statem.keep(data, ...actions)
      case 'keep_state_and_data':
        return statem.keepStateAndData(...actions)
      case 'repeat_state':
        return statem.repeat(data, ...actions)
      case 'repeat_state_and_data':
        return statem.repeatStateAndData(...actions)
      case 'stop':
        return statem.stop(reason, data)
      case 'stop_and_reply':
        return statem.stopAndReply(reason, actions as readonly statem.ReplyAction[], data)
      case 'crash':
        throw reason
      case 'exit':
        return self.exit(reason)
      case 'bad':
        return 'garbage' as never
    }
  }

  #actions(actions: readonly StatemAction[] | undefined, from: From | undefined): statem.Action[] {
    return (actions ?? []).flatMap((action) => this.#action(action, from) ?? [])
  }

  #action(action: StatemAction, from: From | undefined): statem.Action | undefined {
    if (action === 'postpone') return statem.postpone()
    if (action === 'hibernate') return statem.hibernate()
    if ('next_event' in action) return nextEvent(...action.next_event)
    if ('reply' in action) return from === undefined ? undefined : statem.reply(from, decode(action.reply))
    if ('reply_to' in action) {
      const [key, value] = action.reply_to
      const caller = this.#callers.take(key)
      return caller === undefined ? undefined : statem.reply(caller, decode(value))
    }
    if ('state_timeout' in action) return timer('state_timeout', statem.stateTimeout, action.state_timeout)
    if ('timeout' in action) return timer('event_timeout', statem.eventTimeout, action.timeout)
    const [term, ...rest] = action.generic_timeout
    const name = timeoutName(term)
    const set = (ms: number, content: unknown) => statem.timeout(name, ms, content)
    return timer({ timeout: name }, set, rest[0] === 'cancel' ? 'cancel' : rest)
  }
}

// ---- terms -----------------------------------------------------------------------------------------------------------

type Timer = 'cancel' | readonly ['update', Term] | readonly [number | 'infinity', Term]

function timer(
  type: statem.TimeoutType,
  set: (ms: number, content: unknown) => statem.Action,
  what: Timer,
): statem.Action {
  if (what === 'cancel') return statem.cancel(type)
  const [time, content] = what
  if (time === 'update') return statem.update(type, decode(content))
  return set(time === 'infinity' ? Number.POSITIVE_INFINITY : time, decode(content))
}

function nextEvent(type: Term, content: Term): statem.Action {
  switch (type) {
    case 'internal':
    case 'info':
    case 'state_timeout':
      return statem.nextEvent(type, decode(content))
    case 'timeout':
      return statem.nextEvent('event_timeout', decode(content))
    case 'cast': {
      const { tag, argument } = toTagged(content)
      return statem.nextEvent('cast', tag, argument)
    }
    default: {
      const name = timeoutOf(type)
      // Anything else is no event type, and no action: what the machine says to that is part of the trace.
      if (name === undefined) return decode({ t: ['next_event', type, content] }) as statem.Action
      return statem.nextEvent('timeout', timeoutName(name), decode(content))
    }
  }
}

/** The name in `{timeout, Name}`. */
function timeoutOf(type: Term): Term | undefined {
  if (typeof type !== 'object' || !('t' in type)) return undefined
  const [tag, name] = type.t
  return tag === 'timeout' && type.t.length === 2 ? name : undefined
}

function timeoutName(term: Term): string {
  if (typeof term !== 'string') throw new Error(`a generic time-out is named by an atom, not ${JSON.stringify(term)}`)
  return term
}

function typeOf(event: Event): Term {
  if (event.type === 'timeout') return { t: ['timeout', event.tag] }
  return event.type === 'event_timeout' ? 'timeout' : event.type
}

/** `_` matches every type but `enter`. */
function matchesType(pattern: Term, type: Term): boolean {
  return pattern === '_' ? type !== 'enter' : matches(pattern, type)
}

// ---- what a scenario mentions ----------------------------------------------------------------------------------------

function actionsOf({ init, rules }: StatemScenario): StatemAction[] {
  return [init, ...rules.map((rule) => rule.do)].flatMap(({ actions }) => actions ?? [])
}

function isGeneric(action: StatemAction): action is Extract<StatemAction, { generic_timeout: unknown }> {
  return typeof action === 'object' && 'generic_timeout' in action
}

/** The contents of the casts that actions insert. */
function insertedBy(scenario: StatemScenario): Term[] {
  return actionsOf(scenario).flatMap((action) =>
    typeof action === 'object' && 'next_event' in action ? [action.next_event[1]] : [],
  )
}

function statesOf({ init, rules }: StatemScenario): string[] {
  const terms = [init.state, ...rules.flatMap((rule) => [rule.state, rule.do.state])]
  return terms.filter((term) => typeof term === 'string')
}
