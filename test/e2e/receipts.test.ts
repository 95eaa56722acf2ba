import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { agents, Workplace } from './command.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

/** One run, never touched again. */
const original = new Workplace()
let place: Workplace

beforeAll(async () => {
  original.write('agents.json', agents)
  await original.run('run', 'ok')
})
afterAll(() => {
  original.clear()
})
beforeEach(() => {
  place = new Workplace()
  cpSync(original.folder, place.folder, { recursive: true })
})
afterEach(() => {
  expect(place.clear()).toEqual([])
})

const receipts = (...args: readonly string[]) => place.run('receipts', ...args)

describe('espalier receipts', () => {
  test('list: the newest first, one a line, or as JSON', async () => {
    await place.run('run', 'bad')
    const { code, stdout } = await receipts('list')
    expect(code).toBe(0)
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^receipt +begun +outcome +work +flow$/),
      expect.stringMatching(/^2-[0-9a-f]{12} +\S+Z +failed +1 task, .* flow-[0-9a-f]{16}$/),
      expect.stringMatching(/^1-[0-9a-f]{12} +\S+Z +succeeded +1 task, .* flow-[0-9a-f]{16}$/),
      '',
    ])
    const json = (await receipts('list', '--json', '--limit', '1')).stdout
    expect(JSON.parse(json)).toMatchObject({ id: expect.stringMatching(/^2-/), receipt: { sequence: 2 } })
    const wrong = await receipts('list', '--limit', 'many')
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('--limit: expected a number')])
  })

  test('show: the input, the plan, every task with timing, attempts, digest and outcome, and the phases', async () => {
    const { code, stdout } = await receipts('show', '1')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      id: expect.stringMatching(/^1-[0-9a-f]{12}$/),
      sequence: 1,
      previous: '0'.repeat(64),
      keyId: expect.stringMatching(/^[0-9a-f]{16}$/),
      flow: {
        input: 'ok',
        outcome: 'succeeded',
        plan: { tasks: [{ id: 'task_1', agent: 'ok' }] },
        tasks: [
          {
            outcome: 'succeeded',
            attempts: [
              // SHA-256 of "done\n".
              { durationMs: expect.any(Number), output: { bytes: 5, digest: expect.stringMatching(/^d117fa006ba9/) } },
            ],
          },
        ],
        phases: ['specification', 'pseudocode', 'architecture', 'refinement'].map((phase) => ({ phase })),
      },
    })
    const none = await receipts('show', '7')
    expect([none.code, none.stderr]).toEqual([1, 'espalier: no receipt "7"\n'])
  })

  test('verify: intact; and over a rotation of keys still', async () => {
    expect(await receipts('verify')).toMatchObject({ code: 0, stdout: 'intact, 1 receipt\n' })
    expect(await receipts('rotate-key')).toMatchObject({ code: 0, stdout: expect.stringMatching(/2 keys in all/) })
    expect((await place.run('run', 'ok')).code).toBe(0)
    expect(await receipts('verify')).toMatchObject({ code: 0, stdout: 'intact, 2 receipts\n' })
    const [newer, older] = (await receipts('list', '--json')).stdout.trimEnd().split('\n')
    const keyOf = (line = '{}') => (JSON.parse(line) as { receipt: { keyId: string } }).receipt.keyId
    expect(keyOf(newer)).not.toBe(keyOf(older))
  })

  test('verify names a receipt of which a byte has changed, list marks it, show refuses it, run refuses to go on', async () => {
    const file = join(place.folder, '.espalier', 'store', 'data.mdb')
    const bytes = readFileSync(file)
    const text = '"outcome":"succeeded"'
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1))
      bytes.write('"outcome":"succeedes"', at)
    writeFileSync(file, bytes)
    const verdict = await receipts('verify')
    expect([verdict.code, verdict.stdout]).toEqual([
      1,
      'broken at receipt 1: altered: its signature does not fit its content\n',
    ])
    expect(JSON.parse((await receipts('verify', '--json')).stdout)).toMatchObject({ kind: 'broken', sequence: 1 })
    expect((await receipts('list')).stdout).toContain('damaged')
    expect((await receipts('show', '1')).code).toBe(1)
    expect(await place.run('run', 'ok')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('broken at receipt 1'),
    })
  })

  test('verify, list and show say that a store cannot be read, and do not die', async () => {
    writeFileSync(join(place.folder, '.espalier', 'store', 'data.mdb'), 'no database'.repeat(2000))
    const { code, stdout } = await receipts('verify')
    expect([code, stdout]).toEqual([2, expect.stringMatching(/^store unreadable: /)])
    for (const words of [['list'], ['show', '1']]) {
      const told = await receipts(...words)
      expect([told.code, told.stderr]).toEqual([2, expect.stringMatching(/^espalier: store unreadable: /)])
    }
  })

  test('of a folder without any', async () => {
    expect(await receipts('verify', '--data', 'none')).toMatchObject({ code: 0, stdout: 'intact, 0 receipts\n' })
    expect(await receipts('list', '--data', 'none')).toMatchObject({
      code: 1,
      stderr: 'espalier: there are no receipts in none\n',
    })
  })
})

test('--help reads on one screen: commands, examples, exit codes', async () => {
  const { code, stdout } = await place.run('--help')
  expect(code).toBe(0)
  for (const part of ['Usage: espalier', 'run [options] <spec>', 'receipts', 'Examples:', 'Exit codes:'])
    expect(stdout).toContain(part)
  const lines = stdout.split('\n')
  expect(lines.length).toBeLessThan(40)
  expect(lines.filter((line) => line.length > 100)).toEqual([])
  const wrong = await place.run('dance')
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("unknown command 'dance'")])
})
