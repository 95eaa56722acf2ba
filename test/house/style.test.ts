import { describe, expect, test } from 'vitest'
import { readSources } from './sources.ts'
import { checkStyle, maxLines } from './style.ts'

const complaintsOf = (text: string, path = 'src/kernel/sample.ts') => checkStyle(new Map([[path, text]]))
const commented = (text: string) => `// What it is for.\n${text}`

describe('the laws of style', () => {
  test('in this repository', { timeout: 120_000 }, () => {
    expect(checkStyle(readSources('src', 'actors', 'supervisors', 'cli'))).toEqual([])
  })

  test.each([
    ['any', 'let x: any'],
    ['any', 'const f = (list: Array<any>) => list'],
    ['any', 'const x = JSON.parse("1") as any'],
    ['non-null !', 'const f = (x?: number) => x!'],
    ['definite assignment !', 'class A { x!: number }'],
    ['definite assignment !', 'let x!: number'],
    ['as unknown as', 'const x = 1 as unknown as string'],
    ['as unknown as', 'const x = (1 as unknown) as string'],
    ['as unknown as', 'const x = <string>(<unknown>1)'],
    ['as unknown as', 'const x = 1 as never as string'],
    ['default export', 'export default 1'],
    ['default export', 'export default function f() {}'],
    ['default export', 'const x = 1; export { x as default }'],
    ['enum', 'enum Colour { Red }'],
    ['enum', 'declare const enum Colour { Red }'],
    ['silences the compiler', '// @ts-ignore: it knows nothing\nconst x: string = 1'],
    ['silences the compiler', 'const f = () => {\n  /* @ts-expect-error */\n  return 1\n}'],
  ])('red: %s in `%s`', (fault, text) => {
    const found = complaintsOf(commented(text))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`: ${fault}`)
  })

  test.each([
    'const any = "any" // any value',
    'const f = (x: unknown) => (x as string).length',
    'const f = (x: number) => !x',
    'switch (1 as number) { case 1: break; default: }',
    'export { default as ts } from "typescript"',
    '// The word @ts-ignore within a sentence.',
    'const x = { a: 1 } as const',
  ])('fine: `%s`', (text) => {
    expect(complaintsOf(commented(text))).toEqual([])
  })

  test(`red: a file of more than ${maxLines} lines`, () => {
    expect(complaintsOf(`// Long.${'\n'.repeat(maxLines - 1)}const x = 1\n`)).toEqual([])
    expect(complaintsOf(`// Long.${'\n'.repeat(maxLines)}const x = 1\n`)).toEqual([
      `src/kernel/sample.ts:451: 451 lines; at most ${maxLines}`,
    ])
  })

  test('red: a module that does not say what it is for, unless it is an index', () => {
    const opens = 'src/kernel/sample.ts:1: opens without a comment that says what it is for'
    expect(complaintsOf('const x = 1\n')).toEqual([opens])
    expect(complaintsOf('#!/usr/bin/env node\nconst x = 1\n')).toEqual([opens])
    expect(complaintsOf('const x = 1\n', 'src/kernel/index.ts')).toEqual([])
    expect(complaintsOf('#!/usr/bin/env node\n// The command.\n')).toEqual([])
    expect(complaintsOf('/** Time. */\nexport interface Clock {}\n')).toEqual([])
  })
})
