// The text form of a flow: `role, role parallel N timeout 300s`.
//
//   flow     = role { "," role } { clause }
//   clause   = "parallel" number | "timeout" duration     (each at most once, in any order)
//   duration = digits ( "ms" | "s" | "m" )
//
// Invariant: what printText writes, parseText reads back as the same spec.

import { defaultTaskId, type FlowSpec, flowDefaults, flowLimits, isRole, nameRule, reservedWords } from './flow-spec.ts'
import { InputError, positionOf } from './input-error.ts'
import { didYouMean } from './nearest-word.ts'

interface Token {
  /** Empty at the end of the input. */
  readonly text: string
  readonly offset: number
}

/** The spec, and where each task's role stands. */
export interface ParsedText {
  readonly spec: FlowSpec
  readonly roleOffsets: readonly number[]
}

/** Reads the text form. @throws InputError ERR_FLOW_SYNTAX with the place of the first thing not expected. */
export function parseText(input: string): ParsedText {
  return new TextParser(input).parse()
}

/** Writes a spec in the text form, or answers undefined if it holds what only JSON can say. */
export function printText(spec: FlowSpec): string | undefined {
  const plain = spec.tasks.every(
    (task, at) =>
      task.id === defaultTaskId(at) &&
      task.dependsOn.length === 0 &&
      task.priority === flowDefaults.priority &&
      task.timeoutMs === spec.timeoutMs,
  )
  if (!plain) return undefined
  const parallel = spec.parallel === flowDefaults.parallel ? '' : ` parallel ${spec.parallel}`
  const timeout = spec.timeoutMs === flowDefaults.timeoutMs ? '' : ` timeout ${printDuration(spec.timeoutMs)}`
  return spec.tasks.map((task) => task.role).join(', ') + parallel + timeout
}

/** The shortest of `ms`, `s` and `m` that says it exactly. */
export function printDuration(ms: number): string {
  if (ms % 60_000 === 0) return `${ms / 60_000}m`
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}

class TextParser {
  readonly #input: string
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(input: string) {
    this.#input = input
    const tokens = [...input.matchAll(/,|[^\s,]+/g)].map((match) => ({ text: match[0], offset: match.index }))
    this.#tokens = [...tokens, { text: '', offset: input.length }]
  }

  parse(): ParsedText {
    const roles = this.#roles()
    const clauses = new Map<string, number>()
    while (this.#peek().text !== '') this.#clause(clauses)
    const timeoutMs = clauses.get('timeout') ?? flowDefaults.timeoutMs
    const tasks = roles.map((token, at) => ({
      id: defaultTaskId(at),
      role: token.text,
      dependsOn: [],
      priority: flowDefaults.priority,
      timeoutMs,
    }))
    const spec = { tasks, parallel: clauses.get('parallel') ?? flowDefaults.parallel, timeoutMs }
    return { spec, roleOffsets: roles.map((token) => token.offset) }
  }

  #roles(): Token[] {
    const roles: Token[] = []
    do {
      const token = this.#next()
      if (!isRole(token.text)) this.#fail(token, token.text === '' ? 'a role' : `a role (${nameRule})`)
      if (roles.length === flowLimits.maxTasks) this.#fail(token, `at most ${flowLimits.maxTasks} roles`)
      roles.push(token)
    } while (this.#skip(','))
    return roles
  }

  #clause(clauses: Map<string, number>): void {
    const word = this.#next()
    if (!reservedWords.includes(word.text)) {
      const missing = reservedWords.filter((each) => !clauses.has(each)).map((each) => `"${each}"`)
      const comma = clauses.size === 0 ? ['","'] : []
      this.#fail(word, [...comma, ...missing, 'the end'].join(' or '))
    }
    if (clauses.has(word.text)) this.#fail(word, `"${word.text}" only once`)
    clauses.set(word.text, word.text === 'parallel' ? this.#count() : this.#duration())
  }

  #count(): number {
    const token = this.#next()
    if (!/^\d+$/.test(token.text)) this.#fail(token, 'a number after "parallel"')
    const value = Number(token.text)
    if (value < 1 || value > flowLimits.maxParallel) {
      this.#fail(token, `a number from 1 to ${flowLimits.maxParallel} after "parallel"`)
    }
    return value
  }

  #duration(): number {
    const token = this.#next()
    const [, digits, unit] = /^(\d+)(ms|s|m)$/.exec(token.text) ?? []
    if (digits === undefined) this.#fail(token, 'a duration such as 300s, 500ms or 5m after "timeout"')
    const value = Number(digits) * (unit === 'ms' ? 1 : unit === 's' ? 1000 : 60_000)
    if (value < 1 || value > flowLimits.maxTimeoutMs) {
      this.#fail(token, `a duration from 1ms to ${printDuration(flowLimits.maxTimeoutMs)} after "timeout"`)
    }
    return value
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { text: '', offset: this.#input.length }
  }

  #next(): Token {
    const token = this.#peek()
    this.#at += 1
    return token
  }

  #skip(text: string): boolean {
    if (this.#peek().text !== text) return false
    this.#at += 1
    return true
  }

  #fail(token: Token, expected: string): never {
    const found = token.text === '' ? 'the end' : JSON.stringify(token.text.slice(0, 64))
    const hint = reservedWords.includes(token.text) ? '' : didYouMean(token.text, reservedWords)
    const message = `expected ${expected}, found ${found}${hint}`
    throw new InputError('ERR_FLOW_SYNTAX', [{ ...positionOf(this.#input, token.offset), message }])
  }
}
