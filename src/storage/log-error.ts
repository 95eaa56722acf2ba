// What can go wrong in a durable log beyond what its store reports.

import { EspalierError } from '../kernel/errors.ts'

/**
 * - `ERR_LOG_ROT`: an acknowledged record is missing or damaged; `index` says which, unless it is the head.
 * - `ERR_LOG_COMPACTED`: the entry asked for was compacted away.
 * - `ERR_LOG_FORMAT`: another version of the package has written the log, in a way that this one does not read.
 */
export type LogErrorCode = 'ERR_LOG_ROT' | 'ERR_LOG_COMPACTED' | 'ERR_LOG_FORMAT'

export class LogError extends EspalierError {
  declare readonly code: LogErrorCode
  readonly index: number | undefined

  constructor(code: LogErrorCode, message: string, index?: number) {
    super(code, message)
    this.index = index
  }
}
