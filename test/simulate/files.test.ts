import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runFiles } from './files.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'schedules-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** What is printed of a schedule file that says this. */
async function printed(schedule: object): Promise<{ readonly path: string; readonly lines: readonly string[] }> {
  const path = join(folder, 'one.json')
  writeFileSync(path, JSON.stringify({ name: 'one', nodes: 3, seed: 1, steps: [], expect: [], until: 10, ...schedule }))
  const lines: string[] = []
  await runFiles({
    ...{
      protocol: undefined,
      seeds: 1,
      seed: 1,
      sabotage: undefined,
      trace: undefined,
      out: folder,
      jobs: 1,
      bail: false,
    },
    paths: [path],
    print: (line) => lines.push(line),
  })
  return { path, lines }
}

describe('a schedule file that a group cannot run as it is', () => {
  test.each([
    ['a rule that is none, in mustFail', { protocol: 'raft', mustFail: 'leadership' }, 'mustFail'],
    ['a migratable group', { protocol: 'raft', config: { migratable: true } }, 'config.migratable'],
    ['a field that is unknown', { protocol: 'raft', stpes: [] }, 'stpes'],
    ['a protocol that is not here', { protocol: 'pbft' }, 'protocol pbft'],
  ])('is named, with what is wrong: %s', async (_what, schedule, field) => {
    const { path, lines } = await printed(schedule)
    expect(lines).toHaveLength(2)
    expect(lines[0]).toContain(`: ${path}: `)
    expect(lines[0]).toContain(field)
    expect(lines[1]).toBe('0 passed, 1 failed')
  })
})

test('a schedule that runs is a line without its file', async () => {
  const { lines } = await printed({ protocol: 'raft' })
  expect(lines[0]).toMatch(/^ok one seed=1 events=\d+ vt=10ms hash=[0-9a-f]{16}$/)
})
