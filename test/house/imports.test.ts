import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { checkImports } from './imports.ts'
import { readSources, root } from './sources.ts'

const dependencies = Object.keys(JSON.parse(readFileSync(`${root}package.json`, 'utf8')).dependencies)

/** The complaints about a tree that holds just these files. */
const complaintsOf = (files: Record<string, string>) => checkImports(new Map(Object.entries(files)), { dependencies })

describe('imports point one way', () => {
  test('in this repository', { timeout: 120_000 }, () => {
    const sources = readSources('src', 'actors', 'supervisors', 'cli')
    expect(sources.size).toBeGreaterThan(10)
    expect(checkImports(sources, { dependencies })).toEqual([])
  })

  test.each([
    ['the kernel imports a behaviour', 'src/kernel/node.ts', 'src/behaviours/server.ts'],
    ['a port imports the kernel', 'src/kernel/ports/clock.ts', 'src/kernel/node.ts'],
    ['the real ports import the kernel', 'src/system/clock.ts', 'src/kernel/node.ts'],
    ['a behaviour imports storage', 'src/behaviours/server.ts', 'src/storage/log.ts'],
    ['storage imports distribution', 'src/storage/log.ts', 'src/distribution/mesh.ts'],
    ['telemetry imports the simulator', 'src/telemetry/events.ts', 'src/simulation/world.ts'],
    ['the simulator imports the real ports', 'src/simulation/world.ts', 'src/system/clock.ts'],
    ['the public face imports the simulator', 'src/index.ts', 'src/simulation/world.ts'],
    ['src imports an actor', 'src/behaviours/server.ts', 'actors/raft/raft.ts'],
    ['an actor imports the real ports', 'actors/raft/raft.ts', 'src/system/clock.ts'],
    ['an actor imports a tree', 'actors/raft/raft.ts', 'supervisors/top.ts'],
    ['a tree imports the command', 'supervisors/top.ts', 'cli/main.ts'],
    ['anything imports a test', 'cli/main.ts', 'test/kernel/node.ts'],
  ])('red: %s', (_name, from, to) => {
    const up = '../'.repeat(from.split('/').length - 1)
    for (const line of [
      `import { x } from '${up}${to}'`,
      `import type { x } from '${up}${to}'`,
      `export * from '${up}${to}'`,
      `const x = await import('${up}${to}')`,
      `type X = import('${up}${to}').x`,
    ]) {
      expect(complaintsOf({ [from]: line, [to]: '' }), line).toContainEqual(expect.stringContaining(`${from}:1: `))
    }
  })

  test('red: the kernel and the behaviours import a package', () => {
    expect(complaintsOf({ 'src/kernel/codec.ts': `import { pack } from 'msgpackr'` })).toEqual([
      'src/kernel/codec.ts:1: src/kernel may import nothing but node: modules, not msgpackr',
    ])
    expect(complaintsOf({ 'src/behaviours/codec.ts': `import { pack } from 'msgpackr'` })).toHaveLength(1)
    expect(complaintsOf({ 'src/storage/codec.ts': `import { pack } from 'msgpackr'` })).toEqual([])
  })

  test('red: a package that a user would not have', () => {
    expect(complaintsOf({ 'cli/main.ts': `import { test } from 'vitest'` })).toEqual([
      'cli/main.ts:1: vitest is not among the dependencies of package.json',
    ])
  })

  test('red: a cycle between two actors, which the table alone would allow', () => {
    const cycle = {
      'actors/raft/raft.ts': `import '../flow/plan.ts'`,
      'actors/flow/plan.ts': `import './executor.ts'`,
      'actors/flow/executor.ts': `import type { Raft } from '../raft/raft.ts'`,
    }
    expect(complaintsOf(cycle)).toEqual([
      'actors/raft/raft.ts:1: a cycle between rooms: actors/raft/raft.ts → actors/flow/plan.ts → actors/flow/executor.ts',
    ])
    expect(complaintsOf({ ...cycle, 'actors/flow/executor.ts': '' })).toEqual([])
  })

  test('a cycle within one room is nobody else’s business', () => {
    expect(complaintsOf({ 'src/kernel/a.ts': `import './b.ts'`, 'src/kernel/b.ts': `import './a.ts'` })).toEqual([])
  })

  test('red: a file outside every room, and an import of a file that is not there', () => {
    expect(complaintsOf({ 'src/utils/misc.ts': '' })[0]).toMatch(/^src\/utils\/misc\.ts:1: belongs to no room/)
    expect(complaintsOf({ 'cli/main.ts': `import './gone.ts'` })).toEqual([
      'cli/main.ts:1: ./gone.ts is no file of the house',
    ])
  })
})
