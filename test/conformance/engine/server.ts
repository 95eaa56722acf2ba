// Kind "server": a server that follows the scenario's rules. Its state is the counter.

import {
  type CallContext,
  type Context,
  defineServer,
  type From,
  ignore,
  type NextOption,
  next,
  noReply,
  reply,
  type Self,
  stop,
  stopReply,
} from 'espalier'
import type { ServerRule, ServerScenario, Term, Trace } from '../scenario.ts'
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
import { decode, fromTagged, garbage, toTagged } from './terms.ts'

type Do = ServerRule['do']

export function runServer(scenario: ServerScenario, stage: Stage): Promise<Trace> {
  return runMachine(scenario.steps, stage, (recorder) => defineMachine(scenario, recorder))
}

function defineMachine({ init, rules, steps, trap_exit: trapExit }: ServerScenario, recorder: Recorder) {
  const tags = contentsOf(steps).map((content) => toTagged(content).tag)
  const machine = new ServerMachine(rules, recorder)
  const { names } = recorder
  return defineServer<MachineProtocol>()({
    init: (_: undefined, { self }) => {
      self.trapExit = trapExit ?? false
      switch (init.result ?? 'ok') {
        case 'ok':
          recorder.born(self.pid)
          return next(init.counter ?? 0, optionOf(init.next))
        case 'ignore':
          return ignore()
        case 'stop':
          return stop(reasonOf(init))
        case 'crash':
          throw reasonOf(init)
        case 'exit':
          return self.exit(reasonOf(init))
        case 'bad':
          return garbage.fromOthers as never
      }
    },
    call: each(
      tags,
      (tag) =>
        ({ self, state, from }: CallContext<number>, content: unknown) =>
          machine.answer(self, state, fromTagged(names, { tag, content }), from),
    ),
    cast: each(
      tags,
      (tag) =>
        ({ self, state }: Context<number>, content: unknown) =>
          machine.handle(self, 'cast', state, fromTagged(names, { tag, content })),
    ),
    info: ({ self, state }, content) => machine.handle(self, 'info', state, names.encode(content)),
    continue: ({ self, state }, content: unknown) => machine.handle(self, 'continue', state, names.encode(content)),
    terminate: ({ state }, reason) => recorder.event('terminate', names.encode(reason), state),
  })
}

class ServerMachine {
  readonly #rules: Rules<ServerRule>
  readonly #recorder: Recorder
  readonly #callers = new Callers()

  constructor(rules: readonly ServerRule[], recorder: Recorder) {
    this.#rules = new Rules(rules)
    this.#recorder = recorder
  }

  answer(self: Self, counter: number, content: Term, from: From) {
    const act = this.#follow(self, 'call', counter, content, from)
    if (act === undefined) return noReply<unknown, number>(counter)
    const state = counter + (act.inc ?? 0)
    switch (act.result) {
      case 'reply':
        return reply(decode(act.value ?? 'undefined'), state, optionOf(act.next))
      case 'noreply':
        return noReply<unknown, number>(state, optionOf(act.next))
      case 'stop_reply':
        return stopReply(reasonOf(act), decode(act.value ?? 'undefined'), state)
      case 'bad':
        return garbage.fromCall as never
      default:
        return this.#leave(self, act, state)
    }
  }

  handle(self: Self, type: string, counter: number, content: Term) {
    const act = this.#follow(self, type, counter, content, undefined)
    if (act === undefined) return counter
    const state = counter + (act.inc ?? 0)
    switch (act.result) {
      case 'reply':
      case 'noreply':
        return next(state, optionOf(act.next))
      case 'bad':
        return garbage.fromOthers as never
      default:
        return this.#leave(self, act, state)
    }
  }

  #leave(self: Self, act: Do, state: number) {
    if (act.result === 'crash') throw reasonOf(act)
    if (act.result === 'exit') return self.exit(reasonOf(act))
    return stop(reasonOf(act), state)
  }

  #follow(self: Self, type: string, counter: number, content: Term, from: From | undefined): Do | undefined {
    this.#recorder.event('cb', type, content, counter)
    if (type === 'info' && content === '$probe') return undefined
    const act = this.#rules.find(({ event: [t, c] }) => matches(t, type) && matches(c, content))
    this.#callers.save(act?.save, from)
    for (const [key, value] of act?.replies ?? []) {
      const caller = this.#callers.take(key)
      if (caller !== undefined) self.reply(caller, decode(value))
    }
    return act
  }
}

function reasonOf({ reason }: { readonly reason?: Term }): unknown {
  return decode(reason ?? 'normal')
}

function optionOf(option: Do['next']): NextOption | undefined {
  if (option === undefined || option === 'hibernate') return option
  return typeof option === 'number' ? { timeoutMs: option } : { continue: decode(option.continue) }
}
