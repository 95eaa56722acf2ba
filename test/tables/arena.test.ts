import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Arena } from '../../src/tables/arena.ts'

const rounded = (words: number) => Math.max(8, 2 ** Math.ceil(Math.log2(words)))

test('safety: blocks in use lie within the arena and never overlap', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 8, max: 400 }),
      fc.array(fc.record({ words: fc.integer({ min: 1, max: 100 }), giveBack: fc.nat() }), { maxLength: 100 }),
      (length, steps) => {
        const arena = new Arena(16, 16 + length)
        const used: { at: number; words: number }[] = []
        for (const { words, giveBack } of steps) {
          const at = arena.take(words)
          if (at !== undefined) {
            expect(at).toBeGreaterThanOrEqual(16)
            expect(at + rounded(words)).toBeLessThanOrEqual(16 + length)
            for (const other of used) expect(at + words <= other.at || other.at + other.words <= at).toBe(true)
            used.push({ at, words })
          }
          if (at === undefined || giveBack % 3 === 0) {
            const [gone] = used.splice(giveBack % Math.max(1, used.length), 1)
            if (gone !== undefined) arena.give(gone.at, gone.words)
          }
        }
      },
    ),
  )
})

test('what has been given back is one again: whatever was used, the whole arena can be had', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 64 }), { maxLength: 40 }), (sizes) => {
      const arena = new Arena(0, 256)
      const used = sizes.map((words) => ({ at: arena.take(words), words }))
      for (const { at, words } of used) if (at !== undefined) arena.give(at, words)
      expect(arena.take(256)).toBe(0)
      expect(arena.take(1)).toBeUndefined()
    }),
  )
})

test('an arena of any length is used up but for less than the smallest block', () => {
  for (let length = 8; length < 200; length++) {
    const arena = new Arena(0, length)
    let blocks = 0
    while (arena.take(8) !== undefined) blocks++
    expect(blocks).toBe(Math.floor(length / 8))
  }
})
