import { describe, expect, test } from 'vitest'
import { parseAgents, rolesOf } from '../../../actors/flow/agents-file.ts'
import { InputError } from '../../../actors/flow/input-error.ts'
import { OptionError } from '../../../src/kernel/errors.ts'

const path = '/srv/flows/agents.json'
const parse = (value: unknown) => parseAgents(typeof value === 'string' ? value : JSON.stringify(value), path)
const withRunner = (runner: unknown) => ({ agents: [{ role: 'lint', runner }] })
const run = { kind: 'command', argv: ['true'] }

function problemsOf(value: unknown): string[] {
  try {
    parse(value)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    expect(error.code).toBe('ERR_AGENTS_FILE')
    return error.problems.map((problem) => problem.message)
  }
  throw new Error('expected an InputError')
}

test('a command gets its defaults, and its folder is the file’s', () => {
  expect(parse(withRunner(run))).toEqual([
    {
      id: 'lint',
      role: 'lint',
      capabilities: [],
      concurrency: 1,
      estimatedMs: 1000,
      runner: { kind: 'command', argv: ['true'], cwd: '/srv/flows', env: {}, exitCode: 0, maxOutputBytes: 65_536 },
    },
  ])
})

test('what is written stands', () => {
  const agent = { id: 'a', role: 'lint', capabilities: ['ts', 'json'], concurrency: 3, estimatedMs: 50 }
  const runner = { kind: 'command', argv: ['npx', ''], cwd: '../x', env: { CI: '1' }, exitCode: 2, maxOutputBytes: 9 }
  expect(parse({ agents: [{ ...agent, runner }] })).toEqual([{ ...agent, runner: { ...runner, cwd: '/srv/x' } }])
})

test.each([
  ['./census.js', 'file:///srv/flows/census.js'],
  ['../a b#c.js', 'file:///srv/a%20b#c.js'],
  ['file:///opt/census.js', 'file:///opt/census.js'],
])('the module %s is %s', (url, resolved) => {
  expect(parse(withRunner({ kind: 'module', url, export: 'count' }))[0]?.runner).toEqual({
    kind: 'module',
    url: resolved,
    export: 'count',
  })
})

test('roles are listed once, in order', () => {
  const agents = ['b', 'a', 'b'].map((role, at) => ({ id: `agent-${at}`, role, runner: run }))
  expect(rolesOf(parse({ agents }))).toEqual(['b', 'a'])
})

describe('red: errors name the field', () => {
  test.each<[unknown, string[]]>([
    [{}, ['agents: missing']],
    [3, ['the whole: expected an object, found 3']],
    [[], ['agents: missing']],
    [{ agents: [] }, ['agents: expected at least one agent, found []']],
    [{ agents: [3] }, ['agents[0]: expected an object, found 3']],
    [{ agents: [{ role: 'lint' }] }, ['agents[0].runner: missing']],
    [
      { agents: [{ role: 'parallel', runner: run }] },
      [
        'agents[0].role: expected a role (a letter, then letters, digits, ".", "_" or "-", 64 at most; not "parallel" or "timeout"), found "parallel"',
      ],
    ],
    [
      { agents: [{ role: 'lint', runner: run, concurency: 2 }] },
      [
        'agents[0].concurency: unknown field; known here: id, role, capabilities, concurrency, estimatedMs, runner. Did you mean "concurrency"?',
      ],
    ],
    [
      { agents: [{ role: 'lint', runner: run, concurrency: 0, capabilities: ['a b'] }] },
      [
        'agents[0].concurrency: expected an integer from 1 to 64, found 0',
        'agents[0].capabilities[0]: expected a name (a letter, then letters, digits, ".", "_" or "-", 64 at most), found "a b"',
      ],
    ],
    [withRunner({ argv: ['true'] }), ['agents[0].runner.kind: expected "command" or "module", found nothing']],
    [withRunner({ kind: 'shell' }), ['agents[0].runner.kind: expected "command" or "module", found "shell"']],
    [withRunner('npm test'), ['agents[0].runner: expected an object, found "npm test"']],
    [withRunner({ kind: 'command' }), ['agents[0].runner.argv: missing']],
    [withRunner({ kind: 'command', argv: [] }), ['agents[0].runner.argv[0]: expected a program, found nothing']],
    [withRunner({ kind: 'command', argv: [''] }), ['agents[0].runner.argv[0]: expected a program, found ""']],
    [
      withRunner({ kind: 'command', argv: ['a', 'b\0'] }),
      ['agents[0].runner.argv[1]: expected an argument without NUL, found "b\\u0000"'],
    ],
    [
      withRunner({ ...run, argv: 'true' }),
      ['agents[0].runner.argv: expected the program and its arguments, as a list of strings, found "true"'],
    ],
    [withRunner({ ...run, env: { CI: 1 } }), ['agents[0].runner.env.CI: expected a string, found 1']],
    [
      withRunner({ ...run, env: { 'A=B': '' } }),
      ['agents[0].runner.env["A=B"]: expected a variable\'s name, found "A=B"'],
    ],
    [
      withRunner({ ...run, exitCode: 256 }),
      ['agents[0].runner.exitCode: expected an integer from 0 to 255, found 256'],
    ],
    [
      withRunner({ kind: 'module', url: 'https://example.org/x.js', export: 'run' }),
      ['agents[0].runner.url: expected a file: URL or a relative path, found "https://example.org/x.js"'],
    ],
    [
      withRunner({ kind: 'module', url: './x.js', export: 'not a name' }),
      ['agents[0].runner.export: expected the name of an export, found "not a name"'],
    ],
    [
      {
        agents: [
          { role: 'lint', runner: run },
          { role: 'lint', runner: run },
        ],
      },
      ['agents[1]: the id "lint" is used twice; give one of the agents of this role an id'],
    ],
  ])('%j', (value, problems) => {
    expect(problemsOf(value)).toEqual(problems)
  })

  test('at its line and column', () => {
    const text = '{\n  "agents": [\n    { "role": "lint", "runner": { "kind": "command", "argv": [7] } }\n  ]\n}'
    expect(() => parse(text)).toThrow('line 3, column 63: agents[0].runner.argv[0]: expected a program, found 7')
  })

  test('a relative path of the file itself is a wrong option', () => {
    expect(() => parseAgents('{}', 'agents.json')).toThrow(OptionError)
  })
})
