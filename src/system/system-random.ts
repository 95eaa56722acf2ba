// Real, unseeded randomness behind the Random port. Drawn in blocks: one system call serves 256 numbers.

import { randomFillSync } from 'node:crypto'
import type { Random } from '../kernel/ports/index.ts'

/** Draws from the operating system's generator. Not replayable; the simulator brings a seeded one. */
export function createSystemRandom(): Random {
  const block = new Uint32Array(256)
  let next = block.length
  return {
    uint32() {
      if (next === block.length) {
        randomFillSync(block)
        next = 0
      }
      const value = block[next] ?? 0
      next += 1
      return value
    },
  }
}
