// Why a simulated run failed, as a value: found while the world steps, thrown to whoever drives it.

import { EspalierError } from '../kernel/errors.ts'

/**
 * `invariant`: what must always hold did not. `liveness`: what must come about did not. `ambient`: code touched the real
 * world. `stuck`: a handler waits for what no kernel primitive will bring. `boot`: a node did not start. `budget`: more
 * events than allowed. `expectation`: what a schedule expects was not so. `scenario`: the scenario itself threw.
 */
export type FailureKind =
  | 'invariant'
  | 'liveness'
  | 'ambient'
  | 'stuck'
  | 'boot'
  | 'budget'
  | 'expectation'
  | 'scenario'

/** A simulated run has failed. */
export class WorldFailure extends EspalierError {
  readonly kind: FailureKind
  /** The invariant's name, or what else tells this failure from others of its kind. */
  readonly rule: string
  readonly atUs: number

  constructor(kind: FailureKind, rule: string, why: string, atUs: number, options?: ErrorOptions) {
    super('ERR_SIMULATION', `${kind} ${rule}: ${why} (at ${(atUs / 1000).toFixed(3)} ms)`, options)
    this.kind = kind
    this.rule = rule
    this.atUs = atUs
  }
}
