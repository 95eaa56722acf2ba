import { describe, expect, test } from 'vitest'
import { readAll } from './sources.ts'
import { checkWords } from './words.ts'

const complaintsOf = (line: string) => checkWords(new Map([['notes.md', `First.\n${line}\n`]]))

describe('the project’s words', () => {
  test('in this repository, whatever the kind of file', { timeout: 120_000 }, () => {
    const sources = readAll()
    sources.delete('test/house/words.test.ts') // It holds the bad samples.
    expect(sources.has('package-lock.json')).toBe(true)
    expect(checkWords(sources)).toEqual([])
  })

  test.each([
    ['a path of one machine: /work/', 'see /work/main/notes'],
    ['a path of one machine: /home/', "'/home/ann/espalier'"],
    ['a path of one machine: /root/', '`/root/.npmrc`'],
    ['a path of one machine: C:\\Users', 'C:\\Users\\ann'],
    ['a path outside the repository: ../shared', 'read ../shared/notes'],
    ['a registry’s host: registry.example.org', 'from registry.example.org'],
    ['a registry’s host: npm.example.com', 'https://npm.example.com/x'],
    ['a registry’s host: "resolved": "https:', '"resolved": "https://somewhere/x.tgz"'],
    ['a registry’s host: deb.debian.org', 'deb.debian.org'],
  ])('red: %s', (what, line) => {
    expect(complaintsOf(line)).toContain(`notes.md:2: ${what}`)
  })

  test.each([
    'docs/work/plan.md',
    'https://example.org/home/x',
    './home/x',
    '#!/usr/bin/env node',
    'registry.register(name)',
    'npm.md',
  ])('fine: %s', (line) => {
    expect(complaintsOf(line)).toEqual([])
  })
})
