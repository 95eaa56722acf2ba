import { readdirSync, readFileSync } from 'node:fs'
import { parseSchedule, runSchedule, type Schedule } from 'espalier/testing'
import { kindOfRaftMessage, RaftGroup } from 'espalier/testing/raft'
import { describe, expect, test } from 'vitest'

const folder = new URL('../../../schedules/raft/', import.meta.url)
const files = readdirSync(folder).map(
  (name) => [name.replace('.json', ''), parseSchedule(readFileSync(new URL(name, folder), 'utf8'), name)] as const,
)

function run(schedule: Schedule, bug?: string) {
  return runSchedule(schedule, (world, given) => new RaftGroup(world, given, { bug }), { kindOf: kindOfRaftMessage })
}

function named(name: string): Schedule {
  const found = files.find(([other]) => other === name)
  if (found === undefined) throw new Error(`no schedule ${name}`)
  return found[1]
}

describe('schedule files of Raft', () => {
  test('are at least 30, and each says what it is for', () => {
    expect(files.length).toBeGreaterThanOrEqual(30)
    expect(files.filter(([, { about }]) => about === '')).toEqual([])
  })

  test.each(files)('%s', async (_name, schedule) => {
    expect((await run(schedule)).why).toBeUndefined()
  })

  test('run the same twice', async () => {
    const schedule = named('appends-arrive-twice-and-out-of-order')
    const [first, second] = [await run(schedule), await run(schedule)]
    expect(second.run.hash).toBe(first.run.hash)
  })

  test.each([
    ['vote-before-durable', 'no-vote-before-it-is-on-the-disk', 'durable before said'],
    ['ack-before-durable', 'no-acknowledgement-before-a-quorum-of-disks', 'durable before said'],
    ['commit-old-term', 'figure-8-no-commit-by-counting-an-older-term', 'Figure 8'],
    ['stale-read', 'an-isolated-leader-answers-no-read', 'invariant reads'],
    ['truncate-always', 'a-heartbeat-behind-an-append-does-not-shorten-the-log', 'specification'],
  ])('red: %s breaks %s', async (bug, name, why) => {
    expect((await run(named(name), bug)).why).toContain(why)
  })
})
