import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SortedMap } from '../../src/storage/sorted-map.ts'

const keyOf = (n: number): Uint8Array => Uint8Array.of(n >>> 8, n & 0xff)
const numberOf = (key: Uint8Array): number => ((key[0] ?? 0) << 8) | (key[1] ?? 0)

type Step =
  | { readonly op: 'set'; readonly key: number }
  | { readonly op: 'delete'; readonly key: number }
  | { readonly op: 'get'; readonly key: number }
  | { readonly op: 'fill'; readonly key: number; readonly count: number }
  | { readonly op: 'remove'; readonly key: number; readonly count: number }
  | { readonly op: 'forward' | 'backward'; readonly key: number; readonly count: number }

const key = fc.nat({ max: 4000 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ op: fc.constant('set'), key }),
  fc.record({ op: fc.constant('delete'), key }),
  fc.record({ op: fc.constant('get'), key }),
  fc.record({ op: fc.constant('fill'), key, count: fc.nat({ max: 900 }) }),
  fc.record({ op: fc.constant('remove'), key, count: fc.nat({ max: 1500 }) }),
  fc.record({ op: fc.constantFrom('forward', 'backward'), key, count: fc.nat({ max: 1500 }) }),
)

test('model equivalence: any sequence of steps reads as it does from a sorted array', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const map = new SortedMap()
      const model = new Map<number, number>()
      let serial = 0
      const inRange = (from: number, to: number) =>
        [...model].filter(([at]) => at >= from && at < to).sort(([a], [b]) => a - b)
      const read = (entries: Iterable<readonly [Uint8Array, Uint8Array]>) =>
        [...entries].map(([at, value]) => [numberOf(at), numberOf(value)])
      const put = (at: number) => {
        serial = (serial + 1) & 0xffff
        const before = model.get(at)
        expect(map.set(keyOf(serial), keyOf(at))).toEqual(before === undefined ? undefined : keyOf(before))
        model.set(at, serial)
      }
      for (const taken of steps) {
        const from = taken.key
        if (taken.op === 'set') put(from)
        else if (taken.op === 'fill') for (let i = 0; i < taken.count; i++) put(from + i)
        else if (taken.op === 'delete') {
          expect(map.set(undefined, keyOf(from)) !== undefined).toBe(model.delete(from))
        } else if (taken.op === 'get') {
          const held = map.get(keyOf(from))
          expect(held === undefined ? undefined : numberOf(held)).toBe(model.get(from))
        } else {
          const to = from + taken.count
          const expected = inRange(from, to)
          if (taken.op === 'remove') {
            expect(read(map.removeBetween(keyOf(from), keyOf(to)))).toEqual(expected)
            for (const [at] of expected) model.delete(at)
          } else {
            const isReverse = taken.op === 'backward'
            const entries = read(map.between(keyOf(from), keyOf(to), isReverse))
            expect(entries).toEqual(isReverse ? expected.toReversed() : expected)
          }
        }
      }
      expect(read(map.between(keyOf(0), keyOf(0xffff)))).toEqual(inRange(0, 0xffff))
    }),
    { numRuns: 300 },
  )
})

test('a key that is longer comes behind its beginning, and a part of a buffer stands for its bytes', () => {
  const map = new SortedMap()
  const bytes = Uint8Array.of(9, 1, 2, 3, 9)
  map.set(Uint8Array.of(3), bytes, 1, 4)
  map.set(Uint8Array.of(2), bytes, 1, 3)
  bytes.fill(0)
  expect([...map.between(Uint8Array.of(0), Uint8Array.of(9))].map(([at]) => [...at])).toEqual([
    [1, 2],
    [1, 2, 3],
  ])
})
