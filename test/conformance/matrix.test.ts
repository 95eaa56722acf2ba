import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { evidence, sections, titles } from './matrix/index.ts'
import { complaints, page } from './matrix/page.ts'
import type { Row } from './matrix/row.ts'

const known = await evidence()
const complaintsOf = (row: Partial<Row>) => {
  const rows = [{ otp: '`x/1`', ours: '`x`', ...row }]
  return complaints([{ title: 't', manual: 't(3)', kind: 'signals', groups: [{ title: 'g', rows }] }], known)
}

test('every row of the coverage matrix is shown by a scenario or a test, or stated', () => {
  expect(complaints(sections, known)).toEqual([])
})

test('docs/otp-conformance.md is what `npm run -s conformance:matrix` writes', async () => {
  expect(await readFile('docs/otp-conformance.md', 'utf8')).toBe(page(sections, known, 'docs'))
})

test.each<[string, Partial<Row>, string]>([
  ['a row without scenario, test or statement', {}, 'no scenario, no test, no statement'],
  ['a scenario that is not there', { scenarios: ['link_to_the_moon'] }, 'no scenario signals/link_to_the_moon'],
  ['a scenario of another kind', { scenarios: ['server/link_dead'] }, 'no scenario server/link_dead'],
  [
    'a scenario that does not show the row',
    { scenarios: ['link_dead'], has: ['"op":"alias"'] },
    'link_dead does not have "op":"alias"',
  ],
  ['a test that is not there', { tests: ['kernel/links: x'] }, 'no test "x" in test/kernel/links.test.ts'],
  [
    'what scenarios have, and none named',
    { has: ['x'], differs: 'It does.' },
    'says what its scenarios have, and names none',
  ],
])('red: %s', (_, row, complaint) => {
  expect(complaintsOf(row)).toEqual([`t, g, \`x/1\`: ${complaint}`])
})

test('a row with a scenario that shows it passes', () => {
  expect(complaintsOf({ scenarios: ['link_dead'], has: ['"op":"link"'] })).toEqual([])
})

test('titles are those of tests, quoted in any way, after a table too', () => {
  const text = `test('it''s', x)\ntest("a 'b'", x)\ntest('it\\'s', x)\ntest.each([\n  ['no title'],\n])('%s', x)\nconst no = f('none', 1)`
  expect([...titles(text)]).toEqual(["a 'b'", "it's", '%s'])
})
