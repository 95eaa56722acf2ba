// The first bytes of a child's output stream, and the count of those beyond the bound.
//
// Invariant: holds at most twice the bytes kept, whatever the sizes in which they arrive. The stream is always read
// on, so that a child never blocks on a full pipe.

import type { ChildOutput } from '../kernel/ports/index.ts'

export class CapturedOutput {
  readonly #maxBytes: number
  #bytes = new Uint8Array(0)
  #length = 0
  #dropped = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  add(chunk: Uint8Array): void {
    const kept = chunk.subarray(0, this.#maxBytes - this.#length)
    this.#dropped += chunk.length - kept.length
    if (this.#length + kept.length > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(1024, 2 * (this.#length + kept.length))))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    this.#bytes.set(kept, this.#length)
    this.#length += kept.length
  }

  result(): ChildOutput {
    return { bytes: this.#bytes.slice(0, this.#length), dropped: this.#dropped }
  }
}
