// The file that declares who can do the work of flows (`agents.json`):
//
//   { "agents": [
//     { "id": "types", "role": "type-checker", "capabilities": ["typescript"], "concurrency": 1, "estimatedMs": 9000,
//       "runner": { "kind": "command", "argv": ["npx", "tsc", "--noEmit"], "cwd": ".", "env": { "CI": "1" },
//                   "exitCode": 0, "maxOutputBytes": 65536 } },
//     { "role": "census", "runner": { "kind": "module", "url": "./census.js", "export": "countLines" } } ] }
//
// Only `role` and `runner` with its `argv`, or its `url` and `export`, must be there. Reading runs nothing.

import { dirname, isAbsolute, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as v from 'valibot'
import { OptionError } from '../../src/kernel/errors.ts'
import { type Checked, fields, integer, readChecked } from './checked-json.ts'
import { isName, isRole, nameRule } from './flow-spec.ts'
import { InputError, type Problem } from './input-error.ts'

/** Someone who can do the work of one role. */
export interface AgentDeclaration {
  /** Unique in its file. Default: the role. */
  readonly id: string
  readonly role: string
  readonly capabilities: readonly string[]
  /** How many tasks it may do at once. Default 1. */
  readonly concurrency: number
  /** How long a task is thought to take, in milliseconds: for planning only. Default 1000. */
  readonly estimatedMs: number
  readonly runner: Runner
}

/** How an agent does a task. */
export type Runner = CommandRunner | ModuleRunner

/** Runs a program; the task has succeeded if it ends with `exitCode`. */
export interface CommandRunner {
  readonly kind: 'command'
  readonly argv: readonly [string, ...string[]]
  /** Absolute. In the file relative to it; default: the file's folder. */
  readonly cwd: string
  /** Added to our own environment. */
  readonly env: Readonly<Record<string, string>>
  /** Default 0. */
  readonly exitCode: number
  /** Output kept per stream. Default 64 KiB. */
  readonly maxOutputBytes: number
}

/** Calls a function of an ES module. */
export interface ModuleRunner {
  readonly kind: 'module'
  /** A `file:` URL. In the file relative to it. */
  readonly url: string
  /** The name under which the module exports the function. */
  readonly export: string
}

/** The bounds of an agents file. */
export const agentsLimits = {
  maxFileBytes: 256 * 1024,
  maxAgents: 256,
  maxConcurrency: 64,
  maxArguments: 256,
  maxOutputBytes: 16 * 1024 * 1024,
  /** A day. */
  maxEstimatedMs: 86_400_000,
} as const

const text = (rule: string) =>
  v.pipe(
    v.string(rule),
    v.check((value) => !value.includes('\0'), `${rule} without NUL`),
  )
const named = (rule: string, fits: (value: string) => boolean) => v.pipe(v.string(rule), v.check(fits, rule))
const argvRule = 'the program and its arguments, as a list of strings'

const command = fields({
  kind: v.literal('command'),
  argv: v.pipe(
    v.tupleWithRest([v.pipe(text('a program'), v.nonEmpty('a program'))], text('an argument'), argvRule),
    v.maxLength(agentsLimits.maxArguments, `at most ${agentsLimits.maxArguments} arguments`),
  ),
  cwd: v.optional(text('a path'), '.'),
  env: v.optional(
    v.record(
      v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "a variable's name")),
      text('a string'),
      'an object of strings',
    ),
    {},
  ),
  exitCode: v.optional(integer(0, 255), 0),
  maxOutputBytes: v.optional(integer(0, agentsLimits.maxOutputBytes), 64 * 1024),
})

const module = fields({
  kind: v.literal('module'),
  url: v.pipe(text('a URL or a path relative to this file'), v.nonEmpty('a URL or a path relative to this file')),
  export: named('the name of an export', (value) => /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(value)),
})

const schema = fields({
  agents: v.pipe(
    v.array(
      fields({
        id: v.optional(named(`a name (${nameRule})`, isName)),
        role: named(`a role (${nameRule}; not "parallel" or "timeout")`, isRole),
        capabilities: v.optional(
          v.pipe(
            v.array(named(`a name (${nameRule})`, isName), 'a list of names'),
            v.maxLength(64, 'at most 64 names'),
          ),
          [],
        ),
        concurrency: v.optional(integer(1, agentsLimits.maxConcurrency), 1),
        estimatedMs: v.optional(integer(1, agentsLimits.maxEstimatedMs), 1000),
        runner: v.variant('kind', [command, module], (issue) =>
          issue.path === undefined ? 'an object' : '"command" or "module"',
        ),
      }),
      'a list of agents',
    ),
    v.minLength(1, 'at least one agent'),
    v.maxLength(agentsLimits.maxAgents, `at most ${agentsLimits.maxAgents} agents`),
  ),
})

type Declared = v.InferOutput<typeof schema>['agents'][number]

/**
 * Reads an agents file.
 * @param path the file's absolute path: folders and modules are named relative to it
 * @throws InputError ERR_AGENTS_FILE with every field that is wrong, by path, line and column
 */
export function parseAgents(input: string, path: string): readonly AgentDeclaration[] {
  if (!isAbsolute(path)) throw new OptionError('path', path, 'an absolute path')
  const checked = readChecked(input, schema, 'ERR_AGENTS_FILE', agentsLimits.maxFileBytes)
  const problems = [...duplicates(checked), ...farModules(checked, path)]
  if (problems.length > 0) throw new InputError('ERR_AGENTS_FILE', problems)
  return checked.value.agents.map((agent) => ({
    ...agent,
    id: agent.id ?? agent.role,
    runner:
      agent.runner.kind === 'command'
        ? { ...agent.runner, cwd: resolve(dirname(path), agent.runner.cwd) }
        : { ...agent.runner, url: moduleUrl(agent.runner.url, path) ?? agent.runner.url },
  }))
}

/** The roles that the agents can do, each once, in the order of the file. */
export function rolesOf(agents: readonly AgentDeclaration[]): string[] {
  return [...new Set(agents.map((agent) => agent.role))]
}

function duplicates({ value, problem }: Checked<{ agents: Declared[] }>): Problem[] {
  const seen = new Set<string>()
  return value.agents.flatMap((agent, at) => {
    const id = agent.id ?? agent.role
    if (!seen.has(id)) {
      seen.add(id)
      return []
    }
    const more = agent.id === undefined ? '; give one of the agents of this role an id' : ''
    const path = agent.id === undefined ? ['agents', at, 'role'] : ['agents', at, 'id']
    return [problem(path, `agents[${at}]: the id "${id}" is used twice${more}`)]
  })
}

function farModules({ value, problem }: Checked<{ agents: Declared[] }>, path: string): Problem[] {
  return value.agents.flatMap(({ runner }, at) => {
    if (runner.kind !== 'module' || moduleUrl(runner.url, path) !== undefined) return []
    const message = `agents[${at}].runner.url: expected a file: URL or a relative path, found ${JSON.stringify(runner.url)}`
    return [problem(['agents', at, 'runner', 'url'], message)]
  })
}

function moduleUrl(url: string, path: string): string | undefined {
  const { href } = pathToFileURL(path)
  if (!URL.canParse(url, href)) return undefined
  const resolved = new URL(url, href)
  return resolved.protocol === 'file:' ? resolved.href : undefined
}
