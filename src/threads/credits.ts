// How much may be under way from one thread to another. The receiver counts in shared memory what it has read, so that
// giving credit costs an atomic store; only a sender that waits for room is told by a message.
//
// Lost wake-ups: the sender publishes where it waits and then looks at the count again; the receiver counts and then
// looks whether somebody waits. One of the two sees the other.

const WORDS = 3
const CONSUMED = 0
const WAITING = 1
/** The count at which the waiting sender wants to be told. */
const WANTED = 2

/** Shared words for both directions of a connection. */
export function shareCredits(): SharedArrayBuffer {
  return new SharedArrayBuffer(2 * WORDS * Int32Array.BYTES_PER_ELEMENT)
}

/** The sender's end of one direction. Counts wrap at 2^32: a window is below 2^31. */
export class CreditTaker {
  readonly #words: Int32Array
  readonly #window: number
  #sent = 0

  constructor(shared: SharedArrayBuffer, side: 0 | 1, windowBytes: number) {
    this.#words = wordsOf(shared, side)
    this.#window = windowBytes
  }

  /** Takes `bytes` if there is room for them, or if nothing is under way: what is larger than the window goes alone. */
  take(bytes: number): boolean {
    const underWay = this.#underWay()
    if (underWay > 0 && underWay + bytes > this.#window) return false
    this.#sent = (this.#sent + bytes) | 0
    return true
  }

  /** Asks to be told once half of the window is free. True if it is already: then nobody will tell. */
  wait(): boolean {
    const wanted = (this.#sent - (this.#window >> 1)) | 0
    Atomics.store(this.#words, WANTED, wanted)
    Atomics.store(this.#words, WAITING, 1)
    return this.#underWay() <= this.#window >> 1 && Atomics.compareExchange(this.#words, WAITING, 1, 0) === 1
  }

  #underWay(): number {
    return (this.#sent - Atomics.load(this.#words, CONSUMED)) | 0
  }
}

/** The receiver's end of one direction. */
export class CreditGiver {
  readonly #words: Int32Array

  constructor(shared: SharedArrayBuffer, side: 0 | 1) {
    this.#words = wordsOf(shared, side)
  }

  /** Counts bytes as read. True if the sender is to be told. */
  give(bytes: number): boolean {
    const consumed = (Atomics.add(this.#words, CONSUMED, bytes) + bytes) | 0
    if (Atomics.load(this.#words, WAITING) === 0) return false
    if (((consumed - Atomics.load(this.#words, WANTED)) | 0) < 0) return false
    return Atomics.compareExchange(this.#words, WAITING, 1, 0) === 1
  }
}

function wordsOf(shared: SharedArrayBuffer, side: 0 | 1): Int32Array {
  return new Int32Array(shared, side * WORDS * Int32Array.BYTES_PER_ELEMENT, WORDS)
}
