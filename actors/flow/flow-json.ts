// The JSON form of a flow:
//
//   { "tasks": [{ "id": "lint", "role": "linter", "dependsOn": ["types"], "priority": 5, "timeoutMs": 60000 }],
//     "parallel": 2, "timeoutMs": 300000 }
//
// Only `tasks`, `id` and `role` must be there. Invariant: what printJson writes, parseJson reads back as the same spec.

import * as v from 'valibot'
import { type Checked, fields, integer, readChecked } from './checked-json.ts'
import { type FlowSpec, flowDefaults, flowLimits, isName, isRole, nameRule } from './flow-spec.ts'

const timeoutMs = v.optional(integer(1, flowLimits.maxTimeoutMs))

const name = v.pipe(v.string(`a name (${nameRule})`), v.check(isName, `a name (${nameRule})`))

const schema = fields({
  tasks: v.pipe(
    v.array(
      fields({
        id: name,
        role: v.pipe(v.string(`a role (${nameRule})`), v.check(isRole, `a role (${nameRule})`)),
        dependsOn: v.optional(
          v.pipe(v.array(name, 'a list of task ids'), v.maxLength(flowLimits.maxTasks, 'fewer ids')),
          [],
        ),
        priority: v.optional(integer(-flowLimits.maxPriority, flowLimits.maxPriority), flowDefaults.priority),
        timeoutMs,
      }),
      'a list of tasks',
    ),
    v.minLength(1, 'at least one task'),
    v.maxLength(flowLimits.maxTasks, `at most ${flowLimits.maxTasks} tasks`),
  ),
  parallel: v.optional(integer(1, flowLimits.maxParallel), flowDefaults.parallel),
  timeoutMs,
})

/** Reads the JSON form. @throws InputError ERR_FLOW_SYNTAX with every field that is wrong. */
export function parseJson(input: string): Checked<FlowSpec> {
  const { value, problem } = readChecked(input, schema, 'ERR_FLOW_SYNTAX', flowLimits.maxInputBytes)
  const flowTimeoutMs = value.timeoutMs ?? flowDefaults.timeoutMs
  const tasks = value.tasks.map((task) => ({ ...task, timeoutMs: task.timeoutMs ?? flowTimeoutMs }))
  return { value: { tasks, parallel: value.parallel, timeoutMs: flowTimeoutMs }, problem }
}

/** Writes any spec in the JSON form; what is as by default is left out. */
export function printJson(spec: FlowSpec): string {
  const tasks = spec.tasks.map((task) => ({
    id: task.id,
    role: task.role,
    ...(task.dependsOn.length === 0 ? {} : { dependsOn: task.dependsOn }),
    ...(task.priority === flowDefaults.priority ? {} : { priority: task.priority }),
    ...(task.timeoutMs === spec.timeoutMs ? {} : { timeoutMs: task.timeoutMs }),
  }))
  const flow = {
    tasks,
    ...(spec.parallel === flowDefaults.parallel ? {} : { parallel: spec.parallel }),
    ...(spec.timeoutMs === flowDefaults.timeoutMs ? {} : { timeoutMs: spec.timeoutMs }),
  }
  return JSON.stringify(flow, undefined, 2)
}
