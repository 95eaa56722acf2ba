import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalBytes, readCanonical } from '../../../actors/receipt/canonical-json.ts'

const textOf = (value: unknown) => new TextDecoder().decode(canonicalBytes(value))
const bytesOf = (text: string) => new TextEncoder().encode(text)
/** JSON has no -0 that would come back. */
const withOneZero = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withOneZero)
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withOneZero(each)] as const))
}

describe('the examples of RFC 8785', () => {
  test('section 3.2.2: numbers, strings and literals', () => {
    const value = {
      numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    }
    expect(textOf(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  test('section 3.2.3: members by UTF-16 code units', () => {
    const names = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6']
    const value = Object.fromEntries(names.map((name) => [name, 0]))
    expect(textOf(value)).toBe('{"\\r":0,"1":0,"\u0080":0,"ö":0,"€":0,"😀":0,"\ufb33":0}')
  })

  test.each([
    [5e-324, '5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [9007199254740992, '9007199254740992'],
    [295147905179352830000, '295147905179352830000'],
    [9.999999999999997e22, '9.999999999999997e+22'],
    [1e21, '1e+21'],
    [999999999999999900000, '999999999999999900000'],
    [0.000001, '0.000001'],
    [1e-7, '1e-7'],
  ])('appendix B: %d', (value, text) => {
    expect(textOf(value)).toBe(text)
  })
})

describe('properties', () => {
  const data = fc.jsonValue({ stringUnit: 'binary' }).map(withOneZero)
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .map(([name, each]) => [name, shuffled(each)] as const)
        .reverse(),
    )
  }

  test('round trip: what is written is read back equal', () => {
    fc.assert(
      fc.property(data, (value) => {
        expect(readCanonical(canonicalBytes(value))).toEqual(value)
      }),
    )
  })

  test('canonicity: the order of members does not matter', () => {
    fc.assert(
      fc.property(data, (value) => {
        expect(textOf(shuffled(value))).toBe(textOf(value))
      }),
    )
  })

  test('injectivity: different data has different bytes', () => {
    fc.assert(
      fc.property(data, data, (a, b) => {
        let equal = true
        try {
          expect(a).toEqual(b)
        } catch {
          equal = false
        }
        expect(textOf(a) === textOf(b)).toBe(equal)
      }),
    )
  })

  test('uniqueness: bytes that are read are the only ones for what they mean', () => {
    const nearly = fc.tuple(data, fc.nat(), fc.constantFrom(' ', '0', '\n', '\\', '"', ',')).map(([value, at, put]) => {
      const text = textOf(value)
      const cut = at % (text.length + 1)
      return text.slice(0, cut) + put + text.slice(cut)
    })
    fc.assert(
      fc.property(nearly, (text) => {
        const bytes = bytesOf(text)
        let value: unknown
        try {
          value = readCanonical(bytes)
        } catch {
          return
        }
        expect(canonicalBytes(value)).toEqual(bytes)
      }),
      { numRuns: 500 },
    )
  })
})

const cyclic: Record<string, unknown> = {}
cyclic.self = cyclic
test.each([
  ['undefined', { a: [{ b: undefined }] }, 'value.a[0].b: expected plain data, got undefined'],
  ['NaN', { a: Number.NaN }, 'value.a: expected a finite number, not -0, got NaN'],
  ['infinity', [Number.POSITIVE_INFINITY], 'value[0]: expected a finite number, not -0, got Infinity'],
  ['minus zero', -0, 'value: expected a finite number, not -0, got 0'],
  ['a bigint', { a: 1n }, 'value.a: expected plain data, got 1'],
  ['a lone surrogate', { a: '\ud800' }, 'value.a: expected a string without lone surrogates, got "\\ud800"'],
  ['a lone surrogate in a name', { '\udc00': 1 }, 'value: expected a string without lone surrogates, got "\\udc00"'],
  ['a date', { at: new Date(0) }, 'value.at: expected plain data, got "1970-01-01T00:00:00.000Z"'],
  ['a map', new Map([[1, 2]]), 'value: expected plain data, got {}'],
  ['a symbol for a name', { [Symbol('x')]: 1 }, 'value: expected plain data, got {}'],
  ['a hole', new Array(2), 'value[0]: expected plain data, got undefined'],
  ['a circle', cyclic, 'at most 64 levels'],
])('red: %s is refused', (_name, value, message) => {
  expect(() => canonicalBytes(value)).toThrow(message)
})

test.each([
  ['white space', '{"a": 1}'],
  ['unsorted members', '{"b":1,"a":1}'],
  ['a name twice', '{"a":1,"a":1}'],
  ['another form of a number', '[1.0]'],
  ['another escape', '["\\u0041"]'],
  ['a byte order mark', '\ufeff{}'],
  ['trailing bytes', '{}{}'],
  ['nothing', ''],
])('red: %s is not read', (_name, text) => {
  expect(() => readCanonical(bytesOf(text))).toThrow()
})

test('red: broken UTF-8 is not read', () => {
  expect(() => readCanonical(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(TypeError)
})

test('a member called __proto__ is data', () => {
  const text = '{"__proto__":{"a":1}}'
  expect(textOf(readCanonical(bytesOf(text)))).toBe(text)
})
