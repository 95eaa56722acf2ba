// The tests that judge mutants of Raft's core: its cases, without the random walks, which cost seconds each.

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/actors/raft/core/**/*.test.ts'],
    exclude: ['**/random-walk.test.ts'],
    testTimeout: 20_000,
    pool: 'threads',
  },
})
