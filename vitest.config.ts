import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^espalier$/, replacement: here('./src/index.ts') },
      { find: /^espalier\/testing$/, replacement: here('./src/simulation/index.ts') },
      { find: /^espalier\/testing\/sample$/, replacement: here('./actors/sample/index.ts') },
      { find: /^espalier\/storage$/, replacement: here('./src/storage/index.ts') },
      { find: /^espalier\/flows$/, replacement: here('./supervisors/index.ts') },
      { find: /^espalier\/distribution$/, replacement: here('./src/distribution/index.ts') },
      { find: /^espalier\/threads$/, replacement: here('./src/threads/index.ts') },
      { find: /^espalier\/raft$/, replacement: here('./actors/raft/index.ts') },
      { find: /^espalier\/raft\/threads$/, replacement: here('./supervisors/raft-tree.ts') },
      { find: /^espalier\/testing\/raft$/, replacement: here('./actors/raft/simulation/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Only what hangs is to end here: on a machine that is busy the slowest take half of it.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
