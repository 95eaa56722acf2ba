// What a chaos run's process says to the command that watches it, a JSON line each, and how it is started.
//
// The command outlives the process: what a client calls is said before it is sent, so that a process that is killed
// leaves a history in which everything that may have taken effect is open.

import type { RegisterInput, RegisterOutput } from '../src/simulation/index.ts'

/**
 * The planted bugs of `--break`. `early-acknowledgement`: a put is acknowledged when it is submitted.
 * `unconfirmed-reads`: the core's planted bug `stale-read`; the leader is cut off again and again, and asked meanwhile.
 * What a replica says before its disk has it cannot be seen here: a process that is killed loses nothing that it has
 * written. The simulator cuts the power.
 */
export const SABOTAGE = ['early-acknowledgement', 'unconfirmed-reads'] as const

export type Sabotage = (typeof SABOTAGE)[number]

export type Said =
  | { readonly kind: 'call'; readonly number: number; readonly client: string; readonly input: RegisterInput }
  | { readonly kind: 'answer'; readonly number: number; readonly output: RegisterOutput }
  | { readonly kind: 'leader'; readonly leader: string; readonly term: number }
  | { readonly kind: 'fault'; readonly fault: Fault; readonly replica: string }
  /** All that was asked for is done. */
  | { readonly kind: 'done' }

/** `killed`: its thread is terminated. `frozen`: an endless loop. `paused`: a loop that ends. */
export type Fault = 'killed' | 'frozen' | 'paused' | 'disconnected'

export interface ChaosStart {
  /** Folder of the replicas' environments: kept from round to round. */
  readonly data: string
  readonly seed: number
  readonly round: number
  readonly sabotage: Sabotage | undefined
  /** The process kills itself at the first write acknowledged after so many milliseconds under load. */
  readonly killAfterMs: number | undefined
  /** Read these, calmly, and end. Otherwise: load and faults until killed. */
  readonly read: readonly string[] | undefined
}
