import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bottomLevels,
  criticalPath,
  findCycle,
  type TaskNode,
  topologicalOrder,
  wavesOf,
} from '../../../actors/flow/task-graph.ts'
import { flowOf } from './arbitrary-flow.ts'

const node = (id: string, ...dependsOn: string[]): TaskNode => ({ id, dependsOn })

/** Kahn's algorithm (1962), as the model: what is left when tasks without open dependencies are taken away. */
function leftByKahn(tasks: readonly TaskNode[]): TaskNode[] {
  let left = [...tasks]
  for (;;) {
    const ids = left.map((task) => task.id)
    const blocked = left.filter((task) => task.dependsOn.some((id) => ids.includes(id)))
    if (blocked.length === left.length) return left
    left = blocked
  }
}

const graph = fc
  .array(fc.array(fc.nat(9), { maxLength: 3 }), { minLength: 1, maxLength: 9 })
  .map((edges) => edges.map((needs, at) => node(`t${at}`, ...new Set(needs.map((need) => `t${need}`)))))

describe('findCycle', () => {
  test('names the circle, not the way to it', () => {
    expect(findCycle([node('x', 'a'), node('a', 'b'), node('b', 'c', 'a'), node('c')])).toEqual(['a', 'b', 'a'])
    expect(findCycle([node('a', 'a')])).toEqual(['a', 'a'])
    expect(findCycle([node('a', 'gone'), node('b', 'a')])).toBeUndefined()
  })

  test('model: finds a circle where Kahn’s algorithm gets stuck, and only there', () => {
    fc.assert(
      fc.property(graph, (tasks) => {
        const cycle = findCycle(tasks)
        expect(cycle === undefined).toBe(leftByKahn(tasks).length === 0)
        if (cycle === undefined) return
        expect(cycle.at(-1)).toBe(cycle[0])
        expect(new Set(cycle).size).toBe(cycle.length - 1)
        for (const [at, id] of cycle.slice(0, -1).entries()) {
          expect(tasks.find((task) => task.id === id)?.dependsOn).toContain(cycle[at + 1])
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('graphs without circles', () => {
  const tasks = flowOf().map((spec) => spec.tasks)
  const reversed = tasks.map((each) => each.toReversed())

  test('topological order: every task once, after those it depends on', () => {
    fc.assert(
      fc.property(reversed, (tasks) => {
        const order = topologicalOrder(tasks).map((task) => task.id)
        expect(order.toSorted()).toEqual(tasks.map((task) => task.id).toSorted())
        for (const task of tasks) {
          for (const id of task.dependsOn) expect(order.indexOf(id)).toBeLessThan(order.indexOf(task.id))
        }
      }),
    )
  })

  test('waves: each task depends on one of the wave before, and on none of its own or a later one', () => {
    fc.assert(
      fc.property(reversed, (tasks) => {
        const waves = wavesOf(tasks)
        const waveOf = new Map(waves.flatMap((wave, at) => wave.map((task) => [task.id, at] as const)))
        expect(waveOf.size).toBe(tasks.length)
        for (const task of tasks) {
          const needed = task.dependsOn.map((id) => waveOf.get(id) ?? Number.NaN)
          expect(Math.max(-1, ...needed)).toBe((waveOf.get(task.id) ?? Number.NaN) - 1)
        }
      }),
    )
  })

  test('critical path: a chain of dependencies whose cost no other chain exceeds', () => {
    fc.assert(
      fc.property(tasks, (tasks) => {
        const costOf = (task: TaskNode) => task.id.length
        const { ids, cost } = criticalPath(tasks, costOf)
        const byId = new Map(tasks.map((task) => [task.id, task]))
        expect(ids.reduce((sum, id) => sum + id.length, 0)).toBe(cost)
        for (const [at, id] of ids.slice(1).entries()) expect(byId.get(id)?.dependsOn).toContain(ids[at])
        // Tasks of these flows depend on earlier ones only, so that one pass forward finds the dearest end.
        const dearest = new Map<string, number>()
        for (const task of tasks) {
          dearest.set(task.id, costOf(task) + Math.max(0, ...task.dependsOn.map((id) => dearest.get(id) ?? 0)))
        }
        expect(cost).toBe(Math.max(...dearest.values()))
        expect(Math.max(...bottomLevels(tasks, costOf).values())).toBe(cost)
      }),
    )
  })

  test('nothing has no path', () => {
    expect(criticalPath([], () => 1)).toEqual({ ids: [], cost: 0 })
    expect(wavesOf([])).toEqual([])
  })
})
