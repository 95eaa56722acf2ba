// Bytes of entries and configurations: round trips, one encoding each, and nothing accepted that is none.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Configuration, Member } from '../../../../actors/raft/core/configuration.ts'
import { decodeConfiguration, encodeConfiguration } from '../../../../actors/raft/core/configuration-codec.ts'
import {
  decodeEntry,
  encodeEntry,
  hashBytes,
  headerBytes,
  sealOf,
  signatureBytes,
} from '../../../../actors/raft/core/entry-codec.ts'

const uint48 = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const fields = fc.record({
  index: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
  term: uint48,
  kind: fc.constantFrom('noop' as const, 'command' as const, 'configuration' as const),
  timeMs: uint48,
  payload: fc.uint8Array({ maxLength: 50 }),
})
const maybe = (bytes: number) => fc.option(fc.uint8Array({ minLength: bytes, maxLength: bytes }), { nil: undefined })

describe('an entry', () => {
  it('comes back from its bytes, with hash and signature where it has them', () => {
    fc.assert(
      fc.property(fields, maybe(hashBytes), maybe(signatureBytes), (entry, previousHash, signature) => {
        const encoded = encodeEntry(entry, { previousHash, signature })
        expect(encoded).toEqual({ ...entry, bytes: encoded.bytes })
        expect(decodeEntry(encoded.bytes)).toEqual(encoded)
        expect(sealOf(encoded)).toEqual({ previousHash, signature })
        expect(encoded.bytes.length).toBe(
          headerBytes + (previousHash ? hashBytes : 0) + (signature ? signatureBytes : 0) + entry.payload.length,
        )
      }),
    )
  })

  it('has a layout that stays', () => {
    const payload = Uint8Array.of(7)
    const { bytes } = encodeEntry({ index: 0x0102_0304_0506, term: 2, kind: 'command', timeMs: 0xaa, payload })
    expect([...bytes]).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0xaa, 0, 0, 7])
  })

  it('does not change with the payload that it was made of', () => {
    const payload = Uint8Array.of(1, 2)
    const { bytes } = encodeEntry({ index: 1, term: 1, kind: 'command', timeMs: 0, payload })
    payload[0] = 9
    expect(decodeEntry(bytes)?.payload).toEqual(Uint8Array.of(1, 2))
  })

  it.each([
    ['nothing', () => new Uint8Array(0)],
    ['a header cut short', (bytes: Uint8Array) => bytes.subarray(0, headerBytes - 1)],
    ['another version', (bytes: Uint8Array) => bytes.with(0, 2)],
    ['an unknown kind', (bytes: Uint8Array) => bytes.with(1, 3)],
    ['an unknown flag', (bytes: Uint8Array) => bytes.with(2, 4)],
    ['a hash that is not there', (bytes: Uint8Array) => bytes.with(2, 1)],
    ['a signature that is not there', (bytes: Uint8Array) => bytes.with(2, 2)],
    ['something where zero belongs', (bytes: Uint8Array) => bytes.with(3, 1)],
    ['something where zero belongs', (bytes: Uint8Array) => bytes.with(22, 1)],
    ['something where zero belongs', (bytes: Uint8Array) => bytes.with(23, 1)],
    ['index 0', (bytes: Uint8Array) => bytes.with(15, 0)],
  ])('is not %s', (_, spoil) => {
    const payload = Uint8Array.of(1)
    const { bytes } = encodeEntry({ index: 3, term: 1, kind: 'command', timeMs: 5, payload })
    expect(decodeEntry(bytes)).toBeDefined()
    expect(decodeEntry(spoil(bytes))).toBeUndefined()
  })

  it('may be a header and nothing else', () => {
    const { bytes } = encodeEntry({ index: 3, term: 0, kind: 'noop', timeMs: 5, payload: new Uint8Array(0) })
    expect(decodeEntry(bytes)?.payload.length).toBe(0)
  })
})

const name = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
const member: fc.Arbitrary<Member> = fc.record(
  {
    id: name,
    incarnation: fc.string({ maxLength: 6 }),
    role: fc.constantFrom('voter' as const, 'learner' as const, 'witness' as const),
    promote: fc.constant(true as const),
  },
  { requiredKeys: ['id', 'incarnation', 'role'] },
)
const members = fc
  .uniqueArray(member, { maxLength: 6, selector: ({ id }) => id })
  .map((list) => list.sort((a, b) => (a.id < b.id ? -1 : 1)))

describe('a configuration', () => {
  it('comes back from its bytes, joint or not', () => {
    fc.assert(
      fc.property(members, fc.option(members, { nil: undefined }), (list, outgoing) => {
        const configuration: Configuration = outgoing === undefined ? { members: list } : { members: list, outgoing }
        expect(decodeConfiguration(encodeConfiguration(configuration))).toEqual(configuration)
      }),
    )
  })

  const two: Configuration = {
    members: [
      { id: 'a', incarnation: '', role: 'voter' },
      { id: 'b', incarnation: 'x', role: 'learner', promote: true },
    ],
  }
  it('has a layout that stays', () => {
    expect([...encodeConfiguration(two)]).toEqual([1, 0, 0, 2, 0, 1, 97, 0, 5, 1, 98, 1, 120])
  })

  it.each([
    ['nothing', () => new Uint8Array(0)],
    ['another version', (bytes: Uint8Array) => bytes.with(0, 2)],
    ['an unknown flag', (bytes: Uint8Array) => bytes.with(1, 2)],
    ['joint without the other half', (bytes: Uint8Array) => bytes.with(1, 1)],
    ['more members than there are', (bytes: Uint8Array) => bytes.with(3, 3)],
    ['fewer members than there are', (bytes: Uint8Array) => bytes.with(3, 1)],
    ['an unknown role', (bytes: Uint8Array) => bytes.with(4, 3)],
    ['an unknown role to be promoted', (bytes: Uint8Array) => bytes.with(8, 7)],
    ['a role out of range', (bytes: Uint8Array) => bytes.with(4, 8)],
    ['cut short', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1)],
    ['one byte too long', (bytes: Uint8Array) => Uint8Array.of(...bytes, 0)],
    ['out of order', (bytes: Uint8Array) => bytes.with(6, 99)],
    ['one member twice', (bytes: Uint8Array) => bytes.with(6, 98)],
    ['no text', (bytes: Uint8Array) => bytes.with(6, 0xff)],
  ])('is not %s', (_, spoil) => {
    expect(decodeConfiguration(spoil(encodeConfiguration(two)))).toBeUndefined()
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const configuration = decodeConfiguration(bytes)
        if (configuration !== undefined) expect(encodeConfiguration(configuration)).toEqual(bytes)
        decodeEntry(bytes)
      }),
    )
  })
})
