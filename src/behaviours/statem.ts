// The state machine behaviour: OTP's gen_statem. A definition is an object keyed by state, each with a handler per
// event, and what holds in any state; or one function for all events, where states are data. What a machine answers and
// takes is inferred from its handlers, or given as its protocol.

import type { ExitReason } from '../kernel/exit-reason.ts'
import type { Definition, Protocol } from '../kernel/ref.ts'
import type { From, Self } from '../kernel/self.ts'
import type { Ignored } from './results.ts'
import { StatemLoop } from './statem-loop.ts'
import type { Asker, EnterAction, Initial, Stopping, Transition } from './statem-results.ts'
import { type AnyMachine, compile, remember } from './statem-table.ts'

/** What every handler is given. */
export interface StatemContext<S, D> {
  readonly self: Self
  readonly state: S
  readonly data: D
}

/** What a call handler is given. */
export interface StatemCallContext<S, D> extends StatemContext<S, D> {
  /** Who asks: answer with `reply(from, value)`, now or, if kept, later. */
  readonly from: Asker
}

type Soon<T> = T | PromiseLike<T>
type Result<S, D, R> = Transition<S, D, R> | Stopping<D, R>
type EnterResult<D> = Transition<never, D, unknown, EnterAction> | Stopping<D, unknown>
type InitResult<S, D> = Initial<S, D> | Stopping<never, never> | Ignored

/** What a state does, one handler per event. An event without a handler ends the machine; info is a dead letter. */
export interface StateHandlers<S, D> extends OtherHandlers<S, D> {
  /** One handler per call. It answers with the action `reply(from, value)`, or keeps `from`. */
  readonly call?: {
    /** By the tag of the call. `argument` is what came with it, undefined if nothing did. */
    readonly [tag: string]: (context: StatemCallContext<S, D>, argument: never) => Soon<Result<S, D, unknown>>
  }
  /** One handler per cast. */
  readonly cast?: {
    /** By the tag of the cast; `argument` as in a call. What is answered here goes to callers that were kept. */
    readonly [tag: string]: (context: StatemContext<S, D>, argument: never) => Soon<Result<S, D, unknown>>
  }
}

interface OtherHandlers<S, D> {
  /** Runs when the state is entered, before any event; `previous` is the state before (at the start, the same). */
  readonly enter?: (context: StatemContext<S, D>, previous: S) => Soon<EnterResult<D>>
  /** Plain messages, `Exit` and `Down`. */
  readonly info?: (context: StatemContext<S, D>, message: unknown) => Soon<Result<S, D, unknown>>
  /** Events that `nextEvent('internal', content)` has inserted. */
  readonly internal?: (context: StatemContext<S, D>, content: never) => Soon<Result<S, D, unknown>>
  /** The state has lasted as long as the action `stateTimeout(ms, content)` allowed; a change of state cancels it. */
  readonly stateTimeout?: (context: StatemContext<S, D>, content: never) => Soon<Result<S, D, unknown>>
  /** No event has come for as long as the action `eventTimeout(ms, content)` allowed; any event cancels it. */
  readonly eventTimeout?: (context: StatemContext<S, D>, content: never) => Soon<Result<S, D, unknown>>
  /** One handler per generic time-out, by its name. */
  readonly timeout?: {
    /** By the name given to `timeout(name, ms, content)`, which no change of state and no other event cancels. */
    readonly [name: string]: (context: StatemContext<S, D>, content: never) => Soon<Result<S, D, unknown>>
  }
}

/** What both kinds of definition have. */
export interface MachineBase<S, D, A> {
  /** For people and reports. Default: `statem`. */
  readonly name?: string
  /** Runs in the new process; starting waits for it. Returns `initial`, `ignore` or `stop`. */
  readonly init: (argument: A, context: { readonly self: Self }) => Soon<InitResult<S, D>>
  /**
   * Last words: when a handler stops or fails, and, in a machine that traps exits, when its parent ends it. Of an error
   * the reason is what was thrown; the process then ends with `{ error, stack }`.
   */
  readonly terminate?: (context: StatemContext<S, D>, reason: ExitReason) => Soon<void>
}

/** A definition by states: N are their names, T their handlers, Y those of any state. */
export interface MachineByState<N extends string, D, A, T, Y> extends MachineBase<NoInfer<N>, D, A> {
  readonly states: T & { readonly [K in N]: StateHandlers<NoInfer<N>, NoInfer<D>> }
  /** What holds in every state that has no handler of its own for an event. */
  readonly any?: Y & StateHandlers<NoInfer<N>, NoInfer<D>>
}

/** An event as {@link MachineByEvent} is given it, for a machine of protocol P. */
export type EventOf<P> =
  | CallEventOf<P extends { readonly call: infer C } ? C : unknown>
  | CastEventOf<P extends { readonly cast: infer C } ? C : unknown>
  | { readonly type: 'info' | 'internal' | 'state_timeout' | 'event_timeout'; readonly content: unknown }
  | { readonly type: 'timeout'; readonly tag: string; readonly content: unknown }
  | { readonly type: 'enter'; readonly content: unknown }

type CallEventOf<C> = unknown extends C
  ? { readonly type: 'call'; readonly tag: string; readonly content: unknown; readonly from: From }
  : {
      [K in keyof C]: {
        readonly type: 'call'
        readonly tag: K
        readonly content: First<C[K]>
        readonly from: From<ReturnOf<C[K]>>
      }
    }[keyof C]
type CastEventOf<C> = unknown extends C
  ? { readonly type: 'cast'; readonly tag: string; readonly content: unknown }
  : { [K in keyof C]: { readonly type: 'cast'; readonly tag: K; readonly content: First<C[K]> } }[keyof C]
type First<F> = F extends (...args: infer A) => unknown ? (A extends readonly [] ? undefined : A[0]) : never
type ReturnOf<F> = F extends (...args: never) => infer R ? R : never

/** A definition by one function, where states are data: compared by structure. */
export interface MachineByEvent<S, D, A, P> extends MachineBase<S, D, A> {
  /** Handles every event. `content` of an `enter` event is the state before; `tag` of a `timeout` event is its name. */
  readonly handleEvent: (
    context: StatemContext<S, D>,
    event: EventOf<P>,
  ) => Soon<Result<NoInfer<S>, NoInfer<D>, unknown>>
  /** Whether `enter` events are made. Default false. */
  readonly stateEnter?: boolean
}

// ---- the protocol of a machine ---------------------------------------------------------------------------------------

type None = Record<never, never>
type Part<H, K extends string> = H extends { readonly [X in K]?: infer C } ? NonNullable<C> : never
type Tags<C> = C extends unknown ? keyof C : never
type Handlers<C, K> = C extends unknown ? (K extends keyof C ? C[K] : never) : never
type Second<F> = F extends (...args: infer X) => unknown ? (X extends readonly [unknown, infer A] ? A : unknown) : never
/** What suits every handler: the intersection of their arguments, undefined if none takes any. */
type Argument<F> = (F extends unknown ? (argument: Second<F>) => void : never) extends (argument: infer I) => void
  ? unknown extends I
    ? undefined
    : I
  : never
type ReplyIn<U> = U extends Transition<unknown, unknown, infer R> ? R : U extends Stopping<unknown, infer R> ? R : never
type Replies<F> = F extends (...args: never) => infer U ? ReplyIn<Awaited<U>> : never

/** The protocol of a machine with the handlers H, a union over its states. */
export type StatemProtocol<H> = {
  /** By tag: what the handlers of all states take, and what any of them answers. */
  readonly call: {
    readonly [K in Tags<Part<H, 'call'>>]: (
      argument: Argument<Handlers<Part<H, 'call'>, K>>,
    ) => Replies<Handlers<Part<H, 'call'>, K>>
  }
  /** By tag: what the handlers of all states take. */
  readonly cast: { readonly [K in Tags<Part<H, 'cast'>>]: (argument: Argument<Handlers<Part<H, 'cast'>, K>>) => void }
}

/** The protocol of a machine of which nothing is known: takes everything, answers unknown. */
export type AnyProtocol = {
  readonly call: {
    /** By any tag; the answer is for the caller to check. */
    readonly [tag: string]: (argument?: unknown) => unknown
  }
  readonly cast: {
    /** By any tag. */
    readonly [tag: string]: (argument?: unknown) => void
  }
}

/** Handlers of a state, checked against the protocol P. */
export type CheckedState<P, S, D> = OtherHandlers<S, D> &
  (P extends { readonly call: infer C } ? { readonly call?: CheckedCalls<C, S, D> } : { readonly call?: undefined }) &
  (P extends { readonly cast: infer C } ? { readonly cast?: CheckedCasts<C, S, D> } : { readonly cast?: undefined })

type CheckedCalls<C, S, D> = {
  readonly [K in keyof C]?: C[K] extends (...args: infer X) => infer R
    ? (context: StatemCallContext<S, D>, ...args: X) => Soon<Result<S, D, R>>
    : never
}
type CheckedCasts<C, S, D> = {
  readonly [K in keyof C]?: C[K] extends (...args: infer X) => unknown
    ? (context: StatemContext<S, D>, ...args: X) => Soon<Result<S, D, unknown>>
    : never
}

/** A definition by states, checked against the protocol P. */
export interface CheckedMachine<P, N extends string, D, A> extends MachineBase<NoInfer<N>, D, A> {
  readonly states: { readonly [K in N]: CheckedState<P, NoInfer<N>, NoInfer<D>> }
  readonly any?: CheckedState<P, NoInfer<N>, NoInfer<D>>
}

/** A state machine's definition: what `start` starts and `Ref` refers to. */
export type StatemDefinition<A, P> = Definition<A, P>

/**
 * Defines a state machine by its states. Handlers that return without a promise run without touching a microtask; while
 * a promise is pending, the machine handles nothing else.
 *
 * What a call answers is inferred where a handler replies directly. Where it answers later, give the protocol:
 * `defineStatem<DoorProtocol>()({ … })`; the handlers are checked against it.
 */
export function defineStatem<N extends string, D, A = undefined, T = None, Y = None>(
  machine: MachineByState<N, D, A, T, Y>,
): StatemDefinition<A, StatemProtocol<T[keyof T] | Y>>
export function defineStatem<P extends Protocol>(): <N extends string, D, A = undefined>(
  machine: CheckedMachine<P, N, D, A>,
) => StatemDefinition<A, P>
export function defineStatem(machine?: AnyMachine): unknown {
  return machine === undefined ? define : define(machine)
}

/**
 * Defines a state machine by one function for all events: OTP's `handle_event_function`. States may be any data. The
 * protocol cannot be inferred: give it as `defineHandleEvent<DoorProtocol>()({ … })`, or the machine takes any call and
 * cast, and answers unknown.
 */
export function defineHandleEvent<S, D, A = undefined>(
  machine: MachineByEvent<S, D, A, AnyProtocol>,
): StatemDefinition<A, AnyProtocol>
export function defineHandleEvent<P extends Protocol>(): <S, D, A = undefined>(
  machine: MachineByEvent<S, D, A, P>,
) => StatemDefinition<A, P>
export function defineHandleEvent(machine?: AnyMachine): unknown {
  return machine === undefined ? define : define(machine)
}

function define(machine: AnyMachine): Definition {
  const callbacks = compile(machine)
  const definition: Definition = {
    kind: 'statem',
    name: callbacks.name,
    create: (process, self, argument) => new StatemLoop(callbacks, process, self, argument),
  }
  remember(definition, callbacks)
  return definition
}
