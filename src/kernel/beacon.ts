// What runs on this thread right now, for somebody who cannot ask: the thread itself may hang in a handler. Written into
// shared memory with plain stores, a few nanoseconds a message, and only on threads that are watched.
//
// Texts cannot lie in shared words: each is given a number, told once before its first use.

import { tagOf } from './messages.ts'
import type { Process } from './process.ts'

/** Words that a beacon writes. */
export const BEACON_WORDS = 3
/** The id of the running process; 0: none. */
export const RUNNING = 0
/** The number of the node's name. */
export const NODE_NAME = 1
/** The number of the tag of the message it handles. */
export const TAG = 2

/** Texts that are given a number; later ones have 0: unknown. */
const MAX_TEXTS = 4096

export class Beacon {
  readonly #words: Int32Array
  readonly #tell: (number: number, text: string) => void
  readonly #numbers = new Map<string, number>()
  #tag: string | undefined
  #nodeName: string | undefined

  /** `tell` must have reached the reader before the words do: a posted message has. */
  constructor(words: Int32Array, tell: (number: number, text: string) => void) {
    this.#words = words
    this.#tell = tell
  }

  /** A process begins a turn. */
  enters(process: Process): void {
    this.#words[RUNNING] = process.pid.id
    const { nodeName } = process.pid
    if (nodeName !== this.#nodeName) {
      this.#nodeName = nodeName
      this.#words[NODE_NAME] = this.#number(nodeName)
    }
  }

  /** It handles a message. */
  handles(head: unknown, payload: unknown): void {
    const tag = tagOf(head, payload)
    if (tag === this.#tag) return
    this.#tag = tag
    this.#words[TAG] = this.#number(tag)
  }

  /** Nobody runs. */
  rests(): void {
    this.#words[RUNNING] = 0
  }

  #number(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    if (this.#numbers.size >= MAX_TEXTS) return 0
    const number = this.#numbers.size + 1
    this.#numbers.set(text, number)
    this.#tell(number, text)
    return number
  }
}
