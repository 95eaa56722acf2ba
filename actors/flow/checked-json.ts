// JSON text checked against a schema: problems name the field by its path and stand at its line and column.
//
// A schema's message says what is allowed ("a number from 1 to 64"); the rest of the sentence is put together here.

import * as v from 'valibot'
import { show } from '../../src/kernel/errors.ts'
import { InputError, type Problem, positionOf } from './input-error.ts'
import { JsonSyntaxError, type LocatedJson, type Path, readJson } from './located-json.ts'
import { didYouMean, listOf } from './nearest-word.ts'

export interface Checked<T> {
  readonly value: T
  /** A problem at the value at `path`. */
  problem(path: Path, message: string): Problem
}

/**
 * Reads and checks `text`, at most `maxBytes` of UTF-8.
 * @throws InputError with `code`
 */
export function readChecked<T>(
  text: string,
  schema: v.GenericSchema<unknown, T>,
  code: InputError['code'],
  maxBytes: number,
): Checked<T> {
  checkSize(text, code, maxBytes)
  let json: LocatedJson
  try {
    json = readJson(text)
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    throw new InputError(code, [{ ...positionOf(text, error.offset), message: error.message }])
  }
  const problem = (path: Path, message: string) => ({ ...positionOf(text, json.locate(path)), message })
  const result = v.safeParse(schema, json.value)
  if (result.success) return { value: result.output, problem }
  throw new InputError(
    code,
    result.issues.map((issue) => problem(pathOf(issue), describe(issue))),
  )
}

/** An object that has these fields and no others. */
export function fields<const Entries extends v.ObjectEntries>(entries: Entries) {
  const known = Object.keys(entries)
  return v.strictObject(entries, (issue: v.StrictObjectIssue) => {
    if (issue.expected === 'Object') return 'an object'
    if (issue.expected !== 'never') return 'missing'
    return `unknown field; known here: ${listOf(known)}${didYouMean(String(issue.input), known)}`
  })
}

/** An integer within bounds, both included. */
export function integer(least: number, most: number) {
  const rule = `an integer from ${least} to ${most}`
  return v.pipe(v.number(rule), v.integer(rule), v.minValue(least, rule), v.maxValue(most, rule))
}

/** @throws InputError with `code` if `text` is longer than `maxBytes` in UTF-8. */
export function checkSize(text: string, code: InputError['code'], maxBytes: number): void {
  const bytes = new TextEncoder().encode(text).length
  if (bytes <= maxBytes) return
  throw new InputError(code, [{ line: 1, column: 1, message: `expected at most ${maxBytes} bytes, found ${bytes}` }])
}

/** `tasks[0].role`; the whole is `the file`. */
export function printPath(path: Path): string {
  const text = path
    .map((key) => (typeof key === 'number' ? `[${key}]` : /^\w+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`))
    .join('')
  return text === '' ? 'the whole' : text.replace(/^\./, '')
}

function describe(issue: v.BaseIssue<unknown>): string {
  const where = printPath(pathOf(issue))
  if (issue.type === 'strict_object' && issue.path?.at(-1)?.origin === 'key') return `${where}: ${issue.message}`
  return `${where}: expected ${issue.message}, found ${issue.input === undefined ? 'nothing' : show(issue.input)}`
}

function pathOf(issue: v.BaseIssue<unknown>): Path {
  return (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)))
}
