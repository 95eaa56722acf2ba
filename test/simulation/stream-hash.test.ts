import { describe, expect, it } from 'vitest'
import { StreamHash } from '../../src/simulation/stream-hash.ts'

function hashOf(...words: number[]): StreamHash {
  const hash = new StreamHash()
  for (const word of words) hash.word(word)
  return hash
}

/** How many of `hashes` another has had before. */
function collisions(hashes: readonly number[]): number {
  return hashes.length - new Set(hashes).size
}

describe('StreamHash', () => {
  it('gives these hashes for these words, whatever the Node version', () => {
    const hash = new StreamHash()
    hash.word(-1)
    hash.text('Grüße, 🌳')
    hash.bytes(Uint8Array.of(1, 2, 3, 4, 5, 6))
    expect([hash.high, hash.low]).toMatchInlineSnapshot(`
      [
        958196114,
        -1796522687,
      ]
    `)
  })

  it('tells streams apart that differ in one small number, in place or in length', () => {
    const streams = Array.from({ length: 100_000 }, (_, n) => n + 1).flatMap((i) => [
      hashOf(i),
      hashOf(0, i),
      hashOf(i, 0),
      hashOf(1, 2, i, 3),
    ])
    const [both, high, low] = [
      streams.map(({ high, low }) => high * 2 ** 20 + (low & 0xf_ffff)),
      streams.map(({ high }) => high),
      streams.map(({ low }) => low),
    ]
    // 400 000 hashes of 52 bits do not meet; of 32 bits they meet some 18 times, as drawn lots would.
    expect(collisions(both)).toBe(0)
    for (const half of [high, low]) expect(collisions(half)).toBeLessThan(60)
  })

  it('changes about half of all bits when one bit of one word changes (avalanche)', () => {
    for (const place of [0, 1, 4]) {
      const flips = new Array<number>(64).fill(0)
      for (let i = 0; i < 1000; i++) {
        for (let bit = 0; bit < 32; bit++) {
          const words = [i, i * 7, i ^ 0x5555, 12, i]
          const one = hashOf(...words)
          words[place] = (words[place] ?? 0) ^ (1 << bit)
          const other = hashOf(...words)
          for (let at = 0; at < 32; at++) {
            flips[at] = (flips[at] ?? 0) + (((one.high ^ other.high) >>> at) & 1)
            flips[at + 32] = (flips[at + 32] ?? 0) + (((one.low ^ other.low) >>> at) & 1)
          }
        }
      }
      for (const flipped of flips) {
        expect(flipped / 32_000).toBeGreaterThan(0.45)
        expect(flipped / 32_000).toBeLessThan(0.55)
      }
    }
  })

  it('tells texts and bytes apart that differ in their last part or in their length alone', () => {
    const texts = ['', 'a', 'ab', 'ba', 'abc', 'abd', 'abc\0', '\0', '\0\0']
    const bytes = [[], [0], [0, 0], [1], [1, 0], [1, 2, 3], [1, 2, 3, 0], [1, 2, 3, 4], [1, 2, 3, 4, 5]]
    const hashes = [
      ...texts.map((text) => {
        const hash = new StreamHash()
        hash.text(text)
        return hash.high
      }),
      ...bytes.map((part) => {
        const hash = new StreamHash()
        hash.bytes(Uint8Array.from(part))
        return hash.low
      }),
    ]
    expect(new Set(hashes).size).toBe(hashes.length)
  })
})
