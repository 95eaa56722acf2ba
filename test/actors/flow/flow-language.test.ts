import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseFlow, printFlow, validateFlow } from '../../../actors/flow/flow-language.ts'
import { flowLimits } from '../../../actors/flow/flow-spec.ts'
import { InputError } from '../../../actors/flow/input-error.ts'
import { flowOf, plainFlow } from './arbitrary-flow.ts'

const roles = ['lint', 'types', 'census', 'test-writer']
const plain = (id: string, role: string, timeoutMs = 300_000) => ({ id, role, dependsOn: [], priority: 0, timeoutMs })

function errorOf(run: () => unknown): InputError {
  try {
    run()
  } catch (error) {
    if (error instanceof InputError) return error
    throw error
  }
  throw new Error('expected an InputError')
}
const syntax = (input: string) => {
  const error = errorOf(() => parseFlow(input))
  expect(error.code).toBe('ERR_FLOW_SYNTAX')
  return error.message
}
const invalid = (input: string) => {
  const error = errorOf(() => validateFlow(parseFlow(input), roles))
  expect(error.code).toBe('ERR_FLOW_INVALID')
  return error.message
}

describe('the text form', () => {
  test.each([
    ['lint', [plain('task_1', 'lint')], 2, 300_000],
    [
      'lint, types parallel 4 timeout 60s',
      [plain('task_1', 'lint', 60_000), plain('task_2', 'types', 60_000)],
      4,
      60_000,
    ],
    ['  lint ,lint\n timeout 500ms\tparallel 1 ', [plain('task_1', 'lint', 500), plain('task_2', 'lint', 500)], 1, 500],
    ['test-writer timeout 5m', [plain('task_1', 'test-writer', 300_000)], 2, 300_000],
  ])('%j', (input, tasks, parallel, timeoutMs) => {
    expect(validateFlow(parseFlow(input), roles)).toEqual({ tasks, parallel, timeoutMs })
  })

  test.each([
    ['', 'line 1, column 1: expected a role, found the end'],
    ['  \n ', 'line 2, column 2: expected a role, found the end'],
    ['lint,', 'line 1, column 6: expected a role, found the end'],
    [
      'lint,, types',
      'line 1, column 6: expected a role (a letter, then letters, digits, ".", "_" or "-", 64 at most), found ","',
    ],
    [
      'lint, parallel 2',
      'line 1, column 7: expected a role (a letter, then letters, digits, ".", "_" or "-", 64 at most), found "parallel"',
    ],
    ['lint types', 'line 1, column 6: expected "," or "parallel" or "timeout" or the end, found "types"'],
    [
      'lint paralel 2',
      'line 1, column 6: expected "," or "parallel" or "timeout" or the end, found "paralel". Did you mean "parallel"?',
    ],
    ['lint, x parallel x', 'line 1, column 18: expected a number after "parallel", found "x"'],
    ['lint parallel', 'line 1, column 14: expected a number after "parallel", found the end'],
    ['lint parallel 0', 'line 1, column 15: expected a number from 1 to 64 after "parallel", found "0"'],
    ['lint parallel -1', 'line 1, column 15: expected a number after "parallel", found "-1"'],
    ['lint parallel 2 parallel 3', 'line 1, column 17: expected "parallel" only once, found "parallel"'],
    ['lint parallel 2, types', 'line 1, column 16: expected "timeout" or the end, found ","'],
    ['lint parallel 2 timeout 1s x', 'line 1, column 28: expected the end, found "x"'],
    [
      'lint timeout 300',
      'line 1, column 14: expected a duration such as 300s, 500ms or 5m after "timeout", found "300"',
    ],
    [
      'lint timeout 1.5s',
      'line 1, column 14: expected a duration such as 300s, 500ms or 5m after "timeout", found "1.5s"',
    ],
    ['lint timeout 0s', 'line 1, column 14: expected a duration from 1ms to 1440m after "timeout", found "0s"'],
    ['lint timeout 2000m', 'line 1, column 14: expected a duration from 1ms to 1440m after "timeout", found "2000m"'],
    [
      '🌱, lint',
      'line 1, column 1: expected a role (a letter, then letters, digits, ".", "_" or "-", 64 at most), found "🌱"',
    ],
    ['lint\n  🌱 x', 'line 2, column 3: expected "," or "parallel" or "timeout" or the end, found "🌱"'],
  ])('red: %j', (input, message) => {
    expect(syntax(input)).toBe(message)
  })

  test('unknown roles are all named, with those that are known and the nearest', () => {
    expect(invalid('lnt, lint, xyz')).toBe(
      [
        'line 1, column 1: unknown role "lnt"; known roles: lint, types, census, test-writer. Did you mean "lint"?',
        'line 1, column 12: unknown role "xyz"; known roles: lint, types, census, test-writer',
      ].join('\n'),
    )
  })

  test('its bounds are kept', () => {
    const many = (count: number) => Array.from({ length: count }, () => 'lint').join(',')
    expect(parseFlow(many(flowLimits.maxTasks)).spec.tasks).toHaveLength(flowLimits.maxTasks)
    expect(syntax(many(flowLimits.maxTasks + 1))).toBe('line 1, column 1281: expected at most 256 roles, found "lint"')
    expect(syntax('é'.repeat(40_000))).toBe('line 1, column 1: expected at most 65536 bytes, found 80000')
  })
})

describe('the JSON form', () => {
  test('fills in the defaults', () => {
    const input =
      '{"tasks": [{"id": "a", "role": "lint"}, {"id": "b", "role": "types", "dependsOn": ["a"], "priority": 3}]}'
    expect(validateFlow(parseFlow(input), roles)).toEqual({
      tasks: [plain('a', 'lint'), { ...plain('b', 'types'), dependsOn: ['a'], priority: 3 }],
      parallel: 2,
      timeoutMs: 300_000,
    })
  })

  test('a task’s own time-out goes before the flow’s', () => {
    const input =
      '{"tasks": [{"id": "a", "role": "lint", "timeoutMs": 7}, {"id": "b", "role": "lint"}], "timeoutMs": 9}'
    expect(parseFlow(input).spec.tasks.map((task) => task.timeoutMs)).toEqual([7, 9])
  })

  test.each([
    ['{', 'line 1, column 2: expected a name in quotes or "}", found the end'],
    ['{"tasks": []', 'line 1, column 13: expected "," or "}", found the end'],
    ['{"tasks": [}', 'line 1, column 12: expected a value, found "}"'],
    ['{"tasks": [1,]}', 'line 1, column 14: expected a value, found "]"'],
    ['{"a": 1, "a": 2}', 'line 1, column 10: the name "a" comes twice'],
    ['{"a": nul}', 'line 1, column 7: expected a value, found "nul"'],
    ['{"a": "x\ny"}', 'line 1, column 7: expected a string that ends on its line, with valid escapes'],
    ['{} x', 'line 1, column 4: expected the end, found "x"'],
    [`{"a": ${'['.repeat(40)}`, 'line 1, column 39: expected at most 32 levels, found "["'],
    ['{}', 'line 1, column 1: tasks: missing'],
    ['{"tasks": []}', 'line 1, column 11: tasks: expected at least one task, found []'],
    ['{"tasks": {}}', 'line 1, column 11: tasks: expected a list of tasks, found {}'],
    ['{"tasks": [{"id": "a"}]}', 'line 1, column 12: tasks[0].role: missing'],
    [
      '{"tasks": [{"id": "a", "role": "lint"}], "paralel": 3}',
      'line 1, column 53: paralel: unknown field; known here: tasks, parallel, timeoutMs. Did you mean "parallel"?',
    ],
    [
      '{"tasks": [{"id": "a",\n "role": "lint", "priority": 1.5}]}',
      'line 2, column 30: tasks[0].priority: expected an integer from -1000 to 1000, found 1.5',
    ],
    [
      '{"tasks": [{"id": "a", "role": "timeout"}]}',
      'line 1, column 32: tasks[0].role: expected a role (a letter, then letters, digits, ".", "_" or "-", 64 at most), found "timeout"',
    ],
    [
      '{"tasks": [{"id": "a", "role": "lint", "__proto__": 1}]}',
      expect.stringContaining('tasks[0].__proto__: unknown field'),
    ],
  ])('red: %s', (input, message) => {
    expect(syntax(input)).toEqual(message)
  })

  const task = (id: string, ...dependsOn: string[]) => ({ id, role: 'lint', dependsOn })
  test.each([
    ['a circle', [task('a', 'b'), task('b', 'a')], 'tasks depend on each other in a circle: a → b → a'],
    ['a task that needs itself', [task('a', 'a')], 'tasks depend on each other in a circle: a → a'],
    [
      'a circle away from the first task',
      [task('x', 'a'), task('a', 'b'), task('b', 'c'), task('c', 'a'), task('y')],
      'tasks depend on each other in a circle: a → b → c → a',
    ],
    [
      'an unknown dependency',
      [task('build'), task('b', 'biuld')],
      'unknown task "biuld"; known tasks: build, b. Did you mean "build"?',
    ],
    ['a dependency named twice', [task('a'), task('b', 'a', 'a')], 'the dependency "a" is named twice'],
    ['an id used twice', [task('a'), task('a')], 'the id "a" is used twice'],
  ])('red: %s', (_name, tasks, message) => {
    expect(invalid(JSON.stringify({ tasks }))).toMatch(
      new RegExp(`^line 1, column \\d+: ${message.replace('?', '\\?')}$`),
    )
  })

  test('a circle is shown where one of its dependencies stands', () => {
    const input =
      '{"tasks": [{"id": "a", "role": "lint",\n  "dependsOn": ["b"]}, {"id": "b", "role": "lint", "dependsOn": ["a"]}]}'
    expect(invalid(input)).toBe('line 2, column 17: tasks depend on each other in a circle: a → b → a')
  })
})

describe('properties', () => {
  test('round trip: what is printed as text is parsed as the same flow', () => {
    fc.assert(
      fc.property(plainFlow, (spec) => {
        const text = printFlow(spec)
        expect(text).not.toContain('{')
        expect(parseFlow(text).spec).toEqual(spec)
      }),
    )
  })

  test('round trip: any flow', () => {
    fc.assert(
      fc.property(flowOf(), (spec) => {
        expect(parseFlow(printFlow(spec)).spec).toEqual(spec)
      }),
    )
  })

  test('idempotence: printing what was parsed changes nothing', () => {
    fc.assert(
      fc.property(fc.oneof(plainFlow, flowOf()), (spec) => {
        const printed = printFlow(spec)
        expect(printFlow(parseFlow(printed).spec)).toBe(printed)
      }),
    )
  })

  test('invariance: blanks between words do not matter', () => {
    const blank = fc.stringMatching(/^[ \t\n]{1,3}$/)
    fc.assert(
      fc.property(plainFlow, fc.infiniteStream(blank), (spec, blanks) => {
        const text = printFlow(spec).replace(/ /g, () => String(blanks.next().value))
        expect(parseFlow(text).spec).toEqual(spec)
      }),
    )
  })

  test('totality: any input is a flow or an InputError inside the input', () => {
    const word = fc.constantFrom(
      'lint',
      ',',
      'parallel',
      'timeout',
      '2',
      '3s',
      '{',
      '}',
      '[',
      '"tasks"',
      ':',
      '"',
      '\\',
      '\n',
    )
    const input = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(word, { maxLength: 30 }).map((words) => words.join(' ')),
      fc.tuple(flowOf(), fc.nat(), fc.string({ maxLength: 2 })).map(([spec, at, text]) => {
        const printed = printFlow(spec)
        const cut = at % (printed.length + 1)
        return printed.slice(0, cut) + text + printed.slice(cut + 1)
      }),
    )
    fc.assert(
      fc.property(input, (text) => {
        try {
          validateFlow(parseFlow(text), roles)
        } catch (error) {
          if (!(error instanceof InputError)) throw error
          expect(error.problems.length).toBeGreaterThan(0)
          const lines = text.split('\n')
          for (const { line, column } of error.problems) {
            expect(line).toBeLessThanOrEqual(lines.length)
            expect(column).toBeLessThanOrEqual([...(lines[line - 1] ?? '')].length + 1)
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})
