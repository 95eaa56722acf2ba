// What can go wrong below the transactional port, as codes a caller can act on.

import { EspalierError } from '../kernel/errors.ts'

/**
 * - `ERR_STORAGE_FULL`: the device has no room (ENOSPC, EDQUOT, EFBIG).
 * - `ERR_STORAGE_MAP_FULL`: the store's own bound, `maxBytes`, is reached.
 * - `ERR_STORAGE_READ_ONLY`: opened read-only, or the disk allows no writing.
 * - `ERR_STORAGE_LOCKED`: held by another live process, or already open in this one.
 * - `ERR_STORAGE_CORRUPTED`: the bytes on disk are not what was written.
 * - `ERR_STORAGE_OVERLOADED`: the queue's bound is reached; nothing was queued.
 * - `ERR_STORAGE_CONFLICT`: an `expect` of the batch did not hold; nothing of it was written.
 * - `ERR_STORAGE_CLOSED`: the handle is closed.
 * - `ERR_STORAGE_MISSING`: a read-only open found nothing to open.
 * - `ERR_STORAGE_IO`: any other failure of the device; the store must be reopened.
 * - `ERR_STORAGE_THREAD`: the storage thread could not be started or has died; the store must be reopened.
 */
export type StorageErrorCode =
  | 'ERR_STORAGE_FULL'
  | 'ERR_STORAGE_MAP_FULL'
  | 'ERR_STORAGE_READ_ONLY'
  | 'ERR_STORAGE_LOCKED'
  | 'ERR_STORAGE_CORRUPTED'
  | 'ERR_STORAGE_OVERLOADED'
  | 'ERR_STORAGE_CONFLICT'
  | 'ERR_STORAGE_CLOSED'
  | 'ERR_STORAGE_MISSING'
  | 'ERR_STORAGE_IO'
  | 'ERR_STORAGE_THREAD'

const uncertain: ReadonlySet<StorageErrorCode> = new Set(['ERR_STORAGE_IO', 'ERR_STORAGE_THREAD'])

export class StorageError extends EspalierError {
  declare readonly code: StorageErrorCode
  /**
   * What became of a write that failed with this error. `'none'`: nothing of the batch is there, now or later.
   * `'unknown'`: all of it or none of it; reopen the store to learn which.
   */
  readonly outcome: 'none' | 'unknown'

  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
    this.outcome = uncertain.has(code) ? 'unknown' : 'none'
  }
}
