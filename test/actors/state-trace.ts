// Records the states that machines go through, first to last. For a test file of one machine:
//
//   vi.mock('../../../src/behaviours/statem-results.ts', async (original) => traced(await original()))
//
// where `traced` must be imported inside of the factory, since vitest lifts it above all imports.

import type * as Results from '../../src/behaviours/statem-results.ts'

export const states: unknown[] = []

export function traced(real: typeof Results): typeof Results {
  const initial = ((state: unknown, ...rest: [unknown]) => {
    states.push(state)
    return real.initial(state, ...rest)
  }) as typeof Results.initial
  const next = ((state: unknown, ...rest: [unknown]) => {
    states.push(state)
    return real.next(state, ...rest)
  }) as typeof Results.next
  return { ...real, initial, next }
}
