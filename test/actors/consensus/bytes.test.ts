// The bytes that replicas agree on: what is written is what is read, whatever the order and however the buffer grows.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader, ByteWriter, CodecError } from '../../../actors/consensus/bytes.ts'

const part = fc.oneof(
  fc.record({ kind: fc.constant('u8' as const), value: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ kind: fc.constant('u32' as const), value: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }),
  fc.record({ kind: fc.constant('u64' as const), value: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({ kind: fc.constant('text' as const), value: fc.string({ unit: 'grapheme', maxLength: 20 }) }),
)
type Part = typeof part extends fc.Arbitrary<infer T> ? T : never

function write(writer: ByteWriter, { kind, value }: Part): void {
  if (kind === 'bytes') writer.bytes(value)
  else if (kind === 'text') writer.text(value)
  else writer[kind](value)
}

describe('ByteWriter and ByteReader', () => {
  it('give back what was written, wherever the buffer had to grow', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), fc.integer({ min: 0, max: 70 }), (parts, size) => {
        const writer = new ByteWriter(size)
        for (const each of parts) write(writer, each)
        const reader = new ByteReader(writer.take())
        for (const { kind, value } of parts) expect(reader[kind]()).toEqual(value)
        reader.end()
      }),
    )
  })

  it('say with a CodecError that bytes are cut short, or too many', () => {
    const bytes = new ByteWriter().u32(7).text('seven').take()
    for (let length = 0; length < bytes.length; length += 1) {
      const reader = new ByteReader(bytes.subarray(0, length))
      expect(() => [reader.u32(), reader.text()]).toThrow(CodecError)
    }
    expect(() => new ByteReader(bytes).end()).toThrow(CodecError)
  })
})
