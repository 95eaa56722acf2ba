import { crc32c } from 'espalier/storage'
import { expect, test } from 'vitest'
import { bytes } from './bytes.ts'

test('the test vectors of RFC 3720, B.4', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
  expect(crc32c(bytes('123456789'))).toBe(0xe3069283)
})

test('a checksum goes on where another stopped, at every split', () => {
  const whole = Uint8Array.from({ length: 40 }, (_, i) => i * 37)
  for (let split = 0; split <= whole.length; split += 1) {
    expect(crc32c(whole.subarray(split), crc32c(whole.subarray(0, split)))).toBe(crc32c(whole))
  }
})

test('an input longer than a step of the work is that of its parts', () => {
  const whole = Uint8Array.from({ length: 50_001 }, (_, i) => i * 37)
  let parts = 0
  for (let at = 0; at < whole.length; at += 777) parts = crc32c(whole.subarray(at, at + 777), parts)
  expect(crc32c(whole)).toBe(parts)
})
