// The language of flows, in its two steps: parseFlow reads either form without knowing who could do the work;
// validateFlow checks what was read against the roles there are and against itself.

import { checkSize } from './checked-json.ts'
import { parseJson, printJson } from './flow-json.ts'
import { type FlowSpec, flowLimits } from './flow-spec.ts'
import { parseText, printText } from './flow-text.ts'
import { InputError, type Problem, positionOf } from './input-error.ts'
import type { Path } from './located-json.ts'
import { didYouMean, listOf } from './nearest-word.ts'
import { findCycle } from './task-graph.ts'

export interface ParsedFlow {
  readonly spec: FlowSpec
  /** A problem where `path` (as in the JSON form: `['tasks', 0, 'role']`) stands in the input. */
  problem(path: Path, message: string): Problem
}

/**
 * Reads a flow: JSON if the first character that is no blank is `{`, else the text form.
 * @throws InputError ERR_FLOW_SYNTAX
 */
export function parseFlow(input: string): ParsedFlow {
  if (input.trimStart().startsWith('{')) {
    const { value, problem } = parseJson(input)
    return { spec: value, problem }
  }
  checkSize(input, 'ERR_FLOW_SYNTAX', flowLimits.maxInputBytes)
  const { spec, roleOffsets } = parseText(input)
  return {
    spec,
    problem: ([, index], message) => {
      const offset = typeof index === 'number' ? roleOffsets[index] : undefined
      return { ...positionOf(input, offset ?? 0), message }
    },
  }
}

/** Writes a flow so that parseFlow reads the same spec: as text if text can say it, else as JSON. */
export function printFlow(spec: FlowSpec): string {
  return printText(spec) ?? printJson(spec)
}

/**
 * Checks that every role is among `roles`, that ids are unique, that dependencies exist and form no circle.
 * @throws InputError ERR_FLOW_INVALID with all that is wrong
 */
export function validateFlow(flow: ParsedFlow, roles: readonly string[]): FlowSpec {
  const { tasks } = flow.spec
  const ids = tasks.map((task) => task.id)
  const problems: Problem[] = []
  const seen = new Set<string>()
  for (const [at, task] of tasks.entries()) {
    if (seen.has(task.id)) problems.push(flow.problem(['tasks', at, 'id'], `the id "${task.id}" is used twice`))
    seen.add(task.id)
    if (!roles.includes(task.role)) {
      const hint = didYouMean(task.role, roles)
      const message = `unknown role "${task.role}"; known roles: ${listOf(roles)}${hint}`
      problems.push(flow.problem(['tasks', at, 'role'], message))
    }
    for (const [index, needed] of task.dependsOn.entries()) {
      const path = ['tasks', at, 'dependsOn', index]
      if (!ids.includes(needed)) {
        const message = `unknown task "${needed}"; known tasks: ${listOf(ids)}${didYouMean(needed, ids)}`
        problems.push(flow.problem(path, message))
      } else if (task.dependsOn.indexOf(needed) !== index) {
        problems.push(flow.problem(path, `the dependency "${needed}" is named twice`))
      }
    }
  }
  const cycle = findCycle(tasks)
  if (cycle !== undefined) {
    const [first = '', second = ''] = cycle
    const at = ids.indexOf(first)
    const path = ['tasks', at, 'dependsOn', tasks[at]?.dependsOn.indexOf(second) ?? 0]
    problems.push(flow.problem(path, `tasks depend on each other in a circle: ${cycle.join(' → ')}`))
  }
  if (problems.length > 0) throw new InputError('ERR_FLOW_INVALID', problems)
  return flow.spec
}
