import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { unifiedDiff } from './diff.ts'
import { loadScenario, scenarioFiles } from './files.ts'
import { formatScenario } from './format.ts'
import { readScenario, ScenarioError } from './scenario.ts'

const recorded = 'test/conformance/recorded'

describe('recorded scenarios', () => {
  test('are all understood, and printed again byte for byte', async () => {
    const files = await scenarioFiles([recorded])
    expect(files.length).toBe(558)
    for (const file of files) {
      expect(formatScenario(await loadScenario(file)), file).toBe(await readFile(file, 'utf8'))
    }
  })
})

describe('the reader', () => {
  const signals = (step: unknown) => ({ name: 's', kind: 'signals', procs: ['a'], steps: [step] })
  const cases: [string, unknown, RegExp][] = [
    ['an unknown kind', { name: 's', kind: 'quantum', steps: [] }, /kind/],
    ['an unknown top-level field', { ...signals({ proc: 'a', op: 'links' }), colour: 'red' }, /colour/],
    ['an unknown operation', signals({ proc: 'a', op: 'levitate' }), /steps\.0\.op: .*levitate/],
    ['an unknown field of an operation', signals({ proc: 'a', op: 'links', deep: true }), /steps\.0\.deep/],
    ['an operation without its field', signals({ proc: 'a', op: 'link' }), /steps\.0\.to/],
    ['a monitor of nobody', signals({ proc: 'a', op: 'monitor' }), /exactly one of to, as/],
    ['null', signals({ proc: 'a', op: 'exit', reason: null }), /steps\.0\.reason/],
  ]
  test.each(cases)('refuses %s by name', (_, value, message) => {
    expect(() => readScenario(value)).toThrow(ScenarioError)
    expect(() => readScenario(value)).toThrow(message)
  })
})

describe('the unified diff', () => {
  const names = { a: 'old', b: 'new' }

  test('is empty for equal texts', () => {
    expect(unifiedDiff(['x', 'y'], ['x', 'y'], names)).toBe('')
  })

  test('shows a change with its context and places', () => {
    const a = ['1', '2', '3', '4', '5', '6', '7', '8', '9']
    const b = ['1', '2', '3', '4', 'five', '6', '7', '8', '9']
    expect(unifiedDiff(a, b, names, 1)).toBe('--- old\n+++ new\n@@ -4,3 +4,3 @@\n 4\n-5\n+five\n 6')
  })

  test('parts distant changes into hunks', () => {
    const a = ['a', '1', '2', '3', '4', 'b']
    const b = ['A', '1', '2', '3', '4', 'b', 'c']
    expect(unifiedDiff(a, b, names, 1)).toBe('--- old\n+++ new\n@@ -1,2 +1,2 @@\n-a\n+A\n 1\n@@ -6,1 +6,2 @@\n b\n+c')
  })
})
