/** How the kernel asks its host thread for another turn. */
export interface Turns {
  /** Runs `task` after the current JavaScript job, before any I/O (a microtask). */
  soon(task: () => void): void
  /** Runs `task` after the event loop has had a chance to serve timers and I/O (a macrotask). */
  later(task: () => void): void
}
