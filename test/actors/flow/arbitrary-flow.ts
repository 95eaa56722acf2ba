// Arbitrary flows for property tests: valid ones, with dependencies that point backwards only.

import fc from 'fast-check'
import { type FlowSpec, flowDefaults, flowLimits, reservedWords } from '../../../actors/flow/flow-spec.ts'

export const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,12}$/).filter((text) => !reservedWords.includes(text))

const timeoutMs = fc.oneof(
  fc.constant(flowDefaults.timeoutMs),
  fc.integer({ min: 1, max: flowLimits.maxTimeoutMs }),
  fc.integer({ min: 1, max: 1440 }).map((minutes) => minutes * 60_000),
)
const parallel = fc.integer({ min: 1, max: flowLimits.maxParallel })

/** What the text form can say. */
export const plainFlow: fc.Arbitrary<FlowSpec> = fc
  .record({ roles: fc.array(name, { minLength: 1, maxLength: 20 }), parallel, timeoutMs })
  .map(({ roles, parallel, timeoutMs }) => ({
    tasks: roles.map((role, at) => ({ id: `task_${at + 1}`, role, dependsOn: [], priority: 0, timeoutMs })),
    parallel,
    timeoutMs,
  }))

/** What only JSON can say. Roles are drawn from `roles` if given. */
export function flowOf(roles: fc.Arbitrary<string> = name): fc.Arbitrary<FlowSpec> {
  const task = fc.record({
    role: roles,
    priority: fc.integer({ min: -5, max: 5 }),
    timeoutMs,
    needs: fc.array(fc.nat({ max: 30 }), { maxLength: 4 }),
  })
  return fc
    .record({ ids: fc.uniqueArray(name, { minLength: 1, maxLength: 20 }), parallel, timeoutMs })
    .chain(({ ids, parallel, timeoutMs }) =>
      fc.array(task, { minLength: ids.length, maxLength: ids.length }).map((tasks) => ({
        tasks: tasks.map(({ needs, ...rest }, at) => ({
          id: ids[at] ?? '',
          ...rest,
          dependsOn: [...new Set(needs.filter((index) => index < at).map((index) => ids[index] ?? ''))],
        })),
        parallel,
        timeoutMs,
      })),
    )
}
