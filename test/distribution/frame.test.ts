import { createNode } from 'espalier'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameError } from '../../src/distribution/errors.ts'
import { CALL_ITEM, CAST, GENERAL, MESSAGE, REPLY } from '../../src/distribution/frame.ts'
import { FrameReader } from '../../src/distribution/frame-reader.ts'
import { FrameWriter } from '../../src/distribution/frame-writer.ts'
import { KnownPids } from '../../src/distribution/known-pids.ts'
import { NotPortableError } from '../../src/kernel/errors.ts'

const pids = new KnownPids(createNode({ name: 'frames' }))

/** What a reader makes of a frame, as text that shows every difference. */
function read(reader: FrameReader, frame: Uint8Array): unknown[] {
  const items: unknown[] = []
  reader.begin(frame)
  while (reader.more) {
    const kind = reader.byte()
    if (kind === GENERAL) items.push(['general', reader.general()])
    else if (kind === CAST) items.push(['cast', reader.uint(), reader.text(), reader.value()])
    else if (kind === MESSAGE) items.push(['message', reader.uint(), reader.value()])
    else if (kind === CALL_ITEM) {
      items.push(['call', reader.uint(), reader.uint(), reader.uint(), reader.text(), reader.value()])
    } else if (kind === REPLY) items.push(['reply', reader.uint(), reader.value()])
    else throw new FrameError(`kind ${kind}`)
  }
  return items
}

function roundTrip(value: unknown): unknown {
  const writer = new FrameWriter()
  writer.message(1, value)
  return (read(new FrameReader(pids), writer.take())[0] as unknown[])[2]
}

const values = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withTypedArray: true,
  stringUnit: 'binary',
})
const numbers = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.maxSafeNat(),
  fc.constantFrom(-0, 239, 240, -1, 2 ** 31, -(2 ** 31)),
)

describe('a frame', () => {
  test('gives back any value that can cross', () => {
    fc.assert(
      fc.property(values.filter(hasNoInvalidDate), (value) => {
        expect(roundTrip(value)).toEqual(value)
      }),
      { numRuns: 2000 },
    )
  })

  test('gives back numbers and texts exactly', () => {
    const same = (value: unknown) => {
      expect(Object.is(roundTrip(value), value)).toBe(true)
    }
    fc.assert(fc.property(numbers, same))
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), same))
  })

  test('keeps items of all kinds in order, over several frames, with texts known from before', () => {
    const writer = new FrameWriter()
    const reader = new FrameReader(pids)
    for (let frame = 0; frame < 3; frame++) {
      expect(writer.cast(7, 'add', { by: frame })).toBe(true)
      writer.message(2 ** 40, ['plain'])
      expect(writer.call(7, 0, 300, 'get', undefined)).toBe(true)
      writer.reply(300, null)
      const bytes = writer.take()
      if (frame > 0) expect(Buffer.from(bytes).includes('add')).toBe(false)
      expect(read(reader, bytes)).toEqual([
        ['cast', 7, 'add', { by: frame }],
        ['message', 2 ** 40, ['plain']],
        ['call', 7, 0, 300, 'get', undefined],
        ['reply', 300, null],
      ])
    }
  })

  test('refuses what cannot cross with its path, and is as it was before', () => {
    const writer = new FrameWriter()
    const reader = new FrameReader(pids)
    writer.cast(1, 'a', 1)
    expect(() => writer.cast(1, 'b', { new: { inner: [0, () => 1] } })).toThrow(NotPortableError)
    expect(() => writer.cast(1, 'b', { new: { inner: [0, () => 1] } })).toThrow(/payload\.new\.inner\[1\]/)
    expect(() => writer.reply(1, Symbol('s'))).toThrow(/reply/)
    writer.cast(1, 'c', { new: 2 })
    expect(read(reader, writer.take())).toEqual([
      ['cast', 1, 'a', 1],
      ['cast', 1, 'c', { new: 2 }],
    ])
  })

  test('leaves tags that mean something to an encoder to the general layout', () => {
    const writer = new FrameWriter()
    for (const tag of ['__proto__', 'constructor', 'a\ud800']) expect(writer.cast(1, tag, 1)).toBe(false)
    expect(writer.length).toBe(0)
  })

  test('learns a bounded number of texts', () => {
    const writer = new FrameWriter()
    const reader = new FrameReader(pids)
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 6000; i++) writer.cast(1, `tag ${i}`, i)
      const items = read(reader, writer.take())
      expect(items.every((item, i) => (item as unknown[])[2] === `tag ${i}`)).toBe(true)
    }
  })

  test('that is damaged is refused or means something else, and never hangs or throws anything but ERR_FRAME', () => {
    const writer = new FrameWriter()
    writer.call(3, 4, 5, 'tag', { list: [1, 'two', 3.5, new Map([['k', 1n]])], more: 'x'.repeat(100) })
    const whole = writer.take()
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, length) => {
        const damaged = whole.slice(0, length)
        if (at < length) damaged[at] = byte
        try {
          read(new FrameReader(pids), damaged)
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError)
        }
      }),
      { numRuns: 5000 },
    )
  })
})

/** An invalid date is equal to nothing, itself included. */
function hasNoInvalidDate(value: unknown): boolean {
  if (value instanceof Date) return !Number.isNaN(value.getTime())
  if (value instanceof Map) return [...value].every((pair) => pair.every(hasNoInvalidDate))
  if (value instanceof Set) return [...value].every(hasNoInvalidDate)
  if (typeof value === 'object' && value !== null) return Object.values(value).every(hasNoInvalidDate)
  return true
}
