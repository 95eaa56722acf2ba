// Kind "supervisor": what happens in a scenario's tree, as the nodes it lives on note it. Processes stand in facts as the
// text of their pid, and terms are encoded but for the pids in them: so a fact may cross to another thread.

import type { Child, Term } from '../scenario.ts'

export type Fact =
  /** A start attempt of a path has a process. `above`: its parent. */
  | { readonly kind: 'born'; readonly pid: string; readonly above: string | undefined; readonly child: Child }
  /** The start of a supervisor has succeeded. */
  | { readonly kind: 'up'; readonly pid: string }
  /** A supervisor could not start its youngest child. */
  | { readonly kind: 'start_error'; readonly supervisor: string; readonly reason: Term }
  /** The start of a process is over, in its own eyes: `alive` if it goes on. */
  | { readonly kind: 'start'; readonly pid: string; readonly outcome: Term; readonly alive: boolean }
  | { readonly kind: 'terminate' | 'died' | 'exit_msg'; readonly pid: string; readonly reason: Term }
  /** The parent of the tree has got an exit signal. */
  | { readonly kind: 'exited'; readonly pid: string; readonly reason: Term }
  /** The end of a start or an operation. */
  | { readonly kind: 'result' | 'raised'; readonly value: Term }

/** A fact, and where it stands among those of all nodes. */
export interface Stamped {
  readonly stamp: number
  readonly fact: Fact
}
