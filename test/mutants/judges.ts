// Who may catch a mutant, the fastest first. A judge is a command that is green on the sources as they are; the first
// thing it finds wrong names the catch.

import { existsSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { command } from '../package/command.ts'

/** What a judge has found. */
export interface Catch {
  /** What broke, in words. */
  readonly what: string
  /** The least of the judge that finds it again: `seed 3`, `schedule NAME`, `test FILE`. See {@link aimed}. */
  readonly by?: string
}

export interface Judge {
  readonly name: string
  /** Looks at the copy in `folder`: what it found wrong first, or undefined. */
  readonly look: (folder: string) => Promise<Catch | undefined>
}

interface Command {
  readonly args: readonly string[]
  /** Picks the first failure out of what it prints, in one group or several. */
  readonly first: RegExp
  /** Picks what finds it again, if that can be told. */
  readonly by?: (found: RegExpExecArray) => string
  /** Many times what it needs: a mutant that makes the judge hang is caught by that. */
  readonly limitMs: number
}

/** A mutant that fills the memory must not fill all of it. */
const heap = '--max-old-space-size=1024'

function judge(name: string, { args, first, by, limitMs }: Command): Judge {
  const look = async (folder: string): Promise<Catch | undefined> => {
    try {
      await command([process.execPath, heap, ...args], { cwd: folder, deadline: AbortSignal.timeout(limitMs) })
      return undefined
    } catch (error) {
      const text = stripVTControlCharacters(error instanceof Error ? error.message : String(error))
      const found = first.exec(text)
      if (found !== null) return { what: found.slice(1).join(', '), ...(by === undefined ? {} : { by: by(found) }) }
      return {
        what: text
          .slice(text.indexOf(': ') + 2)
          .split('\n', 1)
          .join(),
      }
    }
  }
  return { name, look }
}

const traces = ['recorded', 'found', 'own'].map((name) => `test/conformance/${name}`)
// A test that fails now and then must not pass for one that has caught something.
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--no-isolate', '--bail=1', '--retry=2']

const simulate = 'build/test/simulate/main.js'
/** What broke, without its details: the rule of an invariant, the text of an expectation. */
const broken = String.raw`((?:invariant [^:\n]+|expectation [^}\n]+\}|\w+ [^:\n]+))`
const FAILED_TEST = /^\s*FAIL\s+(.*)$/m

/** Tests of the core, of what carries its effects out, and of sessions: without those that simulate whole groups. */
const UNITS: readonly string[] = [
  'test/actors/raft/core',
  'test/actors/consensus',
  ...['applied-state', 'client-session', 'clock-watch', 'replica-storage'].map(
    (name) => `test/actors/raft/${name}.test.ts`,
  ),
]

/** Storms that are looked at, at most, and how many of them first. */
const SEEDS = 30
const FEW = 8

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
  // A few storms; the schedules; the unit tests; and what all of them let through is the other storms' to find.
  raft: [storms(1, FEW), schedules(), tests(), storms(FEW + 1, SEEDS - FEW)],
}

/** What found a mutant before finds it again, most likely: the judge for a {@link Catch}'s `by`. */
export function aimed(by: string): Judge | undefined {
  const [kind, target = ''] = by.split(' ')
  if (kind === 'seed') return storms(Number(target), 1)
  if (kind === 'schedule') return schedules(target)
  return kind === 'test' ? tests(target) : undefined
}

function storms(from: number, count: number): Judge {
  return judge(count === 1 ? `seed ${from} of ${SEEDS}` : `seeds ${from} to ${from + count - 1}`, {
    args: [simulate, 'raft', '--seed', String(from), '--seeds', String(count), '--jobs', '1', '--bail'],
    first: new RegExp(`^FAIL raft: ${broken}.* (seed=\\d+)`, 'm'),
    by: ([, , seed = '']) => seed.replace('=', ' '),
    limitMs: 60_000 + count * 30_000,
  })
}

function schedules(only?: string): Judge {
  const folder = 'test/schedules/raft'
  return judge(only === undefined ? 'schedules' : 'schedule', {
    args: [simulate, '--schedule', only === undefined ? folder : `${folder}/${only}.json`, '--bail'],
    first: new RegExp(`^FAIL raft-([^:]+): ${broken}`, 'm'),
    by: ([, name = '']) => `schedule ${existsSync(`${folder}/raft-${name}.json`) ? `raft-${name}` : name}`,
    limitMs: only === undefined ? 300_000 : 90_000,
  })
}

function tests(only?: string): Judge {
  return judge('unit tests', {
    args: [...vitest, ...(only === undefined ? UNITS : [only])],
    first: FAILED_TEST,
    by: ([, name = '']) => `test ${name.split(' ', 1)[0]}`,
    limitMs: 300_000,
  })
}
