// What the handlers of a server return. A bare value of a cast, info or continue handler is the next state.

import type { ExitReason } from '../kernel/exit-reason.ts'

/**
 * What happens next: a time-out (info message `'timeout'`, unless a message comes first; 0: once the mailbox is
 * empty), hibernation (give back memory), or a `continue` call before any message.
 */
export type NextOption = { readonly timeoutMs: number } | 'hibernate' | { readonly continue: unknown }

/** What a handler returns when it is not a bare state: one test tells. */
abstract class Result {}

/** True for what the functions below make. */
export function isResult(value: unknown): boolean {
  return value instanceof Result
}

/** Made by {@link reply}. */
export class Replied<R, S> extends Result {
  readonly value: R
  readonly state: S
  readonly option: NextOption | undefined

  constructor(value: R, state: S, option: NextOption | undefined) {
    super()
    this.value = value
    this.state = state
    this.option = option
  }
}

/** Made by {@link next}. */
export class Next<S> extends Result {
  readonly state: S
  readonly option: NextOption | undefined
  /** A type only, never there at run time: keeps answers to calls, which have these fields too, out of casts. */
  declare readonly '~result': 'next'

  constructor(state: S, option: NextOption | undefined) {
    super()
    this.state = state
    this.option = option
  }
}

/** Made by {@link noReply}. */
export class NotReplied<R, S> extends Result {
  readonly state: S
  readonly option: NextOption | undefined
  declare readonly '~reply': R

  constructor(state: S, option: NextOption | undefined) {
    super()
    this.state = state
    this.option = option
  }
}

/** Made by {@link stop}. */
export class Stopped<S> extends Result {
  readonly reason: ExitReason
  readonly state: S | undefined
  /** A type only, as in {@link Next}. */
  declare readonly '~result': 'stop'

  constructor(reason: ExitReason, state: S | undefined) {
    super()
    this.reason = reason
    this.state = state
  }
}

/** Made by {@link stopReply}. */
export class StoppedReplied<R, S> extends Result {
  readonly reason: ExitReason
  readonly value: R
  readonly state: S

  constructor(reason: ExitReason, value: R, state: S) {
    super()
    this.reason = reason
    this.value = value
    this.state = state
  }
}

/** Made by {@link ignore}. */
export class Ignored extends Result {
  readonly kind = 'ignore'
}

/** Answers a call. */
export function reply<R, S>(value: R, state: S, option?: NextOption): Replied<R, S> {
  return new Replied(value, state, option)
}

/**
 * Leaves a call open: answer it later with `self.reply(from, value)`. The type of that reply cannot be inferred: give it
 * as `noReply<R, S>`, or give the server its protocol.
 */
export function noReply<R = unknown, S = unknown>(state: S, option?: NextOption): NotReplied<R, S> {
  return new NotReplied(state, option)
}

/** The next state of a cast, info, continue or init handler, where a bare state will not do. */
export function next<S>(state: S, option?: NextOption): Next<S> {
  return new Next(state, option)
}

/** Ends the server: `terminate` runs, then the process ends with `reason`. Callers that wait fail with it. */
export function stop<S = never>(reason: ExitReason, state?: S): Stopped<S> {
  return new Stopped(reason, state)
}

/** Answers a call, after `terminate` has run, and ends the server. */
export function stopReply<R, S>(reason: ExitReason, value: R, state: S): StoppedReplied<R, S> {
  return new StoppedReplied(reason, value, state)
}

/** From init: do not start, and let the supervisor go on. */
export function ignore(): Ignored {
  return new Ignored()
}
