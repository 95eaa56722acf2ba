// Errors in what people write (flows, agents files): each names its place and what was expected there.

import { EspalierError } from '../../src/kernel/errors.ts'

/** A place in a text, as editors count: from 1; a column is a code point. */
export interface Position {
  readonly line: number
  readonly column: number
}

export interface Problem extends Position {
  readonly message: string
}

/** The most problems that one error holds. */
export const maxProblems = 20

/**
 * An input that cannot be used. `ERR_FLOW_SYNTAX`: it cannot be read; `ERR_FLOW_INVALID`: it reads well but names a
 * role, task or circle that cannot be; `ERR_AGENTS_FILE`: an agents file is wrong.
 */
export class InputError extends EspalierError {
  declare readonly code: 'ERR_FLOW_SYNTAX' | 'ERR_FLOW_INVALID' | 'ERR_AGENTS_FILE'
  /** In the order of the input, at least one, at most {@link maxProblems}. */
  readonly problems: readonly Problem[]

  constructor(code: InputError['code'], problems: readonly Problem[]) {
    const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column).slice(0, maxProblems)
    super(code, sorted.map(({ line, column, message }) => `line ${line}, column ${column}: ${message}`).join('\n'))
    this.problems = sorted
  }
}

/** The place of an offset (in UTF-16 units) of `text`. */
export function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  return { line: before.split('\n').length, column: [...before.slice(lineStart)].length + 1 }
}
