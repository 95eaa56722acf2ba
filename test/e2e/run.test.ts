import { existsSync, statSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { until } from '../system/processes.ts'
import { agents, census, program, type Running, Workplace } from './command.ts'

vi.setConfig({ testTimeout: 60_000 })

let place: Workplace

beforeEach(() => {
  place = new Workplace()
  place.write('agents.json', agents)
  place.write('census.mjs', census)
})
afterEach(() => {
  expect(place.clear()).toEqual([])
})

describe('espalier run', () => {
  test('exits 0 if every task succeeded, prints plain lines, the table, the receipt and its verification', async () => {
    const { code, stdout, stderr } = await place.run('run', 'ok, census parallel 2 timeout 60s')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).not.toContain('\u001b')
    expect(stdout).toMatch(/^phase specification\nphase pseudocode\nplan: 2 tasks, at most 2 at once\n/)
    expect(stdout).toMatch(/^ok: task_1 running$/m)
    expect(stdout).toMatch(/^census: task_2 succeeded in \d+ ms$/m)
    expect(stdout).toMatch(/^task_1 {2}ok {6}ok {6}succeeded {2}1 {9}[\d.]+ m?s$/m)
    expect(stdout).toMatch(/^flow {6}flow-[0-9a-f]{16}: succeeded in [\d.]+ m?s$/m)
    expect(stdout).toMatch(
      /^receipt {3}1-[0-9a-f]{12}\nhead {6}1 receipt, [0-9a-f]{64}\nverified {2}intact, 1 receipt$/m,
    )
    expect(statSync(place.path('.espalier/receipts.keys')).mode & 0o777).toBe(0o600)
  })

  test('exits 1 if a task failed, and shows the end of its output and why', async () => {
    const { code, stdout } = await place.run('run', 'ok, bad, lost')
    expect(code).toBe(1)
    expect(stdout).toContain('--- the end of the output of task_2\nline 7: wrong\n---')
    expect(stdout).toMatch(/task_2 .* failed .*ended with exit code 3, not 0/)
    expect(stdout).toMatch(/task_3 .* failed .*missing/)
  })

  test.each([
    ['a wrong word', 'ok paralel 2', /line 1, column 4: .*expected.*"parallel"/],
    ['a wrong number', 'ok parallel x', /line 1, column 13: expected a number after "parallel", found "x"/],
    ['an unknown role', 'ok, okay', /line 1, column 5: unknown role "okay".*known roles: ok, bad, slow, deaf, census/],
    ['a file that is not there', 'flow.json', /spec: expected a file that exists.*got "flow.json"/],
  ])('exits 2 on %s, and says where and what was expected', async (_what, spec, message) => {
    const { code, stderr } = await place.run('run', spec)
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
  })

  test('exits 2 on a circle of dependencies, and names it', async () => {
    place.write('flow.json', {
      tasks: [
        { id: 'build', role: 'ok', dependsOn: ['test'] },
        { id: 'test', role: 'ok', dependsOn: ['build'] },
      ],
    })
    const { code, stderr } = await place.run('run', 'flow.json')
    expect([code, stderr]).toEqual([2, expect.stringMatching(/build → test → build|test → build → test/)])
  })

  test('exits 2 on agents that are missing or wrong, and names the field', async () => {
    const missing = await place.run('run', 'ok', '--agents', 'none.json')
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringMatching(/--agents: .*none\.json/)])
    place.write('wrong.json', { agents: [{ role: 'ok', runner: { kind: 'robot' } }] })
    const wrong = await place.run('run', 'ok', '--agents', 'wrong.json')
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/agents\[0\]\.runner.*"command" or "module"/)])
  })

  test('--json prints one JSON object a line: the events, then the result', async () => {
    const { code, stdout } = await place.run('run', 'ok, bad', '--json')
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string })
    expect(code).toBe(1)
    expect(new Set(lines.map(({ kind }) => kind))).toEqual(
      new Set(['phase', 'plan', 'task', 'note', 'finished', 'result']),
    )
    expect(lines.at(-1)).toMatchObject({
      kind: 'result',
      problem: '',
      record: { outcome: 'failed', tasks: [{ outcome: 'succeeded' }, { outcome: 'failed' }] },
      receipt: { count: 1 },
      verification: { kind: 'intact', count: 1 },
    })
  })

  test('on a terminal draws a line for each agent over and over', async () => {
    if (!existsSync('/usr/bin/script')) return
    const command = `${process.execPath} ${program} run ok,bad`
    const { stdout } = await place.start([], { argv: ['script', '-qec', command, '/dev/null'] }).ended
    expect(stdout).toMatch(/ok {3}waiting\r\n {2}bad {2}waiting/)
    expect(stdout).toContain('\u001b[3A\u001b[0J')
    // What is left on the screen: each agent once, then the table.
    const [screen] = stdout.split('\u001b[0J').slice(-1)
    expect(screen).toMatch(/^ {2}ok {3}task_1 succeeded in .*\r\n {2}bad {2}task_2 failed in .*\r\n\r\ntask /)
  })

  test('goes on, and writes its receipt, when nobody reads its output any more', async () => {
    const running = place.start(['run', 'ok'])
    running.child.stdout?.destroy()
    const { code, stderr } = await running.ended
    expect([code, stderr]).toEqual([0, ''])
    expect((await place.run('receipts', 'list')).stdout).toMatch(/^1-.*succeeded/m)
  })
})

describe('a command that is ended midway', () => {
  const begin = async (spec: string): Promise<Running> => {
    const running = place.start(['run', spec])
    await running.prints('task_1 running')
    return running
  }

  test.each([
    ['SIGTERM', 'to the command', 143],
    ['SIGTERM', 'to its process group', 143],
    ['SIGINT', 'to its process group', 130],
    ['SIGHUP', 'to the command', 129],
  ] as const)(
    '%s %s: ordered exit, no process left, a receipt, and the next start reports it',
    async (signal, whom, code) => {
      const running = await begin('slow, ok parallel 1')
      await until(() => existsSync(place.path('grandchild')))
      const pid = running.child.pid ?? 0
      process.kill(whom === 'to the command' ? pid : -pid, signal)
      const run = await running.ended
      expect([run.code, run.signal]).toEqual([code, null])
      expect(run.stdout).toContain(`${signal}: stopping the flow`)
      expect(run.stdout).toMatch(/^flow .*: stopped in /m)
      expect(run.stdout).toMatch(/^task_2 .*stopped/m)
      expect(run.stdout).toMatch(/^verified {2}intact, 1 receipt$/m)
      expect(place.processes).toEqual([])
      const next = await place.run('run', 'ok')
      expect([next.code, next.stdout]).toEqual([
        0,
        expect.stringMatching(/^unfinished: flow-[0-9a-f]{16} of .* was stopped, see receipt 1-[0-9a-f]{12}: slow, ok/),
      ])
    },
  )

  test('SIGKILL: the next start reports that it ended without a receipt', async () => {
    const running = await begin('slow')
    running.child.kill('SIGKILL')
    expect((await running.ended).signal).toBe('SIGKILL')
    // No program can clean up after that: its children go on.
    for (const pid of place.processes) process.kill(pid, 'SIGKILL')
    const { code, stdout } = await place.run('run', 'ok')
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^unfinished: flow-[0-9a-f]{16} of .* ended without a receipt: slow$/m),
    ])
    expect(stdout).toMatch(/^verified {2}intact, 1 receipt$/m)
  })

  test('a second signal ends it at once, its children too', async () => {
    const running = await begin('deaf')
    running.child.kill('SIGTERM')
    await running.prints('stopping the flow')
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    expect([code, stderr]).toEqual([143, expect.stringContaining('ended at once')])
    expect(place.processes).toEqual([])
  })
})

describe('a data folder', () => {
  test('belongs to one run at a time: a second one says so', async () => {
    const running = place.start(['run', 'slow'])
    await running.prints('task_1 running')
    const second = await place.run('run', 'ok')
    expect([second.code, second.stderr]).toEqual([
      2,
      expect.stringMatching(/^espalier: another flow is running on the data folder \.espalier; .* process \d+\)\n$/),
    ])
    const beside = await place.run('run', 'ok', '--data', 'other')
    expect(beside.code).toBe(0)
    running.child.kill('SIGTERM')
    expect((await running.ended).code).toBe(143)
  })

  test('with damaged receipts is refused, with a hint', async () => {
    await place.run('run', 'ok')
    place.write('.espalier/receipts.head', '{}')
    const { code, stderr } = await place.run('run', 'ok')
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(
        /^espalier: the receipts are damaged: .*see `espalier receipts verify`; .*move the data folder away\n$/,
      ),
    ])
  })
})
