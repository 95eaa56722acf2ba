// What the handlers of a state machine return: a result, which carries actions. User code reaches these as `statem`:
// the names are gen_statem's own, and `next`, `reply` and `stop` mean something else in a server.

import { OptionError } from '../kernel/errors.ts'
import type { ExitReason } from '../kernel/exit-reason.ts'
import type { Definition } from '../kernel/ref.ts'
import type { From } from '../kernel/self.ts'
import { MAX_DELAY_MS } from '../kernel/timers.ts'
import { type EventType, StatemEvent } from './statem-event.ts'

export { ignore } from './results.ts'

// ---- actions ---------------------------------------------------------------------------------------------------------

/** Names a time-out: the state's, the event's, or a generic one. */
export type TimeoutType = 'state_timeout' | 'event_timeout' | { readonly timeout: string }

/** Options of a time-out. */
export interface TimeoutOptions {
  /** The time is a point on the node's clock (`self.now()`), not a delay. Default false. */
  readonly abs?: boolean
}

/** Who has made the call that is being handled. Replying to it directly lets the type of the call be inferred. */
export interface Asker extends From {
  readonly '~asks': true
}

/** Made by {@link reply} for the call at hand: R is what it answers. */
export interface Answer<out R> {
  readonly kind: 'reply'
  readonly from: From
  readonly value: R
  readonly '~answers': true
}

/** Made by {@link reply} for a caller that was kept. */
export interface LaterAnswer {
  readonly kind: 'reply'
  readonly from: From
  readonly value: unknown
  readonly '~answers'?: false
}

export interface TimeoutAction {
  readonly kind: 'timeout'
  readonly type: 'state_timeout' | 'event_timeout' | 'timeout'
  readonly name: string | undefined
  /** Milliseconds; infinity cancels, `update` changes the content only. */
  readonly time: number | 'update'
  readonly content: unknown
  readonly abs: boolean
}

export type ReplyAction = Answer<unknown> | LaterAnswer

/** What an enter handler may ask for. */
export type EnterAction = ReplyAction | TimeoutAction | { readonly kind: 'hibernate'; readonly value: boolean }

/** What a handler may ask for. */
export type Action =
  | EnterAction
  | { readonly kind: 'postpone'; readonly value: boolean }
  | { readonly kind: 'next_event'; readonly event: StatemEvent }
  | {
      readonly kind: 'change_callback_module' | 'push_callback_module'
      readonly definition: Definition<never, unknown>
    }
  | { readonly kind: 'pop_callback_module' }

type Postpone = { readonly kind: 'postpone'; readonly value: boolean }
type NextEvent = { readonly kind: 'next_event'; readonly event: StatemEvent }

/** Answers a call: the one at hand, or one whose `from` was kept. A second answer has no effect. */
export function reply<R>(from: Asker, value: R): Answer<R>
export function reply<R>(from: From<R>, value: NoInfer<R>): LaterAnswer
export function reply(from: From, value: unknown): unknown {
  return { kind: 'reply', from, value }
}

const POSTPONE: Postpone = { kind: 'postpone', value: true }

/** Puts the event back until the state changes. It counts against the mailbox's bound. `false` takes it back. */
export function postpone(value = true): Postpone {
  return value ? POSTPONE : { kind: 'postpone', value }
}

/** OTP's request to give memory back. Accepted; there is nothing to do here. */
export function hibernate(value = true): EnterAction {
  return { kind: 'hibernate', value }
}

/**
 * Inserts an event, to be handled before any other. Several come in list order. `internal` is for events that nobody
 * outside can send; the others look as if they came from there.
 */
export function nextEvent(type: 'internal' | 'info' | 'state_timeout' | 'event_timeout', content?: unknown): NextEvent
export function nextEvent(type: 'cast' | 'timeout', tag: string, content?: unknown): NextEvent
export function nextEvent(type: 'call', tag: string, content: unknown, from: From): NextEvent
export function nextEvent(type: EventType, first?: unknown, content?: unknown, from?: From): NextEvent {
  const tagged = type === 'cast' || type === 'timeout' || type === 'call'
  const event = tagged
    ? new StatemEvent(type, String(first), content, from ?? null)
    : new StatemEvent(type, undefined, first, null)
  return { kind: 'next_event', event }
}

/**
 * After `ms` milliseconds in this state: a `state_timeout` event. A change of state cancels it; starting it again
 * replaces it. 0: before any message. `Infinity` cancels.
 */
export function stateTimeout(ms: number, content?: unknown, options?: TimeoutOptions): TimeoutAction {
  return timeoutAction('state_timeout', undefined, ms, content, options)
}

/** After `ms` milliseconds without any event: an `event_timeout` event. Otherwise as {@link stateTimeout}. */
export function eventTimeout(ms: number, content?: unknown, options?: TimeoutOptions): TimeoutAction {
  return timeoutAction('event_timeout', undefined, ms, content, options)
}

/** After `ms` milliseconds: a `timeout` event of this name, whatever the state. Otherwise as {@link stateTimeout}. */
export function timeout(name: string, ms: number, content?: unknown, options?: TimeoutOptions): TimeoutAction {
  return timeoutAction('timeout', name, ms, content, options)
}

/** Cancels a time-out, also one that is due and not yet handled. */
export function cancel(type: TimeoutType): TimeoutAction {
  return changeAction(type, Number.POSITIVE_INFINITY, undefined)
}

/** Gives a time-out a new content and leaves its time alone. One that is not running fires at once. */
export function update(type: TimeoutType, content: unknown): TimeoutAction {
  return changeAction(type, 'update', content)
}

function timeoutAction(
  type: TimeoutAction['type'],
  name: string | undefined,
  ms: number,
  content: unknown,
  options: TimeoutOptions | undefined,
): TimeoutAction {
  const abs = options?.abs ?? false
  const valid = abs ? !Number.isNaN(ms) : ms >= 0 && (ms <= MAX_DELAY_MS || ms === Number.POSITIVE_INFINITY)
  if (typeof ms !== 'number' || !valid) {
    throw new OptionError(type, ms, abs ? 'a time in milliseconds' : `0 to ${MAX_DELAY_MS} milliseconds or Infinity`)
  }
  return { kind: 'timeout', type, name, time: ms, content, abs }
}

function changeAction(type: TimeoutType, time: number | 'update', content: unknown): TimeoutAction {
  return typeof type === 'string'
    ? { kind: 'timeout', type, name: undefined, time, content, abs: false }
    : { kind: 'timeout', type: 'timeout', name: type.timeout, time, content, abs: false }
}

/**
 * Goes on with the handlers of another state machine, from the next event (or enter call) on; state, data, time-outs
 * and postponed events stay. OTP's `change_callback_module`.
 */
export function changeCallbackModule(definition: Definition<never, unknown>): Action {
  return { kind: 'change_callback_module', definition }
}

/** The same, remembering the present one: {@link popCallbackModule} returns to it. */
export function pushCallbackModule(definition: Definition<never, unknown>): Action {
  return { kind: 'push_callback_module', definition }
}

/** Returns to what {@link pushCallbackModule} left. */
export function popCallbackModule(): Action {
  return { kind: 'pop_callback_module' }
}

// ---- results ---------------------------------------------------------------------------------------------------------

type Actions = readonly Action[]
const NONE = undefined as never

type AnswerIn<A> = A extends Answer<infer R> ? R : never

/** The machine goes on: made by {@link next}, {@link keep}, {@link repeat} and their like. R is what a call answers. */
export class Transition<out S, out D, out R, out A = Action> {
  readonly kind: 'next_state' | 'keep_state' | 'keep_state_and_data' | 'repeat_state' | 'repeat_state_and_data'
  readonly state: S
  readonly data: D
  readonly actions: readonly A[]
  declare readonly '~reply': R

  constructor(kind: Transition<S, D, R, A>['kind'], state: S, data: D, actions: readonly A[]) {
    this.kind = kind
    this.state = state
    this.data = data
    this.actions = actions
  }
}

/** The machine ends: made by {@link stop} and {@link stopAndReply}. */
export class Stopping<out D, out R> {
  readonly kind: 'stop' | 'stop_and_reply'
  readonly reason: ExitReason
  /** Undefined leaves the data as it is. */
  readonly data: D | undefined
  readonly replies: readonly ReplyAction[]
  declare readonly '~reply': R

  constructor(kind: Stopping<D, R>['kind'], reason: ExitReason, data: D | undefined, replies: readonly ReplyAction[]) {
    this.kind = kind
    this.reason = reason
    this.data = data
    this.replies = replies
  }
}

/** Made by {@link initial}. */
export class Initial<out S, out D> {
  readonly state: S
  readonly data: D
  readonly actions: readonly Action[]

  constructor(state: S, data: D, actions: readonly Action[]) {
    this.state = state
    this.data = data
    this.actions = actions
  }
}

/** From init: the first state and data. The actions are carried out before anything is received. */
export function initial<const S, D>(state: S, data: D, ...actions: readonly Action[]): Initial<S, D> {
  return new Initial(state, data, actions)
}

/**
 * Goes to `state`. If that is another one (compared by structure), postponed events are tried again, the state time-out
 * is cancelled and the enter handler runs.
 */
export function next<const S, D, A extends Actions>(state: S, data: D, ...actions: A) {
  return new Transition<S, D, AnswerIn<A[number]>, A[number]>('next_state', state, data, actions)
}

/** Stays in the state, with new data. */
export function keep<D, A extends Actions>(data: D, ...actions: A) {
  return new Transition<never, D, AnswerIn<A[number]>, A[number]>('keep_state', NONE, data, actions)
}

/** Stays in the state and keeps the data. */
export function keepStateAndData<A extends Actions>(...actions: A) {
  return new Transition<never, never, AnswerIn<A[number]>, A[number]>('keep_state_and_data', NONE, NONE, actions)
}

/** Stays in the state, with new data, and runs its enter handler again. */
export function repeat<D, A extends Actions>(data: D, ...actions: A) {
  return new Transition<never, D, AnswerIn<A[number]>, A[number]>('repeat_state', NONE, data, actions)
}

/** Stays in the state, keeps the data, and runs the enter handler again. */
export function repeatStateAndData<A extends Actions>(...actions: A) {
  return new Transition<never, never, AnswerIn<A[number]>, A[number]>('repeat_state_and_data', NONE, NONE, actions)
}

/** Ends the machine: `terminate` runs, then the process ends with `reason`. Callers that wait fail with it. */
export function stop<D = never>(reason: ExitReason = 'normal', data?: D): Stopping<D, never> {
  return new Stopping('stop', reason, data, [])
}

/** Answers callers, then ends the machine. */
export function stopAndReply<A extends ReplyAction, D = never>(
  reason: ExitReason,
  replies: readonly A[],
  data?: D,
): Stopping<D, AnswerIn<A>> {
  return new Stopping('stop_and_reply', reason, data, replies)
}

// ---- as terms --------------------------------------------------------------------------------------------------------

/** A change of state as an exit reason shows it. */
export function nextStateTerm(result: Transition<unknown, unknown, unknown>): unknown {
  return { next_state: result.state, data: result.data, actions: result.actions.map(actionTerm) }
}

/** An action as an exit reason shows it; what is none, as it is. */
export function actionTerm(action: unknown): unknown {
  if (!isAction(action)) return action
  switch (action.kind) {
    case 'postpone':
    case 'hibernate':
      return action.value ? action.kind : { [action.kind]: false }
    case 'next_event': {
      const { type, tag, content } = action.event
      if (tag === undefined) return { next_event: type, content }
      // As Erlang would have sent it: `reset`, `{add, 3}`.
      return { next_event: type, content: content === undefined ? tag : { [tag]: content } }
    }
    case 'reply':
      return { reply: action.from, value: action.value }
    case 'timeout': {
      const { type, name, content } = action
      const time = action.time === Number.POSITIVE_INFINITY ? 'infinity' : action.time
      if (type === 'timeout') return { timeout: name, time, content }
      return type === 'event_timeout' ? { timeout: time, content } : { state_timeout: time, content }
    }
    case 'pop_callback_module':
      return action.kind
    default:
      return { [action.kind]: action.definition.name }
  }
}

function isAction(value: unknown): value is Action {
  return typeof value === 'object' && value !== null && 'kind' in value
}
