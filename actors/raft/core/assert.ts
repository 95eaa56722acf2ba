// The core's own invariants, checked in production too: a replica that finds one broken stops before it can do harm.
// Never for what a peer or a disk says: bad input is refused, not fatal.

import { EspalierError } from '../../../src/kernel/errors.ts'

/** An invariant of the Raft core does not hold: a mistake in the core or in its host. */
export class RaftAssertionError extends EspalierError {
  constructor(invariant: string, detail: string) {
    super('ERR_RAFT_ASSERTION', `${invariant}: ${detail}`)
  }
}

/** @throws RaftAssertionError unless `holds`. */
export function assert(holds: boolean, invariant: string, detail: () => string): asserts holds {
  if (!holds) throw new RaftAssertionError(invariant, detail())
}
