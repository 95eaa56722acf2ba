// Selective receive: a process takes the oldest message that it wants, and leaves the others where they are.

import { newDeferred, rejecterOfNewest, resolverOfNewest } from './deferred.ts'
import type { Mailbox } from './mailbox.ts'
import { Cast, DOWN, Down, EXIT, Exit, SYSTEM, TIMEOUT } from './messages.ts'
import type { Pid, Reference } from './pid.ts'
import type { Process } from './process.ts'
import { Timer } from './timers.ts'

export type Matcher = (message: unknown) => boolean

/**
 * Resolves with the oldest matching message; see `Self.receive`. Throws if the process is receiving already, or the
 * time limit is none.
 */
export function receive(process: Process, match: Matcher | undefined, timeoutMs: number | undefined): Promise<unknown> {
  if (process.receiving !== null) throw new Error(`${process.pid} is receiving already: one receive at a time`)
  if (process.mailbox.length > 0 && process.node.scheduler.spend()) {
    const index = findMessage(process.mailbox, match, 0)
    if (index >= 0) return Promise.resolve(takeMessage(process.mailbox, index))
  }
  const received = newDeferred<unknown>()
  const wait = new Receive(process, match, resolverOfNewest(), rejecterOfNewest())
  wait.begin(timeoutMs)
  return received
}

/** A receive under way; as a timer it is its own time limit. */
export class Receive extends Timer {
  /** Whether there is a time limit. */
  timed = false
  /** Messages before this index have been looked at. */
  seen = 0
  readonly #process: Process
  readonly #match: Matcher | undefined
  readonly #resolve: (message: unknown) => void
  readonly #reject: (error: unknown) => void

  constructor(
    process: Process,
    match: Matcher | undefined,
    resolve: (message: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super()
    this.#process = process
    this.#match = match
    this.#resolve = resolve
    this.#reject = reject
  }

  begin(timeoutMs: number | undefined): void {
    const process = this.#process
    if (timeoutMs !== undefined && timeoutMs !== Number.POSITIVE_INFINITY) {
      try {
        if (timeoutMs !== 0) process.node.timers.set(this, timeoutMs, 'timeoutMs')
      } catch (error) {
        return this.#reject(error)
      }
      this.timed = true
    }
    process.receiving = this
    if (process.raw) process.setBusy(false)
    // A receive that does not wait looks in a turn of its own, so that what is under way now is seen.
    if (process.mailbox.length > 0 || timeoutMs === 0) process.wake()
  }

  /** The message at `index` has been taken out of the mailbox by somebody else. */
  removed(index: number): void {
    if (index < this.seen) this.seen--
  }

  /** Looks at what has come, in a turn of the process. */
  offer(): void {
    const process = this.#process
    if (process.raw && process.behaviour !== null) {
      process.handleSystemOnly(process.behaviour)
      if (!process.alive) return
    }
    try {
      const index = findMessage(process.mailbox, this.#match, this.seen)
      if (index >= 0) {
        const message = takeMessage(process.mailbox, index)
        this.#done()
        return this.#resolve(message)
      }
    } catch (error) {
      // The condition has thrown: that is the receiver's own failure.
      this.#done()
      return this.#reject(error)
    }
    this.seen = process.mailbox.length
    if (!this.timed || this.slot !== null) return
    this.#done()
    this.#resolve(undefined)
  }

  #done(): void {
    const process = this.#process
    process.receiving = null
    process.node.timers.cancel(this)
    if (process.raw) process.setBusy(true)
  }

  // In a turn of the process: a message that came before the end of time wins.
  override expire(): void {
    this.#process.wake()
  }
}

/** The index of the oldest matching message from `from` on, or -1. */
function findMessage(mailbox: Mailbox, match: Matcher | undefined, from: number): number {
  for (let i = from; i < mailbox.length; i++) {
    const head = mailbox.headAt(i)
    if (head === SYSTEM || head === TIMEOUT) continue
    if (match === undefined || match(visible(head, mailbox.payloadAt(i)))) return i
  }
  return -1
}

function takeMessage(mailbox: Mailbox, index: number): unknown {
  const message = visible(mailbox.headAt(index), mailbox.payloadAt(index))
  mailbox.removeAt(index)
  return message
}

/** A mailbox entry as selective receive shows it. */
function visible(head: unknown, payload: unknown): unknown {
  return typeof head === 'string' ? new Cast(head, payload) : payload
}

/** Takes the exit message of `from` out of the mailbox, if it is there. */
export function flushExit(process: Process, from: Pid): Exit | undefined {
  const { mailbox } = process
  for (let i = 0; i < mailbox.length; i++) {
    const message = mailbox.payloadAt(i)
    if (!(mailbox.headAt(i) === EXIT && message instanceof Exit && message.from === from)) continue
    process.removeAt(i)
    return message
  }
  return undefined
}

/** Takes the message of a monitor out of the mailbox, if it is there. */
export function flushDown(process: Process, ref: Reference): void {
  const { mailbox } = process
  for (let i = 0; i < mailbox.length; i++) {
    const message = mailbox.payloadAt(i)
    if (mailbox.headAt(i) === DOWN && message instanceof Down && message.ref === ref) return process.removeAt(i)
  }
}
