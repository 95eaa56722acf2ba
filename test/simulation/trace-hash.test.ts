import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf, TraceHash } from '../../src/simulation/index.ts'

class Point {
  x: number
  constructor(x: number) {
    this.x = x
  }
}

function failure(message: string, cause?: unknown): Error {
  return new TypeError(message, { cause })
}

describe('digestOf', () => {
  it('gives this digest for a value of every kind, whatever the Node version', () => {
    const everything = [
      undefined,
      null,
      true,
      -1,
      0.1,
      -0,
      Number.NaN,
      2 ** 40,
      -(10n ** 30n),
      'Grüße, 🌳',
      Uint8Array.of(1, 2, 3, 4, 5),
      new Date(0),
      new Map([['k', new Set([1])]]),
      { b: 1, a: [2] },
      new Point(3),
      failure('no', 'because'),
      Symbol('s'),
    ]
    expect(digestOf(everything)).toMatchInlineSnapshot(`"f1d1d24f1d721272"`)
  })

  it('tells values apart that look alike', () => {
    const alike: unknown[] = [
      ...[undefined, null, false, 0, -0, Number.NaN, '', '0', 0n, [], {}, new Map(), new Set(), new Uint8Array()],
      ...[[0], [[]], ['a', 'b'], ['ab', ''], ['ab'], { a: undefined }, { 0: 'a' }, ['a'], new Set(['a'])],
      ...[new Map([['a', undefined]]), new Date(0), new Point(0), { x: 0 }, failure(''), new Error(''), 'a\0', 'a'],
      ...[Uint8Array.of(0), Uint8Array.of(0, 0), 1, 1n, '1', 2 ** 31, -(2 ** 31), Symbol('a'), () => 0],
    ]
    expect(new Set(alike.map(digestOf)).size).toBe(alike.length)
  })

  it('is the same for equal data in another order of insertion (canonical form)', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.integer())), (pairs) => {
        const unique = [...new Map(pairs)]
        const reversed = [...unique].reverse()
        expect(digestOf(new Map(unique))).toBe(digestOf(new Map(reversed)))
        expect(digestOf(new Set(unique))).toBe(digestOf(new Set(reversed)))
        expect(digestOf(Object.fromEntries(unique))).toBe(digestOf(Object.fromEntries(reversed)))
      }),
    )
  })

  it('is the same for a structured clone (round trip)', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true }), (value) => {
        expect(digestOf(structuredClone(value))).toBe(digestOf(value))
      }),
    )
  })

  it('leaves stacks out, and keeps name, message, code and cause', () => {
    const elsewhere = () => failure('no')
    const [here, there] = [failure('no'), elsewhere()]
    expect(here.stack).not.toBe(there.stack)
    expect(digestOf(here)).toBe(digestOf(there))
    expect(digestOf({ error: here, stack: 'a' })).toBe(digestOf({ error: there, stack: 'b' }))
    const variants = [
      here,
      failure('yes'),
      failure('no', 1),
      Object.assign(failure('no'), { code: 'ERR' }),
      new Error('no'),
    ]
    expect(new Set(variants.map(digestOf)).size).toBe(variants.length)
  })

  it('takes an instance that says what it is by its word, and looks no further', () => {
    class Handle {
      readonly id: number
      readonly world: unknown
      constructor(id: number, world: unknown) {
        this.id = id
        this.world = world
      }
      toJSON() {
        return `<${this.id}>`
      }
    }
    expect(digestOf(new Handle(1, 'here'))).toBe(digestOf(new Handle(1, 'there')))
    expect(digestOf(new Handle(1, 'here'))).not.toBe(digestOf(new Handle(2, 'here')))
    expect(digestOf(new Handle(1, 'here'))).not.toBe(digestOf('<1>'))
  })

  it('ends on a cycle, and refuses what is nested too deep', () => {
    const cycle: unknown[] = []
    cycle.push({ cycle })
    expect(digestOf(cycle)).toBe(digestOf(cycle))
    expect(digestOf(cycle)).not.toBe(digestOf([{ cycle: [] }]))
    let deep: unknown[] = []
    for (let i = 0; i < 201; i++) deep = [deep]
    expect(() => digestOf(deep)).toThrow('nesting of at most 200')
  })
})

describe('TraceHash', () => {
  it('depends on every event and on their order', () => {
    const hash = (...events: unknown[]) =>
      events.reduce((trace: TraceHash, event) => trace.value(event), new TraceHash()).hex()
    const hashes = [hash(), hash(1), hash(1, 2), hash(2, 1), hash([1, 2]), hash(1, 2, 3)]
    expect(new Set(hashes).size).toBe(hashes.length)
    expect(hashes.every((hex) => /^[0-9a-f]{16}$/.test(hex))).toBe(true)
  })
})
