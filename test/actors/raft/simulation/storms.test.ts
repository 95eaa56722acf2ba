import { runSchedule } from 'espalier/testing'
import { drawRaftSchedule, kindOfRaftMessage, RaftGroup, Totals } from 'espalier/testing/raft'
import { describe, expect, test } from 'vitest'

function play(seed: number, options: { readonly bug?: string; readonly totals?: Totals } = {}) {
  return runSchedule(drawRaftSchedule(seed), (world, given) => new RaftGroup(world, given, options), {
    kindOf: kindOfRaftMessage,
  })
}

describe('storms of Raft groups', () => {
  test('end well, run the same twice, and count what they visit', async () => {
    const totals = new Totals()
    const first = await play(3, { totals })
    expect(first.why).toBeUndefined()
    expect((await play(3)).run.hash).toBe(first.run.hash)
    expect(totals.get('elections')).toBeGreaterThan(0)
    expect(totals.get('acknowledgements')).toBeGreaterThan(100)
  }, 120_000)

  test.each([
    [331, 'three that become one'],
    [1266, 'one that becomes two, on slow disks'],
  ])(
    'have 20 000 events and more, and everybody at rest in the end: seed %i, %s',
    async (seed) => {
      const { run, why } = await play(seed)
      expect(why).toBeUndefined()
      expect(run.events).toBeGreaterThanOrEqual(20_000)
    },
    120_000,
  )

  test('draw the same schedule for the same seed, and others for others', () => {
    expect(drawRaftSchedule(7)).toEqual(drawRaftSchedule(7))
    expect(drawRaftSchedule(8).steps).not.toEqual(drawRaftSchedule(7).steps)
  })

  test.each(['vote-before-durable', 'ack-before-durable'])('red: %s is found by the first seed', async (bug) => {
    const { run } = await play(1, { bug })
    expect('failure' in run && run.failure.rule).toBe('durable before said')
  })

  test('a count of something that never happened is named', () => {
    const totals = new Totals()
    totals.merge({ elections: 2 })
    expect(totals.missing()).toContain('snapshots installed')
    expect(totals.missing()).not.toContain('elections')
  })
})
