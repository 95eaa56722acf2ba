import { checkLinearizability, registerMap, runSchedule, shrinkList } from 'espalier/testing'
import { drawSchedule, SampleGroup } from 'espalier/testing/sample'
import { describe, expect, test } from 'vitest'

function play(seed: number, bug?: 'lost-ack', steps = drawSchedule(seed).steps) {
  return runSchedule({ ...drawSchedule(seed), steps }, (world, schedule) => new SampleGroup(world, schedule, { bug }))
}

describe('the sample register', () => {
  test('is right under storms of faults, and comes to agree once they end', async () => {
    for (let seed = 1; seed <= 10; seed++) expect((await play(seed)).why).toBeUndefined()
  })

  test('red: lost-ack is found within 20 seeds, and shrinks to few steps', async () => {
    const seeds = Array.from({ length: 20 }, (_, i) => i + 1)
    for (const seed of seeds) {
      const found = await play(seed, 'lost-ack')
      if (!('failure' in found.run)) continue
      const { rule } = found.run.failure
      expect(['agreement', 'linearizability']).toContain(rule)
      const fails = async (steps: ReturnType<typeof drawSchedule>['steps']) => {
        const { run } = await play(seed, 'lost-ack', steps)
        return 'failure' in run && run.failure.rule === rule
      }
      const least = await shrinkList(drawSchedule(seed).steps, fails)
      expect(least.length).toBeLessThanOrEqual(6)
      return
    }
    expect.unreachable('no seed has found it')
  })

  test('records what its clients saw, for the linearizability checker', async () => {
    let group: SampleGroup | undefined
    await runSchedule(drawSchedule(1), (world, schedule) => {
      group = new SampleGroup(world, schedule)
      return group
    })
    const operations = group?.history.operations() ?? []
    expect(operations.filter(({ answer }) => answer !== undefined).length).toBeGreaterThan(50)
    expect(checkLinearizability(operations, registerMap).verdict).toBe('linearizable')
  })
})
