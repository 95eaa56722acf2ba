// The command over two worker threads, on a few scenarios of both kinds; CI plays all of them.

import { execFile } from 'node:child_process'
import { expect, test } from 'vitest'

const recorded = 'test/conformance/recorded'
const scenarios = [
  `${recorded}/signals/link_crash_propagates.json`,
  `${recorded}/signals/link_dead.json`,
  `${recorded}/signals/alias_basic.json`,
  `${recorded}/signals/monitor_by_name.json`,
  `${recorded}/signals/spawn_link_crash.json`,
  `${recorded}/supervisor/nested_transient_sup.json`,
  `${recorded}/supervisor/ofa_restart_fails_once.json`,
  `${recorded}/supervisor/sofo_basic.json`,
  'test/conformance/own/supervisor/sofo_terminate_foreign.json',
]

function play(...options: readonly string[]): Promise<{ readonly code: number; readonly said: string }> {
  const args = ['build/test/conformance/main.js', '--threads', '2', ...options, ...scenarios]
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, said: stdout + stderr })
    })
  })
}

test('scenarios spread over two threads have Erlang’s traces', { timeout: 60_000 }, async () => {
  const { code, said } = await play()
  expect(said).toContain(`${scenarios.length} passed, 0 failed`)
  expect(said).toContain('1 of them by Erlang’s trace over two nodes')
  expect(code).toBe(0)
})

test('exit signals that links lose between the threads are seen', { timeout: 60_000 }, async () => {
  const { code, said } = await play('--break', 'lost-link-exits')
  expect(said).toContain('link_crash_propagates.json (ran)')
  expect(code).toBe(1)
})
