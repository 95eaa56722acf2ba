// comedy 2, quiet, for the contenders that use it: its root actor, and calls one after another, timed each.

import comedy from 'comedy'

const system = comedy()
system.getLog().setLevel(system.getLog().levels().Silent)

export const root = await system.rootActor()

/** Awaits `one` so many times; what each took, in milliseconds. */
export async function timed(count, one) {
  const tookMs = new Float64Array(count)
  for (let i = 0; i < count; i += 1) {
    const began = performance.now()
    await one()
    tookMs[i] = performance.now() - began
  }
  return tookMs
}
