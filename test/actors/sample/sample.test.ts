import { readdirSync, readFileSync } from 'node:fs'
import {
  checkLinearizability,
  deriveSeeds,
  parseSchedule,
  readSchedule,
  registerMap,
  runSchedule,
  type Schedule,
  shrinkList,
} from 'espalier/testing'
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

describe('schedule files of the sample', () => {
  const folder = new URL('../../simulate/schedules/', import.meta.url)
  const files = readdirSync(folder).map(
    (name) => [name, parseSchedule(readFileSync(new URL(name, folder), 'utf8'), name)] as const,
  )
  const run = (schedule: Schedule, seed: number, bug?: 'lost-ack') =>
    runSchedule(schedule, (world, given) => new SampleGroup(world, given, { bug }), { seed })

  test.each(files)('%s passes under several seeds, with the same hash each time', async (_name, schedule) => {
    for (const seed of deriveSeeds(schedule.seed, 3)) {
      const { run: first, why } = await run(schedule, seed)
      expect(why).toBeUndefined()
      expect((await run(schedule, seed)).run.hash).toBe(first.hash)
    }
  })

  test('red: a primary that answers without its backups breaks one of them; mustFail then passes', async () => {
    const [, schedule] = files.find(([name]) => name.includes('minority')) ?? []
    if (schedule === undefined) throw new Error('no such schedule')
    expect((await run(schedule, 2, 'lost-ack')).why).toContain('invariant agreement')
    const meant = { ...schedule, mustFail: 'agreement' }
    expect((await run(meant, 2, 'lost-ack')).why).toBeUndefined()
    expect((await run(meant, 2)).why).toBe('no violation of agreement was found')
  })

  test('red: an expectation that does not hold is named', async () => {
    const steps = [{ at: 1000, op: 'put', id: 'w', key: 'x', value: 1 }]
    const expectations = [{ op: 'result', id: 'w', equals: 'no' }]
    const schedule = readSchedule({ name: 'x', protocol: 'sample', nodes: 3, seed: 1, steps, expect: expectations })
    expect((await run(schedule, 1)).why).toContain('expect[0] {"op":"result","id":"w","equals":"no"}: answered "ok"')
  })
})
