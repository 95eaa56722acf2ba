// Who may catch a mutant, the fastest first. A judge is a command that is green on the sources as they are; the first
// thing it finds wrong names the catch.

import { stripVTControlCharacters } from 'node:util'
import { command } from '../package/command.ts'

export interface Judge {
  readonly name: string
  /** Looks at the copy in `folder`: what it found wrong first, or undefined. */
  readonly look: (folder: string) => Promise<string | undefined>
}

interface Command {
  readonly args: readonly string[]
  /** Picks the first failure out of what it prints, in one group or several. */
  readonly first: RegExp
  /** Many times what it needs: a mutant that makes the judge hang is caught by that. */
  readonly limitMs: number
}

/** A mutant that fills the memory must not fill all of it. */
const heap = '--max-old-space-size=1024'

function judge(name: string, { args, first, limitMs }: Command): Judge {
  const look = async (folder: string): Promise<string | undefined> => {
    try {
      await command([process.execPath, heap, ...args], { cwd: folder, deadline: AbortSignal.timeout(limitMs) })
      return undefined
    } catch (error) {
      const text = stripVTControlCharacters(error instanceof Error ? error.message : String(error))
      const found = first.exec(text)?.slice(1).join(', ')
      return (
        found ??
        text
          .slice(text.indexOf(': ') + 2)
          .split('\n', 1)
          .join()
      )
    }
  }
  return { name, look }
}

const traces = ['recorded', 'found', 'own'].map((name) => `test/conformance/${name}`)
// A test that fails now and then must not pass for one that has caught something.
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--no-isolate', '--bail=1', '--retry=2']

const simulate = 'build/test/simulate/main.js'
/** What broke, without its details: the rule of an invariant, the text of an expectation. */
const broken = String.raw`((?:invariant [^:]+|expectation [^}]+\}|\w+ [^:]+))`
const FAILED_TEST = /^\s*FAIL\s+(.*)$/m

/** The judges of each set of mutants: of each folder beside this file. */
export const judges: Readonly<Record<string, readonly Judge[]>> = {
  otp: [
    judge('conformance', {
      args: ['build/test/conformance/main.js', '--bail', ...traces],
      first: /^(?:--- )?(test\/\S+\.json)/m,
      limitMs: 30_000,
    }),
    judge('unit tests', {
      args: [...vitest, 'test/behaviours', 'test/kernel'],
      first: FAILED_TEST,
      limitMs: 120_000,
    }),
    judge('unit tests of groups and tables', {
      args: [...vitest, 'test/groups', 'test/tables/arena.test.ts', 'test/tables/table.test.ts'],
      first: FAILED_TEST,
      limitMs: 120_000,
    }),
  ],
  // A storm of each seed from 1 on; then the schedules; and only what both let through is the unit tests' to find.
  raft: [
    judge('seeds', {
      args: [simulate, 'raft', '--seeds', '30', '--jobs', '1', '--bail'],
      first: new RegExp(`^FAIL raft: ${broken}.* (seed=\\d+)`, 'm'),
      limitMs: 200_000,
    }),
    judge('schedules', {
      args: [simulate, '--schedule', 'test/schedules/raft', '--bail'],
      first: new RegExp(`^FAIL (raft-[^:]+): ${broken}`, 'm'),
      limitMs: 120_000,
    }),
    judge('unit tests', {
      args: [...vitest, 'test/actors/raft/core', 'test/actors/consensus'],
      first: FAILED_TEST,
      limitMs: 120_000,
    }),
  ],
}
