import { OptionError } from 'espalier'
import { expect, test } from 'vitest'

test('a wrong option is named with its value and what is allowed', () => {
  const error = new OptionError('intensity', -1, 'an integer >= 0')
  expect(error.code).toBe('ERR_OPTION')
  expect(error.message).toBe('intensity: expected an integer >= 0, got -1')
})
