import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { kindNames, scenarios } from './generate/index.ts'
import { readScenario, type Scenario } from './scenario.ts'
import { shrink } from './shrink.ts'

describe('the generator', () => {
  test.each(kindNames.map((kind) => [kind]))('makes %s scenarios that the strict reader accepts', (kind) => {
    fc.assert(
      fc.property(scenarios([kind]), (scenario) => {
        expect(readScenario(JSON.parse(JSON.stringify(scenario)))).toEqual(scenario)
      }),
      { numRuns: 200 },
    )
  })

  test('replays the same scenarios from the same seed', () => {
    const draw = (seed: number) => fc.sample(scenarios(), { numRuns: 20, seed })
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
  })
})

describe('the shrinker', () => {
  const big: Scenario = {
    name: 's',
    kind: 'signals',
    procs: ['a', 'b', 'c'],
    steps: [
      { proc: 'a', op: 'link', to: 'b' },
      { proc: 'a', op: 'monitor', to: 'b', alias: 'demonitor' },
      { proc: 'b', op: 'batch', ops: [{ op: 'links' }, { op: 'exit', reason: 'x' }, { op: 'pause', ms: 5 }] },
      { proc: 'c', op: 'links' },
    ],
  }
  const shows = (...parts: string[]) => {
    return async (scenario: Scenario) => parts.every((part) => JSON.stringify(scenario).includes(part))
  }

  test('takes out all that the difference does not need', async () => {
    const smallest = await shrink(big, { holds: shows('"monitor"', '"exit"'), parallel: 4 })
    expect(smallest).toEqual({
      ...big,
      procs: [],
      steps: [
        { proc: 'a', op: 'monitor', to: 'b' },
        { proc: 'b', op: 'batch', ops: [{ op: 'exit', reason: 'x' }] },
      ],
    })
  })

  test('keeps what cannot go together: either of two is enough, both are too much to lose', async () => {
    const either = async (scenario: Scenario) => scenario.kind === 'signals' && scenario.procs.length > 0
    const smallest = await shrink(big, { holds: either, parallel: 4 })
    expect(smallest).toMatchObject({ procs: [expect.any(String)], steps: [] })
  })

  test('leaves alone what shows nothing smaller', async () => {
    const exact = async (scenario: Scenario) => JSON.stringify(scenario) === JSON.stringify(big)
    expect(await shrink(big, { holds: exact, parallel: 4 })).toEqual(big)
  })
})
