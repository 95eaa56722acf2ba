// The load that every contender of this room is under: puts of 128 bytes, either one after another or so many under
// way at once, each followed by the next as soon as it is answered.

import type { Run } from '../harness/contender.ts'

/** Bytes of a value, as the goals name them. */
export const VALUE_BYTES = 128

/** Keys are used again: what is measured is replication, not the growth of a map. */
const KEYS = 1000

export const keyFor = (number: number): string => `key-${number % KEYS}`

/** A value of its own for each put: nobody can answer with what was there before. */
export function valueFor(number: number): Uint8Array {
  const value = new Uint8Array(VALUE_BYTES)
  new DataView(value.buffer).setFloat64(0, number)
  return value
}

/** One operation of a contender; `number` counts from 0. */
export type Operation = (number: number) => Promise<unknown>

/** `count` operations one after another; the latency of each. */
export async function sequential(count: number, operation: Operation): Promise<Extract<Run, { latenciesMs: object }>> {
  const latenciesMs = new Float64Array(count)
  for (let number = 0; number < count; number += 1) {
    const begun = performance.now()
    await operation(number)
    latenciesMs[number] = performance.now() - begun
  }
  return { completed: count, latenciesMs }
}

/** `count` operations with `outstanding` of them under way at any time. */
export async function concurrent(
  count: number,
  outstanding: number,
  operation: Operation,
): Promise<Extract<Run, { elapsedMs: number }>> {
  let started = 0
  let completed = 0
  const client = async () => {
    while (started < count) {
      const number = started
      started += 1
      await operation(number)
      completed += 1
    }
  }
  const begun = performance.now()
  await Promise.all(Array.from({ length: outstanding }, client))
  return { completed, elapsedMs: performance.now() - begun }
}
