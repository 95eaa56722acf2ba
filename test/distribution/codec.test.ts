import { isDeepStrictEqual } from 'node:util'
import { createNode, defineServer, located, OptionError, type Pid } from 'espalier'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, decodeAll, encode, encodePortable } from '../../src/distribution/codec.ts'
import { KnownPids } from '../../src/distribution/known-pids.ts'
import { toPortable } from '../../src/kernel/portable.ts'
import { spawnIdle } from '../processes.ts'

const node = createNode({ name: 'here' })
const pids = new KnownPids(node)
const roundTrip = (value: unknown) => decode(encode(value), pids)

const leaf = fc.oneof(
  fc.constantFrom(undefined, null, true, false, -0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 31) - 1),
  fc.double(),
  fc.integer(),
  fc.bigInt(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
  // Invalid ones are equal to nothing, themselves included: see below.
  fc.date({ noInvalidDate: true }),
  fc.uint8Array(),
  fc.float64Array(),
  fc.int16Array(),
  fc.bigInt64Array(),
)
const name = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toJSON', '\ud800', '7'))
const { data } = fc.letrec<{ data: unknown }>((tie) => ({
  data: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('data'), { maxLength: 6 }),
    fc.dictionary(name, tie('data'), { maxKeys: 6 }),
    fc.array(fc.tuple(tie('data'), tie('data')), { maxLength: 5 }).map((entries) => new Map(entries)),
    fc.array(tie('data'), { maxLength: 5 }).map((items) => new Set(items)),
  ),
}))

describe('codec', () => {
  test('round trip: an invalid date stays one', () => {
    const date = roundTrip(new Date(Number.NaN))
    expect(date instanceof Date && Number.isNaN(date.getTime())).toBe(true)
  })

  test('round trip: what is decoded equals what was encoded', () => {
    fc.assert(
      fc.property(data, (value) => isDeepStrictEqual(roundTrip(value), value)),
      { numRuns: 1500 },
    )
  })

  test('a definition that says where it is exported crosses as that; one that does not is refused', () => {
    const plain = defineServer({ name: 'counter', init: () => 0 })
    const { name, kind, location } = located('file:///counter.js', 'Counter', plain)
    expect(roundTrip([located('file:///counter.js', 'Counter', plain)])).toEqual([
      { name, kind, location, create: expect.any(Function) },
    ])
    expect(() => encode([plain])).toThrow(/payload\[0\]\.create: a function/)
  })

  test('round trip: items encoded one by one are decoded from one frame in order', () => {
    fc.assert(
      fc.property(fc.array(data, { minLength: 1, maxLength: 8 }), (values) => {
        return isDeepStrictEqual(decodeAll(Buffer.concat(values.map((value) => encode(value))), pids), values)
      }),
    )
  })

  test('stateless: the bytes of a value do not depend on what was encoded before', () => {
    fc.assert(
      fc.property(data, data, (value, other) => {
        const alone = Buffer.from(encode(value))
        encode(other)
        expect(Buffer.from(encode(value)).equals(alone)).toBe(true)
      }),
    )
  })

  test('sharing: decoded bytes lie in memory of their own', () => {
    const frame = encode([new Uint8Array([1, 2, 3])])
    const [bytes] = decode(frame, pids) as [Uint8Array]
    frame.fill(0)
    expect([...bytes]).toEqual([1, 2, 3])
  })

  test('a pid of this node is the one object of its process; one of another node is the same object each time', () => {
    const own = spawnIdle(node)
    expect(roundTrip(own)).toBe(own)
    const far = spawnIdle(createNode({ name: 'far' }))
    const known = roundTrip({ far }) as { far: Pid }
    expect(known.far).not.toBe(far)
    expect(`${known.far}`).toBe(`${far}`)
    expect(roundTrip(far)).toBe(known.far)
  })

  test('bounded: pids of other nodes are forgotten, but for those to which a process is linked', async () => {
    const small = new KnownPids(node, 10)
    const linked = small.pid('far', 1, 0)
    const process = node.spawn(async (self) => {
      self.trapExit = true
      self.link(linked)
      await self.receive((message) => message === 'end')
    })
    // Nothing carries the link away, and nothing tells the process: see the links stay as they were made.
    node.router = { deliver: () => {} }
    await node.idle()
    for (let id = 1; id < 1000; id++) small.pid('far', 1, id)
    expect(small.size).toBeLessThan(25)
    expect(small.pid('far', 1, 0)).toBe(linked)
    node.router = null
    node.sendExit(process, 'kill')
    await node.idle()
  })

  test('references keep their parts', () => {
    const ref = node.reference()
    expect(roundTrip(ref)).toStrictEqual(ref)
  })

  test('errors keep class, name, message, code, stack and cause', () => {
    const cause = new OptionError('field', 3, 'a name')
    const error = new TypeError('outer', { cause })
    const decoded = roundTrip(error) as TypeError
    expect(decoded).toBeInstanceOf(TypeError)
    expect([decoded.name, decoded.message, decoded.stack]).toEqual(['TypeError', 'outer', error.stack])
    expect(Object.keys(decoded)).toEqual([])
    expect(decoded.cause).toBeInstanceOf(Error)
    expect(decoded.cause).toMatchObject({ name: 'OptionError', code: 'ERR_OPTION', message: cause.message })
    expect((decoded.cause as Error).stack).toBe(cause.stack)
    expect('cause' in (roundTrip(new Error('bare')) as Error)).toBe(false)
  })

  class Point {
    readonly x = 1
  }
  const self: unknown[] = []
  self.push({ again: self })
  let deep: unknown = 1
  for (let i = 0; i < 1000; i++) deep = [deep]

  test.each([
    ['payload', () => 1, 'a function'],
    ['payload.items[2].onDone', { items: [0, 0, { onDone: () => 1 }] }, 'a function'],
    ['payload.get("a").key', new Map([['a', { key: Symbol('s') }]]), 'a symbol'],
    ['payload.item(1)', new Set([1, new Point()]), 'an instance of Point'],
    ['payload.key(…)', new Map([[new Point(), 1]]), 'an instance of Point'],
    ['payload.cause', new Error('e', { cause: () => 1 }), 'a function'],
    ['payload[Symbol(s)]', { [Symbol('s')]: 1 }, 'a property named by a symbol'],
    ['payload[0].again', self, 'what is part of itself'],
    ['payload', new WeakMap(), 'an instance of WeakMap'],
    ['payload', Promise.resolve(), 'an instance of Promise'],
  ])('refused: %s', (field, value, what) => {
    const message = expect.stringContaining(`${what} cannot cross`)
    expect(() => encode(value)).toThrow(expect.objectContaining({ code: 'ERR_NOT_PORTABLE', message }))
    if (!field.includes('…')) expect(() => encode(value)).toThrow(expect.objectContaining({ field }))
  })

  test('refused: what is nested too deep', () => {
    expect(() => encode(deep)).toThrow(expect.objectContaining({ code: 'ERR_NOT_PORTABLE' }))
  })

  test('lenient: what cannot cross is shown as text, and the rest crosses', () => {
    const reason = { error: new Error('boom'), state: { fn: () => 1, n: 1n } }
    const decoded = decode(encodePortable(toPortable(reason, 'reason', true)), pids)
    expect(decoded).toMatchObject({ error: { message: 'boom' }, state: { fn: 'function fn', n: 1n } })
  })

  test('bytes that are no frame are refused', () => {
    expect(() => decodeAll(new Uint8Array([0xc1, 0xdd, 0xff]), pids)).toThrow(
      expect.objectContaining({ code: 'ERR_FRAME' }),
    )
  })
})
