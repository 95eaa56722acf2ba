// The search for leaks, in small; CI searches longer.

import { execFile } from 'node:child_process'
import { expect, test } from 'vitest'

function search(...options: readonly string[]): Promise<{ readonly code: number; readonly said: string }> {
  const args = ['build/test/chaos/main.js', 'leaks', '--calls', '5000', ...options]
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, (_, stdout) => resolve({ code: child.exitCode ?? -1, said: stdout }))
  })
}

test('calls and restarts of threads leave no heap, handles and listeners behind', { timeout: 120_000 }, async () => {
  const { code, said } = await search('--restarts', '12')
  expect(said).not.toContain('stayed behind')
  expect(code).toBe(0)
})

test('a listener that each restart leaves behind is found', { timeout: 120_000 }, async () => {
  const { code, said } = await search('--restarts', '3', '--break', 'keep-listeners')
  expect(said).toContain('listeners 6 → 9')
  expect(code).toBe(1)
})
