// The life of one state machine: init, then one event at a time through its callbacks, then terminate. The rules are
// those of OTP 25's gen_statem; where the manual is silent, the recorded scenarios of real OTP decide.
//
// What a callback asks for is collected (statem-actions.ts) and committed after the last callback of the event. Which
// event comes next is the queue's affair (statem-queue.ts), time that of the time-outs (statem-timeouts.ts).

import { isDeepStrictEqual } from 'node:util'
import type { Behaviour, Turn } from '../kernel/behaviour.ts'
import type { Call } from '../kernel/call.ts'
import { EspalierError, show } from '../kernel/errors.ts'
import { type ExitReason, ExitThrown, reasonOf } from '../kernel/exit-reason.ts'
import { CALL, EXIT, type Exit, TIMEOUT } from '../kernel/messages.ts'
import type { Process } from '../kernel/process.ts'
import type { Self } from '../kernel/self.ts'
import { isThenable } from '../kernel/thenable.ts'
import { Ignored } from './results.ts'
import { answer, isForbiddenInEnter, Step } from './statem-actions.ts'
import { StatemEvent } from './statem-event.ts'
import { EventQueue } from './statem-queue.ts'
import {
  type Action,
  actionTerm,
  Initial,
  keepStateAndData,
  nextStateTerm,
  Stopping,
  Transition,
} from './statem-results.ts'
import { type Callbacks, changeOf, StatemContext, UNHANDLED } from './statem-table.ts'
import { type RunningTimeout, Timeouts } from './statem-timeouts.ts'

type AnyTransition = Transition<unknown, unknown, unknown>

interface StateAndData {
  readonly state: unknown
  readonly data: unknown
}

const KEEP = keepStateAndData()
/** Another callback of the same event follows: an enter call. */
const ENTER = Symbol('enter call')

export class StatemLoop implements Behaviour {
  /** The definitions in force: the last one has the handlers. */
  #callbacks: readonly Callbacks[]
  readonly #process: Process
  readonly #self: Self
  readonly #queue = new EventQueue<StatemEvent, RunningTimeout>()
  readonly #timeouts: Timeouts
  readonly #step: Step
  #state: unknown
  /** The argument of init until it has run. */
  #data: unknown

  constructor(callbacks: Callbacks, process: Process, self: Self, argument: unknown) {
    this.#callbacks = [callbacks]
    this.#process = process
    this.#self = self
    this.#data = argument
    this.#timeouts = new Timeouts(process, this.#queue)
    this.#step = new Step(process.node)
  }

  get name(): string {
    return this.#current.name
  }

  get pending(): boolean {
    return this.#queue.pending
  }

  // ---- start -------------------------------------------------------------------------------------------------------

  init(): Turn {
    let result: unknown
    try {
      result = this.#current.machine.init(this.#data as never, { self: this.#self })
    } catch (error) {
      return this.#initThrew(error)
    }
    if (!isThenable(result)) return this.#initialised(result)
    return result.then(
      (value) => this.#initialised(value),
      (error) => this.#initThrew(error),
    )
  }

  #initialised(result: unknown): Turn {
    const process = this.#process
    if (!process.alive) return undefined
    if (result instanceof Initial) {
      process.started({ ok: process.pid })
      this.#state = result.state
      this.#data = result.data
      return this.#enterFirst(result.actions)
    }
    if (result instanceof Ignored) {
      this.#unname()
      process.started('ignore')
      process.end('normal')
      return undefined
    }
    if (result instanceof Stopping) return this.#initFailed(result.reason, result.reason, false)
    const reason = { bad_return_from_init: result }
    return this.#initFailed(reason, reason, true)
  }

  // As in OTP: the actions of init come first, whose `postpone` has no meaning, then the first enter call.
  #enterFirst(actions: readonly Action[]): Turn {
    const step = this.#step
    step.begin(step.event, this.#state, this.#data)
    const bad = this.#collect(actions)
    if (bad !== undefined) return bad.failed
    step.postpone = false
    if (!this.#current.stateEnter) return this.#commit()
    step.entering = true
    return this.#runCallbacks()
  }

  // The starter is told the plain reason, as by OTP's gen_statem; the process itself ends with the stack.
  #initThrew(error: unknown): undefined {
    const reason = reasonOf(error)
    return this.#initFailed(plain(error, reason), reason, true)
  }

  // The name is free again before the starter hears of the failure.
  #initFailed(told: ExitReason, reason: ExitReason, crashed: boolean): undefined {
    const process = this.#process
    if (!process.alive) return
    this.#unname()
    process.started({ error: told })
    if (crashed) process.node.reportCrash(process, this.#current.name, reason, 'init')
    process.end(reason)
  }

  #unname(): void {
    const { name, node } = this.#process
    if (name !== undefined) node.unregister(name)
  }

  // ---- events ------------------------------------------------------------------------------------------------------

  receive(head: unknown, payload: unknown): Turn {
    if (typeof head === 'string') return this.#handle(new StatemEvent('cast', head, payload, null))
    if (head === CALL) {
      // A caller that has given up is served all the same, as in OTP: there, the machine cannot know.
      const call = payload as Call
      return this.#handle(new StatemEvent('call', call.tag, call.payload, call))
    }
    if (head === TIMEOUT) {
      const timeout = payload as RunningTimeout
      return this.#timeouts.take(timeout) ? this.#timedOut(timeout) : undefined
    }
    if (head === EXIT && (payload as Exit).from === this.#process.parent) {
      return this.#terminate((payload as Exit).reason, (payload as Exit).reason)
    }
    return this.#handle(new StatemEvent('info', undefined, payload, null))
  }

  advance(): Turn {
    const event = this.#queue.takeEvent()
    if (event !== undefined) return this.#handle(event)
    const timeout = this.#queue.takeDue()
    return timeout !== undefined && this.#timeouts.take(timeout) ? this.#timedOut(timeout) : undefined
  }

  /** A state machine keeps its time-outs itself. */
  timeout(): Turn {
    return undefined
  }

  stop(reason: ExitReason): Turn {
    return this.#terminate(reason, reason)
  }

  getState(): StateAndData {
    return { state: this.#state, data: this.#data }
  }

  replaceState(replace: (now: unknown) => unknown): unknown {
    const { state, data } = replace(this.getState()) as StateAndData
    this.#state = state
    this.#data = data
    return this.getState()
  }

  ended(): void {
    this.#timeouts.clear()
  }

  #timedOut(timeout: RunningTimeout): Turn {
    return this.#handle(new StatemEvent(timeout.type, timeout.name, timeout.content, null))
  }

  #handle(event: StatemEvent): Turn {
    this.#step.begin(event, this.#state, this.#data)
    return this.#runCallbacks()
  }

  // ---- callbacks ---------------------------------------------------------------------------------------------------

  /** Makes the callbacks of one event, as long as they answer at once; goes on later if one returns a promise. */
  #runCallbacks(): Turn {
    for (;;) {
      let result: unknown
      try {
        result = this.#callback()
      } catch (error) {
        return this.#threw(error)
      }
      if (isThenable(result)) return this.#later(result)
      const then = this.#take(result)
      if (then !== ENTER) return then
    }
  }

  #callback(): unknown {
    const { entering, event, state, data } = this.#step
    const current = entering ? new StatemEvent('enter', undefined, this.#state, null) : event
    return this.#current.handle(new StatemContext(this.#self, state, data, current.from), current)
  }

  #later(result: PromiseLike<unknown>): Turn {
    return result.then(
      (value) => {
        const then = this.#take(value)
        return then === ENTER ? this.#runCallbacks() : then
      },
      (error) => this.#threw(error),
    )
  }

  /** Takes what a callback has returned. */
  #take(result: unknown): Turn | typeof ENTER {
    if (!this.#process.alive) return undefined
    if (result === UNHANDLED) return this.#unhandled()
    if (result instanceof Transition) return this.#transition(result)
    if (result instanceof Stopping) return this.#stopping(result)
    return this.#fail({ bad_return_from_state_function: result })
  }

  #transition(result: AnyTransition): Turn | typeof ENTER {
    const step = this.#step
    let enter = false
    switch (result.kind) {
      case 'next_state':
        if (!sameState(result.state, step.state)) {
          if (step.entering) return this.#fail({ bad_state_enter_return_from_state_function: nextStateTerm(result) })
          step.state = result.state
          step.stateChanged = true
          enter = true
        }
        step.data = result.data
        break
      case 'keep_state':
        step.data = result.data
        break
      case 'repeat_state':
        step.data = result.data
        enter = true
        break
      case 'repeat_state_and_data':
        enter = true
    }
    if (result.actions.length > 0) {
      const bad = this.#collect(result.actions)
      if (bad !== undefined) return bad.failed
    }
    if (!enter || !this.#current.stateEnter) return this.#commit()
    step.entering = true
    return ENTER
  }

  #collect(actions: readonly Action[]): { readonly failed: Turn } | undefined {
    const step = this.#step
    for (const action of actions) {
      const changed = changeOf(this.#callbacks, action)
      if (step.entering && (changed !== undefined || isForbiddenInEnter(action))) {
        return { failed: this.#fail({ bad_state_enter_action_from_state_function: actionTerm(action) }) }
      }
      if (changed !== undefined) this.#callbacks = changed
      else if (!step.collect(action)) {
        return { failed: this.#fail({ bad_action_from_state_function: actionTerm(action) }) }
      }
    }
    return undefined
  }

  #commit(): undefined {
    const step = this.#step
    this.#state = step.state
    this.#data = step.data
    this.#timeouts.eventHandled(step.stateChanged)
    if (step.timeouts.length > 0) this.#timeouts.apply(step.timeouts)
    this.#queue.settle(step.event, step.postpone, step.stateChanged, step.inserted)
    this.#process.heldBack = this.#queue.held
  }

  #unhandled(): Turn | typeof ENTER {
    const { entering, event, state } = this.#step
    if (entering) return this.#transition(KEEP)
    if (event.type === 'info') {
      this.#process.node.deadLetter(this.#process.pid, undefined, event.content, 'unhandled')
      return this.#transition(KEEP)
    }
    const what = event.tag === undefined ? event.type : `${event.type} ${JSON.stringify(event.tag)}`
    const message = `${this.#current.name} has no handler for ${what} in state ${show(state)}`
    return this.#threw(new EspalierError('ERR_UNHANDLED', message))
  }

  // ---- end ---------------------------------------------------------------------------------------------------------

  #stopping(result: Stopping<unknown, unknown>): Turn {
    const step = this.#step
    if (result.data !== undefined) step.data = result.data
    for (const action of result.replies) {
      if (action?.kind === 'reply' && answer(action)) continue
      return this.#fail({ bad_reply_action_from_state_function: actionTerm(action) })
    }
    this.#state = step.state
    this.#data = step.data
    return this.#terminate(result.reason, result.reason, step.event)
  }

  // A result that makes no sense: the machine ends where it was on its way to.
  #fail(error: unknown): Turn {
    this.#state = this.#step.state
    this.#data = this.#step.data
    return this.#terminate(error, { error, stack: '' }, this.#step.event)
  }

  // Nothing is committed: an enter handler that throws leaves the machine in the state before, as in OTP.
  #threw(error: unknown): Turn {
    const reason = reasonOf(error)
    return this.#terminate(plain(error, reason), reason, this.#step.event)
  }

  /** `told` is the reason that `terminate` is given: of an error, what was thrown; the process ends with the stack too. */
  #terminate(told: ExitReason, reason: ExitReason, handling?: StatemEvent): Turn {
    if (!this.#process.alive) return undefined
    const { terminate } = this.#current.machine
    if (terminate === undefined) return this.#end(reason, handling)
    let result: unknown
    try {
      result = terminate(new StatemContext(this.#self, this.#state, this.#data, null) as never, told)
    } catch (error) {
      return this.#end(reasonOf(error), handling)
    }
    if (!isThenable(result)) return this.#end(reason, handling)
    return result.then(
      () => this.#end(reason, handling),
      (error) => this.#end(reasonOf(error), handling),
    )
  }

  #end(reason: ExitReason, handling: StatemEvent | undefined): undefined {
    const process = this.#process
    if (!process.alive) return
    process.node.reportCrash(process, this.#current.name, reason, handling?.tag ?? handling?.type)
    process.end(reason)
  }

  get #current(): Callbacks {
    return this.#callbacks[this.#callbacks.length - 1] as Callbacks
  }
}

/** The reason without the stack that an error adds to it. */
function plain(thrown: unknown, reason: ExitReason): ExitReason {
  return thrown instanceof ExitThrown ? reason : thrown
}

function sameState(a: unknown, b: unknown): boolean {
  if (a === b) return true
  return typeof a === 'object' && typeof b === 'object' && isDeepStrictEqual(a, b)
}
