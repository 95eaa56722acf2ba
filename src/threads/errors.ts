// The errors of the threads room.

import { EspalierError } from '../kernel/errors.ts'

/** A worker thread could not be started, or ended before it was ready. */
export class ThreadError extends EspalierError {
  /** The name of the thread's node. */
  readonly thread: string

  constructor(thread: string, what: string, options?: ErrorOptions) {
    super('ERR_THREAD', `thread ${JSON.stringify(thread)}: ${what}`, options)
    this.thread = thread
  }
}
