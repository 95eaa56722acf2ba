// A ring of pairs: a process's mailbox of (head, payload), and the scheduler's queue of (process, signal). A cast lies in
// it as its tag and its argument, so queueing one allocates nothing. Push and shift are O(1) at any depth; taking from
// the middle, which only selective receive does, moves the shorter side.

const SMALLEST = 8
/** A ring larger than this is halved when it has run empty CALM times without having had to grow. */
const KEPT = 1024
const CALM = 64
/** A ring larger than this is given back as soon as it has run empty. */
const LARGE = 65_536

/** What an unused mailbox has in place of a ring: shared, and never written. */
const NONE: unknown[] = []

export class Mailbox {
  #slots = NONE
  #mask = -1
  #first = 0
  /** How often it has run empty since it last grew. */
  #calm = 0
  length = 0

  push(head: unknown, payload: unknown): void {
    if (this.length > this.#mask) this.#grow()
    const at = ((this.#first + this.length) & this.#mask) << 1
    this.#slots[at] = head
    this.#slots[at + 1] = payload
    this.length++
  }

  /** The head of the `index`-th oldest message; its payload is {@link payloadAt}. */
  headAt(index: number): unknown {
    return this.#slots[((this.#first + index) & this.#mask) << 1]
  }

  payloadAt(index: number): unknown {
    return this.#slots[(((this.#first + index) & this.#mask) << 1) + 1]
  }

  /** Drops the oldest message. Read it first. */
  shift(): void {
    const at = this.#first << 1
    this.#slots[at] = undefined
    this.#slots[at + 1] = undefined
    this.#first = (this.#first + 1) & this.#mask
    if (--this.length === 0 && this.#mask >= KEPT) this.#shrink()
  }

  removeAt(index: number): void {
    if (index === 0) return this.shift()
    if (index < this.length >> 1) {
      for (let i = index; i > 0; i--) this.#copy(i - 1, i)
      return this.shift()
    }
    for (let i = index; i < this.length - 1; i++) this.#copy(i + 1, i)
    const last = ((this.#first + this.length - 1) & this.#mask) << 1
    this.#slots[last] = undefined
    this.#slots[last + 1] = undefined
    this.length--
  }

  clear(): void {
    this.#slots = NONE
    this.#mask = -1
    this.#first = 0
    this.length = 0
  }

  // Bursts of one size after another must not build the ring anew each time; one great burst must not keep it for ever.
  #shrink(): void {
    const size = this.#mask + 1
    if (size > LARGE) return this.clear()
    if (++this.#calm < CALM) return
    this.#slots = new Array(size)
    this.#mask = size / 2 - 1
    this.#first = 0
    this.#calm = 0
  }

  #copy(from: number, to: number): void {
    const source = ((this.#first + from) & this.#mask) << 1
    const target = ((this.#first + to) & this.#mask) << 1
    this.#slots[target] = this.#slots[source]
    this.#slots[target + 1] = this.#slots[source + 1]
  }

  #grow(): void {
    const size = this.#mask + 1
    this.#calm = 0
    const next: unknown[] = new Array((size === 0 ? SMALLEST : size * 2) * 2)
    for (let i = 0; i < size; i++) {
      const at = ((this.#first + i) & this.#mask) << 1
      next[i * 2] = this.#slots[at]
      next[i * 2 + 1] = this.#slots[at + 1]
    }
    this.#slots = next
    this.#mask = next.length / 2 - 1
    this.#first = 0
  }
}

/** What a process without a message has in place of a mailbox: shared, and always empty. */
export const NO_MAIL = new Mailbox()
