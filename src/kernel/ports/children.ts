/** Operating-system child processes, as flows use them. */
export interface ChildProcesses {
  /** Starts a child. Never throws: a child that cannot start settles `done` with `{ kind: 'failed' }`. */
  spawn(command: ChildCommand): ChildProcessHandle
}

export interface ChildCommand {
  /** Program and arguments; no shell stands between. Never empty. */
  readonly argv: readonly [string, ...string[]]
  readonly cwd?: string
  /** The child's environment, to which only `ESPALIER_LINEAGE` is added. Absent: it inherits ours. */
  readonly env?: Readonly<Record<string, string>>
  /** Bytes given to standard input, which is then closed. Default: none. */
  readonly input?: Uint8Array
  /** Captured bytes per stream; what is beyond is counted and dropped. Default 1 MiB. */
  readonly maxOutputBytes?: number
}

export interface ChildProcessHandle {
  readonly pid: number | undefined
  /**
   * Settles once the child has ended, its output is read, and no process that descends from it is left: what outlives
   * the child is stopped as by {@link stop}. Never rejects.
   */
  readonly done: Promise<ChildOutcome>
  /**
   * Ends the child and all that descend from it: SIGTERM, and SIGKILL after `graceMs` (default 2000). Idempotent.
   */
  stop(graceMs?: number): void
}

export type ChildOutcome =
  | { readonly kind: 'exited'; readonly code: number; readonly stdout: ChildOutput; readonly stderr: ChildOutput }
  | { readonly kind: 'signalled'; readonly signal: string; readonly stdout: ChildOutput; readonly stderr: ChildOutput }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

export interface ChildOutput {
  readonly bytes: Uint8Array
  /** Bytes that did not fit into `maxOutputBytes`. */
  readonly dropped: number
}
