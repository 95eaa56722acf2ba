import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { judges } from './judges.ts'
import { applyPatch, parsePatch } from './patch.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const sample = ['Says why.', '', '--- a/x.ts', '+++ b/x.ts', '@@ -1,2 +1,2 @@', ' one', '-two', '+deux', ''].join('\n')
const applied = (text: string) => Object.fromEntries(applyPatch(parsePatch(sample), () => text))

test('a hunk is found by its text, wherever it is', () => {
  expect(parsePatch(sample).about).toBe('Says why.')
  expect(applied('one\ntwo\n')).toEqual({ 'x.ts': 'one\ndeux\n' })
  expect(applied('zero\none\ntwo\nthree\n')).toEqual({ 'x.ts': 'zero\none\ndeux\nthree\n' })
})

test('a hunk that is not there, or there twice, or changes nothing, is refused', () => {
  expect(() => applied('one\ntwo or three\n')).toThrow('x.ts: no longer has\none\ntwo\n')
  expect(() => applied('one\ntwo\none\ntwo\n')).toThrow('x.ts: has more than once')
  expect(() => parsePatch(sample.replace('deux', 'two'))).toThrow('changes nothing')
  expect(() => parsePatch('nothing')).toThrow('no hunk')
})

test('lines that only go leave no gap, and several hunks and files may change', () => {
  const gone = `${sample.replace('+deux\n', '')}@@ -9 +9 @@\n-four\n+quatre\n--- a/y.ts\n+++ b/y.ts\n@@ @@\n-a\n+b\n`
  const files = applyPatch(parsePatch(gone), (path) => (path === 'x.ts' ? 'one\ntwo\nthree\nfour\n' : 'a\n'))
  expect(Object.fromEntries(files)).toEqual({ 'x.ts': 'one\nthree\nquatre\n', 'y.ts': 'b\n' })
})

for (const set of Object.keys(judges)) {
  const folder = new URL(`${set}/`, import.meta.url)
  const patches = readdirSync(folder).filter((name) => name.endsWith('.patch'))
  test.each(patches)(`${set}: %s applies to the sources as they are, and says what it plants`, (name) => {
    const patch = parsePatch(readFileSync(new URL(name, folder), 'utf8'))
    expect(patch.about).not.toBe('')
    expect(applyPatch(patch, read).size).toBeGreaterThan(0)
  })
}
