import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JsonSyntaxError, readJson } from '../../../actors/flow/located-json.ts'

test('model: reads what JSON.parse reads, and nothing else', () => {
  const mutated = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', ',', '}', '1', '\\', ' '))
    .map(([text, at, put]) => {
      const cut = at % (text.length + 1)
      return text.slice(0, cut) + put + text.slice(cut + 1)
    })
  fc.assert(
    fc.property(fc.oneof(fc.json(), mutated), (text) => {
      let expected: unknown
      let isJson = true
      try {
        expected = JSON.parse(text)
      } catch {
        isJson = false
      }
      try {
        const read = readJson(text).value
        expect(isJson).toBe(true)
        expect(JSON.stringify(read)).toBe(JSON.stringify(expected))
      } catch (error) {
        if (!(error instanceof JsonSyntaxError)) throw error
        if (isJson) expect(error.message).toMatch(/comes twice$|levels/)
        expect(error.offset).toBeLessThanOrEqual(text.length)
      }
    }),
    { numRuns: 1000 },
  )
})

test('every value knows where it stood', () => {
  const text = '{ "a": [10, {"b": "x"}],\n "c": null }'
  const { locate } = readJson(text)
  expect(text.slice(locate(['a', 0]), locate(['a', 0]) + 2)).toBe('10')
  expect(text.slice(locate(['a', 1, 'b'])).startsWith('"x"')).toBe(true)
  expect(text.slice(locate(['c'])).startsWith('null')).toBe(true)
  expect(locate(['c', 'd', 'e'])).toBe(locate(['c']))
  expect(locate(['missing'])).toBe(0)
})

test('a name called __proto__ is data', () => {
  const { value } = readJson('{"__proto__": {"polluted": true}}')
  expect(Object.keys(value ?? {})).toEqual(['__proto__'])
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
})
