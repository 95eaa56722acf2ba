import { expect, test } from 'vitest'
import { didYouMean, listOf } from '../../../actors/flow/nearest-word.ts'

test.each([
  ['lnt', ['types', 'lint'], '. Did you mean "lint"?'],
  ['LINT', ['lint'], '. Did you mean "lint"?'],
  ['tpyes', ['lint', 'types'], '. Did you mean "types"?'],
  ['lints', ['lint', 'lintz', 'lints-all'], '. Did you mean "lint"?'],
  ['x', ['y'], ''],
  ['ab', ['xy'], ''],
  ['deploy', ['lint', 'types'], ''],
  ['lint', [], ''],
])('%s among %j', (word, known, hint) => {
  expect(didYouMean(word, known)).toBe(hint)
})

test('long lists are cut', () => {
  expect(listOf([])).toBe('none')
  expect(listOf(['a', 'b'])).toBe('a, b')
  expect(listOf(Array.from({ length: 23 }, (_, at) => `r${at}`))).toMatch(/^r0, r1, .*, r19 and 3 more$/)
})
