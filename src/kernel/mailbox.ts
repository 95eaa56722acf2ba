// A ring of pairs: a process's mailbox of (head, payload), and the scheduler's queue of (process, signal). A cast lies in it as its tag and its argument, so queueing one
// allocates nothing. Push and shift are O(1) at any depth; taking from the middle, which only selective receive does,
// moves the shorter side.

const SMALLEST = 8
/** A ring larger than this is given back once it has run empty. */
const KEPT = 1024

export class Mailbox {
  #slots: unknown[] = []
  #mask = -1
  #first = 0
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
    if (--this.length === 0 && this.#mask >= KEPT) this.clear()
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
    this.#slots = []
    this.#mask = -1
    this.#first = 0
    this.length = 0
  }

  #copy(from: number, to: number): void {
    const source = ((this.#first + from) & this.#mask) << 1
    const target = ((this.#first + to) & this.#mask) << 1
    this.#slots[target] = this.#slots[source]
    this.#slots[target + 1] = this.#slots[source + 1]
  }

  #grow(): void {
    const size = this.#mask + 1
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
