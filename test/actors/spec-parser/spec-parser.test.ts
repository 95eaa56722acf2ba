import { beforeEach, expect, test, vi } from 'vitest'
import type { OrchestratorProtocol } from '../../../actors/orchestrator/protocol.ts'
import { SpecParser } from '../../../actors/spec-parser/spec-parser.ts'
import type { Ref } from '../../../src/index.ts'
import { Stage } from '../stage.ts'
import { states } from '../state-trace.ts'

vi.mock('../../../src/behaviours/statem-results.ts', async (original) =>
  (await import('../state-trace.ts')).traced(await original()),
)

beforeEach(() => {
  states.length = 0
})

async function parse(input: string, roles = ['lint', 'types']) {
  const stage = new Stage()
  const owner = stage.probe()
  const start = { input, roles, owner: owner.pid as Ref<OrchestratorProtocol> }
  const parser = await stage.run(stage.node.start(SpecParser, start))
  await stage.world.settle()
  expect(owner.casts('joined')).toEqual([{ kind: 'spec parser', pid: parser }])
  expect([stage.node.processes().includes(parser), stage.crashes]).toEqual([false, []])
  return owner.casts('parsed')
}

test('a sound flow: idle, parsing, validating, complete', async () => {
  expect(await parse('lint, types parallel 3 timeout 2m')).toMatchObject([
    { ok: { parallel: 3, timeoutMs: 120_000, tasks: [{ role: 'lint' }, { role: 'types' }] } },
  ])
  expect(states).toEqual(['idle', 'parsing', 'validating', 'complete'])
})

test('red: what cannot be read: error, from parsing', async () => {
  expect(await parse('lint paralel 3')).toEqual([
    { error: expect.stringMatching(/^line 1, column 6: .*expected.*"parallel"/) },
  ])
  expect(states).toEqual(['idle', 'parsing', 'error'])
})

test('red: what reads well and cannot be: error, from validating', async () => {
  expect(await parse('lint, typos')).toEqual([{ error: expect.stringContaining('known roles: lint, types') }])
  expect(states).toEqual(['idle', 'parsing', 'validating', 'error'])
})
