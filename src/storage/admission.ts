// The bound in front of a store: what a handle may have on its way. Refuses at once instead of growing; nothing
// refused here has reached the store.

import { OptionError } from '../kernel/errors.ts'
import type { WriteBatch } from './batch.ts'
import { StorageError } from './errors.ts'
import { positive } from './keys.ts'
import type { QueueLimits } from './store.ts'

export class Admission {
  readonly #maxBytes: number
  readonly #maxBatches: number
  #bytes = 0
  #batches = 0

  constructor(limits: QueueLimits) {
    this.#maxBytes = positive('maxQueuedBytes', limits.maxQueuedBytes ?? 64 * 1024 * 1024)
    this.#maxBatches = positive('maxQueuedBatches', limits.maxQueuedBatches ?? 65_536)
  }

  /**
   * Takes the batch, whose `byteLength` is to {@link leave} later.
   * @throws OptionError for a batch that never fits; StorageError ERR_STORAGE_OVERLOADED for one that does not now.
   */
  enter(batch: WriteBatch): Uint8Array<ArrayBuffer> {
    const bytes = batch.byteLength
    if (bytes > this.#maxBytes) {
      throw new OptionError('batch', `${bytes} bytes`, `at most maxQueuedBytes (${this.#maxBytes})`)
    }
    if (this.#bytes + bytes > this.#maxBytes || this.#batches >= this.#maxBatches) {
      throw new StorageError(
        'ERR_STORAGE_OVERLOADED',
        `${this.#batches} batches (${this.#bytes} bytes) wait for the disk; the bound is ${this.#maxBatches} (${this.#maxBytes})`,
      )
    }
    const taken = batch.take()
    this.#bytes += bytes
    this.#batches += 1
    return taken
  }

  leave(bytes: number): void {
    this.#bytes -= bytes
    this.#batches -= 1
  }
}
