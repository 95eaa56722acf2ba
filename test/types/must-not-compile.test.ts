import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const config = ts.readConfigFile(`${root}/tsconfig.json`, (file) => ts.sys.readFile(file))
const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root, { incremental: false, noEmit: true })
delete options.tsBuildInfoFile

/** The lines of `file` that do not compile, if it had this text. */
function badLines(file: string, text: string): number[] {
  const host = ts.createCompilerHost(options)
  const read = host.getSourceFile.bind(host)
  host.getSourceFile = (name, target) => (name === file ? ts.createSourceFile(name, text, target) : read(name, target))
  const program = ts.createProgram([file], options, host)
  const source = program.getSourceFile(file)
  if (source === undefined) throw new Error(`${file} is no part of its own program`)
  const found = program.getSemanticDiagnostics(source)
  return [...new Set(found.map(({ start = 0 }) => source.getLineAndCharacterOfPosition(start).line))]
}

const fixture = path('must-not-compile.ts')
const text = readFileSync(fixture, 'utf8')
const lines = text.split('\n')
const marks = lines.flatMap((line, i) => (line.includes('// @ts-expect-error') ? [i] : []))

describe('what must not compile', () => {
  test('does not, each for itself; there are more than twenty', () => {
    const unmarked = lines.map((line) => line.replace('@ts-expect-error', '')).join('\n')
    const bad = badLines(fixture, unmarked)
    expect(marks.length).toBeGreaterThan(20)
    // A mark covers the line behind it, and every error lies in such a line.
    expect(bad.filter((line) => !marks.includes(line - 1))).toEqual([])
    expect(marks.filter((mark) => !bad.includes(mark + 1)).map((mark) => lines[mark])).toEqual([])
  }, 60_000)

  test('red: a marked line that compiles', () => {
    const right = text.replace("counter.call('gett')", "counter.call('get')")
    expect(right).not.toBe(text)
    expect(badLines(fixture, right)).toEqual([lines.findIndex((line) => line.includes("counter.call('gett')")) - 1])
  }, 60_000)

  test('and the sketch of the API does', () => {
    const sketch = path('sketch.ts')
    expect(badLines(sketch, readFileSync(sketch, 'utf8'))).toEqual([])
  }, 60_000)
})
