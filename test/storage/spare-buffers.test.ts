import { expect, test } from 'vitest'
import { giveBack, leastSpareBytes, unwritten } from '../../src/storage/spare-buffers.ts'

test('a buffer given back is the next one of about its size', () => {
  const first = unwritten(20_000)
  expect(first.length).toBeGreaterThanOrEqual(20_000)
  giveBack(first.buffer)
  expect(unwritten(21_000).buffer).toBe(first.buffer)
  expect(unwritten(21_000).buffer).not.toBe(first.buffer)
})

test('few are kept, and neither the small nor the large', () => {
  for (const size of [leastSpareBytes - 1, 1024 * 1024 + 1]) giveBack(new ArrayBuffer(size))
  const given = Array.from({ length: 20 }, () => new ArrayBuffer(30_000))
  for (const buffer of given) giveBack(buffer)
  const taken = Array.from({ length: 20 }, () => unwritten(30_000).buffer)
  expect(taken.filter((buffer) => given.includes(buffer))).toEqual(given.slice(0, 8))
})
