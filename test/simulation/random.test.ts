import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deriveSeeds, partsOf, SeededRandom } from '../../src/simulation/index.ts'
import { xoshiro128StarStar } from '../../src/simulation/random.ts'

const seeds = fc.maxSafeInteger()
const draw = (random: SeededRandom, count: number) => Array.from({ length: count }, () => random.uint32())

/** xoshiro128** again, written from the authors' C code on BigInt: slow, and shares nothing with ours. */
function referenceXoshiro(state: bigint[]): () => number {
  const mask = 0xffff_ffffn
  const rotl = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask
  let [a = 0n, b = 0n, c = 0n, d = 0n] = state
  return () => {
    const result = (rotl((b * 5n) & mask, 7n) * 9n) & mask
    const t = (b << 9n) & mask
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = rotl(d, 11n)
    return Number(result)
  }
}

describe('xoshiro128**', () => {
  it('gives the published first numbers of the state 1, 2, 3, 4', () => {
    const next = xoshiro128StarStar(1, 2, 3, 4)
    expect([next(), next(), next(), next()]).toEqual([11520, 0, 5927040, 70819200])
  })

  it('agrees with a reference written on BigInt (model equivalence)', () => {
    const word = fc.integer({ min: 1, max: 0xffff_ffff })
    fc.assert(
      fc.property(word, word, word, word, (a, b, c, d) => {
        const ours = xoshiro128StarStar(a, b, c, d)
        const theirs = referenceXoshiro([a, b, c, d].map(BigInt))
        for (let i = 0; i < 50; i++) expect(ours()).toBe(theirs())
      }),
    )
  })

  it('does not stand still when its state is all zero', () => {
    const next = xoshiro128StarStar(0, 0, 0, 0)
    expect(new Set([next(), next(), next(), next(), next(), next()]).size).toBeGreaterThan(2)
  })
})

describe('SeededRandom', () => {
  it('gives these numbers for seed 42, whatever the Node version', () => {
    expect(draw(new SeededRandom(42), 4)).toMatchInlineSnapshot(`
      [
        4039180784,
        2240174651,
        464672074,
        1025309218,
      ]
    `)
    expect(draw(new SeededRandom(-(2 ** 40)), 2)).toMatchInlineSnapshot(`
      [
        1206738431,
        2600207879,
      ]
    `)
    expect(draw(new SeededRandom(42).fork('network').fork('n1'), 2)).toMatchInlineSnapshot(`
      [
        2814451726,
        3993983162,
      ]
    `)
  })

  it('gives the same stream for the same seed, and another for another (determinism)', () => {
    fc.assert(
      fc.property(seeds, seeds, (a, b) => {
        expect(draw(new SeededRandom(a), 8)).toEqual(draw(new SeededRandom(a), 8))
        if (a !== b) expect(draw(new SeededRandom(a), 8)).not.toEqual(draw(new SeededRandom(b), 8))
      }),
    )
  })

  it('below(n) and between(low, high) stay in range and reach both ends', () => {
    const random = new SeededRandom(7)
    const seen = new Set(Array.from({ length: 200 }, () => random.between(-2, 3)))
    expect([...seen].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2, 3])
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 }), (n) => {
        const value = random.below(n)
        expect(Number.isInteger(value) && value >= 0 && value < n).toBe(true)
      }),
    )
  })

  it('below(n) favours no number (chi-squared at 99.99 %)', () => {
    const random = new SeededRandom(1)
    const counts = new Array<number>(10).fill(0)
    for (let i = 0; i < 100_000; i++) {
      const n = random.below(10)
      counts[n] = (counts[n] ?? 0) + 1
    }
    const chiSquared = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)
    expect(chiSquared).toBeLessThan(33.7) // 9 degrees of freedom
  })

  it('chance() draws once even when certain, so that switching a fault off shifts nothing', () => {
    const one = new SeededRandom(5)
    const other = new SeededRandom(5)
    expect([one.chance(0, 10), other.chance(10, 10)]).toEqual([false, true])
    expect(one.uint32()).toBe(other.uint32())
  })

  it('shuffle() keeps every item, pick() takes one of them', () => {
    fc.assert(
      fc.property(seeds, fc.array(fc.integer(), { minLength: 1 }), (seed, items) => {
        const random = new SeededRandom(seed)
        expect(items).toContain(random.pick(items))
        const order = (a: number, b: number) => a - b
        expect(random.shuffle([...items]).sort(order)).toEqual([...items].sort(order))
      }),
    )
  })

  it('fork() does not depend on what was drawn before, and shifts nothing after', () => {
    const fresh = new SeededRandom(9)
    const used = new SeededRandom(9)
    draw(used, 10)
    expect(draw(used.fork('disk'), 4)).toEqual(draw(fresh.fork('disk'), 4))
    expect(draw(fresh.fork('disk'), 4)).not.toEqual(draw(fresh.fork('clock'), 4))
    expect(draw(fresh.fork('a').fork('b'), 4)).not.toEqual(draw(fresh.fork('b').fork('a'), 4))
    draw(fresh, 10)
    expect(used.uint32()).toBe(fresh.uint32())
  })

  it.each([
    ['a fractional seed', () => new SeededRandom(1.5), 'seed'],
    ['below(0)', () => new SeededRandom(1).below(0), 'n'],
    ['an empty list', () => new SeededRandom(1).pick([]), 'items'],
    ['a reversed range', () => new SeededRandom(1).between(2, 1), 'high'],
    ['a probability above 1', () => partsOf(1.1, 'drop'), 'drop'],
    ['no seeds at all', () => deriveSeeds(1, 0), 'seeds'],
  ])('refuses %s', (_what, act, field) => {
    expect(act).toThrow(expect.objectContaining({ code: 'ERR_OPTION', field }))
  })
})

describe('deriveSeeds', () => {
  it('begins with the seed itself, repeats none, and the first ones do not depend on how many are asked for', () => {
    const many = deriveSeeds(3, 100)
    expect(many[0]).toBe(3)
    expect(new Set(many).size).toBe(100)
    expect(many.slice(0, 10)).toEqual(deriveSeeds(3, 10))
  })
})
