// Faults aimed at single messages: hold them, let them go in order or in reverse, lose or double the next ones. Pure:
// the gate is asked about every message before the network is, and says how many copies go on now.

import { OptionError } from '../kernel/errors.ts'

/** Which messages are meant. A field that is left out means any. */
export interface MessagePattern {
  readonly kind?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}

export interface GatedMessage {
  readonly kind: string
  readonly from: string
  readonly to: string
}

interface Strike {
  readonly pattern: MessagePattern
  readonly copies: 0 | 2
  left: number
}

/** A gate through which every message passes. It holds at most `limit` messages (default 100 000). */
export class MessageGate<Message extends GatedMessage> {
  readonly #limit: number
  #holds: MessagePattern[] = []
  #strikes: Strike[] = []
  /** Each in a box of its own: the copies of a doubled message are told apart. */
  #held: { readonly message: Message }[] = []

  constructor(limit = 100_000) {
    this.#limit = limit
  }

  /** How many messages wait. */
  get held(): number {
    return this.#held.length
  }

  /** From now on messages that match wait. */
  hold(pattern: MessagePattern): void {
    this.#holds.push(pattern)
  }

  /** The next `count` (default 1) messages that match are lost. */
  dropNext(pattern: MessagePattern, count = 1): void {
    this.#strikes.push({ pattern, copies: 0, left: count })
  }

  /** The next `count` (default 1) messages that match go twice. */
  duplicateNext(pattern: MessagePattern, count = 1): void {
    this.#strikes.push({ pattern, copies: 2, left: count })
  }

  /** How many copies of `message` go on now: none if it is lost or held, mostly one, two if it is doubled. */
  admit(message: Message): 0 | 1 | 2 {
    const strike = this.#strikes.find(({ pattern }) => matches(pattern, message))
    if (strike !== undefined && --strike.left <= 0) this.#strikes = this.#strikes.filter((other) => other !== strike)
    const copies = strike?.copies ?? 1
    if (copies === 0 || !this.#holds.some((pattern) => matches(pattern, message))) return copies
    if (this.#held.length + copies > this.#limit) {
      throw new OptionError('held', this.#held.length + copies, `at most ${this.#limit} messages`)
    }
    for (let copy = 0; copy < copies; copy++) this.#held.push({ message })
    return 0
  }

  /**
   * Takes out what waits and matches, in the order in which it came or in reverse. With `count` that many go and the
   * holds stay; without, every hold that `pattern` covers ends.
   */
  release(pattern: MessagePattern, options: { readonly count?: number; readonly reverse?: boolean } = {}): Message[] {
    const { count, reverse = false } = options
    const waiting = this.#held.filter(({ message }) => matches(pattern, message))
    if (reverse) waiting.reverse()
    const released = count === undefined ? waiting : waiting.slice(0, count)
    const going = new Set(released)
    this.#held = this.#held.filter((box) => !going.has(box))
    if (count === undefined) this.#holds = this.#holds.filter((hold) => !covers(pattern, hold))
    return released.map(({ message }) => message)
  }
}

function matches(pattern: MessagePattern, message: GatedMessage): boolean {
  return (
    (pattern.kind ?? message.kind) === message.kind &&
    (pattern.from ?? message.from) === message.from &&
    (pattern.to ?? message.to) === message.to
  )
}

/** Whether every message that `narrow` means is meant by `wide` too. */
function covers(wide: MessagePattern, narrow: MessagePattern): boolean {
  return (['kind', 'from', 'to'] as const).every((field) => wide[field] === undefined || wide[field] === narrow[field])
}
