// The server behaviour: OTP's gen_server. A definition is a plain object of handlers; its protocol is inferred from
// them, so what a server answers and takes is checked where it is called.

import type { ExitReason } from '../kernel/exit-reason.ts'
import type { Definition, Protocol } from '../kernel/ref.ts'
import type { From, Self } from '../kernel/self.ts'
import type { Ignored, Next, NotReplied, Replied, Stopped, StoppedReplied } from './results.ts'
import { ServerLoop } from './server-loop.ts'

/** What every handler is given. */
export interface Context<S> {
  readonly self: Self
  readonly state: S
}

/** What a call handler is given. */
export interface CallContext<S> extends Context<S> {
  /** Who asks: keep it to answer later. */
  readonly from: From
}

type Soon<T> = T | PromiseLike<T>
type Stop<S> = Stopped<S> | Stopped<never>
type CallResult<R, S> = Replied<R, S> | NotReplied<R, S> | StoppedReplied<R, S> | Stop<S>
type NextResult<S> = S | Next<S> | Stop<S>
type InitResult<S> = S | Next<S> | Stopped<never> | Ignored

export type CallHandlers<S> = {
  readonly [tag: string]: (context: CallContext<S>, argument: never) => Soon<CallResult<unknown, S>>
}
export type CastHandlers<S> = { readonly [tag: string]: (context: Context<S>, argument: never) => Soon<NextResult<S>> }

export interface ServerHandlers<S, A, C, D> {
  /** For people and reports. Default: `server`. */
  readonly name?: string
  /** Runs in the new process; starting waits for it. Its result is the first state. */
  readonly init: (argument: A, context: { readonly self: Self }) => Soon<InitResult<S>>
  /** One handler per call: returns `reply`, `noReply`, `stopReply` or `stop`. */
  readonly call?: C & CallHandlers<S>
  /** One handler per cast: returns the next state, `next` or `stop`. */
  readonly cast?: D & CastHandlers<S>
  /** Everything else: plain messages, `Exit`, `Down`, and `'timeout'`. Default: a dead letter. */
  readonly info?: (context: Context<S>, message: unknown) => Soon<NextResult<S>>
  /** What `{ continue: argument }` asked for. */
  readonly continue?: (context: Context<S>, argument: never) => Soon<NextResult<S>>
  /**
   * Last words: when a handler stops or fails, and, in a server that traps exits, when its parent ends it. What it
   * throws with `self.exit` becomes the exit reason.
   */
  readonly terminate?: (context: Context<S>, reason: ExitReason) => Soon<void>
}

/** The handlers of a server whose protocol P is given. */
export type CheckedHandlers<P, S, A> = Omit<ServerHandlers<S, A, unknown, unknown>, 'call' | 'cast'> &
  (P extends { readonly call: unknown } ? { readonly call: CallsOf<P, S> } : unknown) &
  (P extends { readonly cast: unknown } ? { readonly cast: CastsOf<P, S> } : unknown)

type Second<F> = F extends (...args: infer P) => unknown
  ? P extends readonly [unknown, infer A]
    ? A
    : undefined
  : never
type Returned<F> = F extends (...args: never) => infer R ? Awaited<R> : never
type ReplyIn<U> =
  U extends Replied<infer R, unknown>
    ? R
    : U extends StoppedReplied<infer R, unknown>
      ? R
      : U extends NotReplied<infer R, unknown>
        ? R
        : never

/** The protocol of a server with call handlers C and cast handlers D. */
export type ServerProtocol<C, D> = {
  readonly call: { readonly [K in keyof C]: (argument: Second<C[K]>) => ReplyIn<Returned<C[K]>> }
  readonly cast: { readonly [K in keyof D]: (argument: Second<D[K]>) => void }
}

/** A server's definition: what `start` starts and `Ref` refers to. */
export type ServerDefinition<A, P> = Definition<A, P>

type None = Record<never, never>

/**
 * Defines a server. Handlers that return without a promise run without touching a microtask; while a promise is
 * pending, the server handles nothing else.
 *
 * Where the types cannot be inferred, as in a server that calls itself, give the protocol:
 * `defineServer<CounterProtocol>()({ … })`; the handlers are checked against it.
 */
export function defineServer<S, A = undefined, C extends CallHandlers<S> = None, D extends CastHandlers<S> = None>(
  handlers: ServerHandlers<S, A, C, D>,
): ServerDefinition<A, ServerProtocol<C, D>>
export function defineServer<P extends Protocol>(): <S, A = undefined>(
  handlers: CheckedHandlers<P, S, A>,
) => ServerDefinition<A, P>
export function defineServer(handlers?: AnyHandlers): unknown {
  return handlers === undefined ? definition : definition(handlers)
}

/** Call handlers that serve the protocol P. */
export type CallsOf<P, S> = P extends { readonly call: infer C }
  ? {
      readonly [K in keyof C]: C[K] extends (...args: infer X) => infer R
        ? (context: CallContext<S>, ...args: X) => Soon<CallResult<R, S>>
        : never
    }
  : None

/** Cast handlers that serve the protocol P. */
export type CastsOf<P, S> = P extends { readonly cast: infer D }
  ? {
      readonly [K in keyof D]: D[K] extends (...args: infer X) => unknown
        ? (context: Context<S>, ...args: X) => Soon<NextResult<S>>
        : never
    }
  : None

/** Handlers as the loop sees them, types erased. */
export interface AnyHandlers {
  readonly name?: string
  readonly init: (argument: never, context: { readonly self: Self }) => unknown
  readonly call?: { readonly [tag: string]: ((context: CallContext<never>, argument: never) => unknown) | undefined }
  readonly cast?: { readonly [tag: string]: ((context: Context<never>, argument: never) => unknown) | undefined }
  readonly info?: (context: Context<never>, message: unknown) => unknown
  readonly continue?: (context: Context<never>, argument: never) => unknown
  readonly terminate?: (context: Context<never>, reason: ExitReason) => unknown
}

function definition(handlers: AnyHandlers): Definition {
  return {
    kind: 'server',
    name: handlers.name ?? 'server',
    create: (process, self, argument) => new ServerLoop(handlers, process, self, argument),
  }
}
