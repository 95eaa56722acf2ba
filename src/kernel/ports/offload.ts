/**
 * CPU-bound work away from the thread that asks for it: what OTP's dirty schedulers are for. On a real machine a pool of
 * threads, in a simulated world a script that takes virtual time.
 */
export interface Offload {
  /**
   * Calls the export `name` of the module at `url` with `args`, elsewhere, and answers what it returns. Arguments and
   * result are copied, as to another thread. Rejects with what the function throws; with `ERR_CAPACITY` if too much
   * waits already; with `ERR_OFFLOAD_TIMEOUT`; with the signal's reason once that is aborted.
   */
  run(url: string, name: string, args: readonly unknown[], options?: OffloadOptions): Promise<unknown>
}

export interface OffloadOptions {
  /** Gives up, and ends the work wherever it stands. */
  readonly signal?: AbortSignal
  /** Gives up after so many milliseconds, waiting included. Default: never. */
  readonly timeoutMs?: number
}
