// Unpredictable bytes behind the Secrets port, from the operating system's generator.

import { randomBytes } from 'node:crypto'
import type { Secrets } from '../kernel/ports/index.ts'

/** Fresh bytes of the operating system's generator (node:crypto randomBytes). Nothing is kept or drawn ahead. */
export const systemSecrets: Secrets = {
  // A copy: what randomBytes returns may be a view of Node's shared pool.
  bytes: (size) => Uint8Array.from(randomBytes(size)),
}
