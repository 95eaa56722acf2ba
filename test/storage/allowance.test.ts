import { expect, test } from 'vitest'
import { Allowance } from '../../src/storage/lmdb/allowance.ts'

function allowance(
  left: number[],
  freshMs?: number,
): { allowance: Allowance; at: (ms: number) => void; asked: () => number } {
  let [nowMs, asked] = [0, 0]
  const options = { reserveBytes: 100, now: () => nowMs, measure: () => left[asked++] ?? 0 }
  return {
    allowance: new Allowance(freshMs === undefined ? options : { ...options, freshMs }),
    at: (ms) => {
      nowMs = ms
    },
    asked: () => asked,
  }
}

test('it asks once, and again when what is left and the reserve would not both be there', () => {
  const { allowance: room, asked } = allowance([400, 350])
  expect([room.isAmple(150), room.isAmple(150), asked()]).toEqual([true, true, 1])
  expect([room.isAmple(1), asked()]).toEqual([true, 2])
})

test('without ample room it asks every time, and says so until there is', () => {
  const { allowance: room, asked } = allowance([150, 120, 1000])
  expect([room.isAmple(60), room.isAmple(60), asked()]).toEqual([false, false, 2])
  expect([room.isAmple(60), asked()]).toEqual([true, 3])
})

test('an answer holds only so long: others take from it too', () => {
  const { allowance: room, at } = allowance([1000, 90], 50)
  expect(room.isAmple(1)).toBe(true)
  at(50)
  expect(room.isAmple(1)).toBe(true)
  at(51)
  expect(room.isAmple(1)).toBe(false)
})
