// Types of what can be started and talked to. A definition carries its protocol as a phantom; a `Ref<T>` is a pid that
// knows the protocol of T, where T is a definition or a protocol written out.

import type { Location } from './location.ts'
import type { Pid } from './pid.ts'
import type { Create } from './self.ts'

/** What a server answers (`call`) and takes (`cast`): tag → function from argument to reply. */
export interface Protocol {
  readonly call?: {
    /** From the argument to the reply. */
    readonly [tag: string]: (argument: never) => unknown
  }
  readonly cast?: {
    /** Takes the argument. */
    readonly [tag: string]: (argument: never) => void
  }
}

/** Something that can be started: made by `defineServer`, `defineStatem`, `supervisor`, … */
export interface Definition<A = never, P = Protocol> {
  readonly kind: 'server' | 'statem' | 'supervisor' | 'task'
  /** For people and reports. */
  readonly name: string
  /** Where another node finds it: see `located`. */
  readonly location?: Location
  /** @internal */
  readonly create: Create
  /** A type only; never there at run time. */
  readonly '~argument'?: (argument: A) => void
  readonly '~protocol'?: P
}

/** The argument of a definition's init; void if it takes none. */
export type ArgumentOf<T> = T extends { readonly '~argument'?: (argument: infer A) => void } ? A : never

type ProtocolOf<T> = T extends { readonly '~protocol'?: infer P } ? NonNullable<P> : T
type Calls<T> = ProtocolOf<T> extends { readonly call: infer C } ? C : Record<never, never>
type Casts<T> = ProtocolOf<T> extends { readonly cast: infer C } ? C : Record<never, never>
type First<F> = F extends (...args: infer A) => unknown ? (A extends readonly [] ? undefined : A[0]) : undefined
/** One argument, left out where there is none to give. */
export type Given<A> = [A] extends [undefined]
  ? [argument?: undefined]
  : undefined extends A
    ? [argument?: A]
    : [argument: A]

export type CallTag<T> = keyof Calls<T> & string
export type CastTag<T> = keyof Casts<T> & string
/** The argument of a call, if it takes one, then {@link CallOptions}. */
export type CallArguments<T, K extends CallTag<T>> = [...Given<First<Calls<T>[K]>>, options?: CallOptions]
/** The same without options. */
export type CallArgument<T, K extends CallTag<T>> = Given<First<Calls<T>[K]>>
export type CastArguments<T, K extends CastTag<T>> = Given<First<Casts<T>[K]>>
/** What a call of tag K to a T answers. */
export type Reply<T, K extends CallTag<T>> = Calls<T>[K] extends (...args: never) => infer R ? Awaited<R> : never

export interface CallOptions {
  /** Give up after so many milliseconds. Default 5000, OTP's; `Infinity` waits for ever. */
  readonly timeoutMs?: number
}

/**
 * A process one can talk to. Its own methods are for the world outside; inside a process, use `self.call` and
 * `self.cast`, which know who asks.
 */
export interface Ref<T> extends Pid {
  /** Asks and waits for the reply. Rejects with ExitError: `timeout`, `noproc`, `overloaded`, or the exit reason. */
  call<K extends CallTag<T>>(tag: K, ...args: CallArguments<T, K>): Promise<Reply<T, K>>
  /** Tells. False if the mailbox is full and refuses. */
  cast<K extends CastTag<T>>(tag: K, ...args: CastArguments<T, K>): boolean
  /** Sends a plain message. */
  send(message: unknown): void
  /** Asks the process to end with `reason` (default `normal`) and waits until it has: OTP's `gen_server:stop`. */
  stop(reason?: unknown, options?: CallOptions): Promise<void>
  readonly '~protocol'?: ProtocolOf<T>
}
