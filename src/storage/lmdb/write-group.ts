// The batches that one turn of a thread writes to one store: they travel in one message and are answered by one. A
// message for each would wake the storage thread for the first, whose commit the others would then wait for.

import { giveBack, leastSpareBytes, unwritten } from '../spare-buffers.ts'

/** Bytes of one group; batches beyond them begin the next, so that no transaction grows without bound. */
const maxBytes = 4 * 1024 * 1024

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  /** Runs before either. */
  readonly settled: () => void
}

export class WriteGroup {
  readonly #batches: Uint8Array<ArrayBuffer>[] = []
  readonly #waiters: Waiter[] = []
  /** Those of the batches that lie in a buffer of their own. */
  readonly #own = new Set<Uint8Array<ArrayBuffer>>()
  #bytes = 0

  get isFull(): boolean {
    return this.#bytes >= maxBytes
  }

  /**
   * Takes an encoded batch in, and gives its outcome; `settled` runs before it is known to anybody else.
   * @param ownsBuffer whether nothing else lies in the batch's buffer.
   */
  add(batch: Uint8Array<ArrayBuffer>, ownsBuffer: boolean, settled: () => void): Promise<void> {
    if (ownsBuffer) this.#own.add(batch)
    this.#batches.push(batch)
    this.#bytes += batch.length
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject, settled })
    })
  }

  /** All batches, one behind the other, in a buffer that may be transferred. */
  encode(): Uint8Array<ArrayBuffer> {
    const [first] = this.#batches
    if (first !== undefined && this.#batches.length === 1 && this.#own.has(first)) return first
    const all = this.#bytes < leastSpareBytes ? new Uint8Array(this.#bytes) : unwritten(this.#bytes)
    let at = 0
    for (const batch of this.#batches) {
      all.set(batch, at)
      at += batch.length
    }
    for (const { buffer } of this.#own) giveBack(buffer)
    return all.subarray(0, at)
  }

  /** Tells every batch its outcome: the failure of its place, or success. */
  settle(failures: ReadonlyMap<number, unknown>): void {
    for (const [place, { resolve, reject, settled }] of this.#waiters.entries()) {
      settled()
      const failure = failures.get(place)
      if (failure === undefined) resolve()
      else reject(failure)
    }
  }

  /** No batch's outcome will ever be known. */
  fail(error: unknown): void {
    for (const { reject, settled } of this.#waiters) {
      settled()
      reject(error)
    }
  }
}
