// Replayable randomness. One seed gives one stream of numbers, equal on every machine and under every Node version:
// 32-bit integer operations only, and no decision is taken by a floating-point comparison. Never keys or tokens.

import { OptionError } from '../kernel/errors.ts'
import type { Random } from '../kernel/ports/index.ts'
import { HalfSipHash, hashText } from './half-sip-hash.ts'

/** Probabilities are integers: parts per million. */
export const PARTS = 1_000_000

/** `probability` (0 to 1) as parts per million, rounded to the nearest. */
export function partsOf(probability: number, field = 'probability'): number {
  if (!(probability >= 0 && probability <= 1)) throw new OptionError(field, probability, 'a number from 0 to 1')
  return Math.round(probability * PARTS)
}

/**
 * A seeded generator (xoshiro128**, Blackman & Vigna 2018), keyed by HalfSipHash so that near seeds give unrelated
 * streams. It implements the `Random` port.
 */
export class SeededRandom implements Random {
  readonly #key0: number
  readonly #key1: number
  readonly #next: () => number

  /** `seed` is any safe integer. */
  constructor(seed: number)
  /** @internal The stream of a key, as {@link fork} derives it. */
  constructor(key0: number, key1: number)
  constructor(seed: number, key1?: number) {
    if (!Number.isSafeInteger(seed)) throw new OptionError('seed', seed, 'a safe integer')
    this.#key0 = seed | 0
    this.#key1 = key1 ?? Math.floor(seed / 0x1_0000_0000) | 0
    const [a, b] = derive(this.#key0, this.#key1, 1)
    const [c, d] = derive(this.#key0, this.#key1, 2)
    this.#next = xoshiro128StarStar(a, b, c, d)
  }

  uint32(): number {
    return this.#next()
  }

  /** A uniform integer in [0, n), for n from 1 to 2^32. Draws again rather than favour the low numbers. */
  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 0x1_0000_0000) throw new OptionError('n', n, 'an integer from 1 to 2^32')
    let draw = this.#next()
    // Only the last, incomplete run of n is unfair; where it begins costs a division, and few draws come near it.
    while (draw > 0x1_0000_0000 - n && draw >= 0x1_0000_0000 - (0x1_0000_0000 % n)) draw = this.#next()
    return draw % n
  }

  /** A uniform integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    if (!(low <= high)) throw new OptionError('high', high, `an integer of at least ${low}`)
    return low + this.below(high - low + 1)
  }

  /** True `numerator` times out of `denominator`. Draws once, also when the answer is certain: a fault that is
   *  switched off shifts no later draw. */
  chance(numerator: number, denominator: number = PARTS): boolean {
    return this.below(denominator) < numerator
  }

  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new OptionError('items', items, 'at least one item')
    return items[this.below(items.length)] as T
  }

  /** Shuffles `items` in place (Fisher–Yates) and returns them. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const [a, b] = [items[i] as T, items[j] as T]
      items[i] = b
      items[j] = a
    }
    return items
  }

  /**
   * A stream of its own for one purpose. It depends on this stream's seed and on `label`, not on what was drawn so far:
   * a new consumer shifts no other's numbers. The same label gives the same stream again.
   */
  fork(label: string): SeededRandom {
    const hash = new HalfSipHash(this.#key0, this.#key1)
    hash.word(3)
    hashText(hash, label)
    const [key0, key1] = hash.words()
    return new SeededRandom(key0, key1)
  }
}

/** `count` distinct seeds: `seed` itself, then ones derived from it. The first k of them do not depend on `count`. */
export function deriveSeeds(seed: number, count: number): number[] {
  if (!Number.isInteger(count) || count < 1 || count > 1e6)
    throw new OptionError('seeds', count, 'an integer from 1 to 1000000')
  const random = new SeededRandom(seed).fork('seeds')
  const seeds = new Set([seed])
  while (seeds.size < count) seeds.add(random.uint32())
  return [...seeds]
}

/** @internal xoshiro128** over the given state, as its authors' reference code has it. */
export function xoshiro128StarStar(a: number, b: number, c: number, d: number): () => number {
  let s0 = a | 0
  let s1 = b | 0
  let s2 = c | 0
  let s3 = d | 0
  if ((s0 | s1 | s2 | s3) === 0) s0 = 1 // the one state that stands still
  return () => {
    const product = Math.imul(s1, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const shifted = s1 << 9
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = (s3 << 11) | (s3 >>> 21)
    return result
  }
}

function derive(key0: number, key1: number, purpose: number): readonly [number, number] {
  const hash = new HalfSipHash(key0, key1)
  hash.word(purpose)
  return hash.words()
}
