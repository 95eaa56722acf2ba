// `npm run -s mutants -- SET`: plants each mistake of a set (test/mutants/SET/*.patch), one at a time, into a copy of the
// repository, and asks the judges one after another until one catches it. Compares with dist/ and build/: build first.
//
// Exit codes: 0 all caught; 1 one was missed or no longer applies; 2 a judge is red without any mutant; 64 wrong usage.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { inParallel } from '../conformance/parallel.ts'
import { type Judge, judges } from './judges.ts'
import { applyPatch, PatchError, parsePatch } from './patch.ts'
import { Scratch } from './scratch.ts'

const usage = `usage: mutants SET [--only NAME]... [--break judges]

  SET             ${Object.keys(judges).join(', ')}
  --only NAME     only this mutant: its file's name, with or without the number
  --break judges  no judge looks: every mutant must be reported missed`

type Fate = 'caught' | 'missed' | 'stale'

const root = fileURLToPath(new URL('../../../', import.meta.url))

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { only: { type: 'string', multiple: true }, break: { type: 'string' } },
  })
  const [set = '', ...rest] = positionals
  const looking = judges[set]
  if (looking === undefined || rest.length > 0 || (values.break ?? 'judges') !== 'judges') return misused(usage)
  const all = patchesOf(set)
  const unknown = values.only?.find((name) => !all.some((path) => isNamed(path, name)))
  if (unknown !== undefined) return misused(`--only: no mutant ${unknown} in test/mutants/${set}`)
  const chosen = all.filter((path) => values.only?.some((name) => isNamed(path, name)) ?? true)
  const fates = await judgeAll(chosen, values.break === undefined ? looking : [])
  const count = (fate: Fate) => fates.filter((each) => each === fate).length
  console.log(`${count('caught')} caught, ${count('missed')} missed, ${count('stale')} no longer apply`)
  return count('caught') === fates.length ? 0 : 1
}

function misused(text: string): number {
  console.error(text)
  return 64
}

function patchesOf(set: string): string[] {
  const folder = join(root, 'test', 'mutants', set)
  const names = readdirSync(folder).filter((name) => name.endsWith('.patch'))
  return names.sort().map((name) => join(folder, name))
}

function read(file: string): string | undefined {
  const path = join(root, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

function isNamed(path: string, name: string): boolean {
  const full = basename(path, '.patch')
  return name === full || name === full.replace(/^\d+-/, '')
}

async function judgeAll(paths: readonly string[], looking: readonly Judge[]): Promise<Fate[]> {
  const free: Scratch[] = []
  const made = new Set<Scratch>()
  const sound = new Map<Judge, Promise<void>>()
  try {
    return await inParallel(availableParallelism(), paths, async (path) => {
      const scratch = free.pop() ?? new Scratch(root)
      made.add(scratch)
      const fate = await judgeOne(path, scratch, looking, sound)
      free.push(scratch)
      return fate
    })
  } finally {
    for (const scratch of made) scratch.remove()
  }
}

async function judgeOne(
  path: string,
  scratch: Scratch,
  looking: readonly Judge[],
  sound: Map<Judge, Promise<void>>,
): Promise<Fate> {
  const name = basename(path, '.patch')
  const begun = performance.now()
  const tell = (fate: Fate, what: string): Fate => {
    const seconds = ((performance.now() - begun) / 1000).toFixed(1)
    console.log(`${fate === 'caught' ? fate : fate.toUpperCase()}  ${name} (${seconds} s): ${what}`)
    return fate
  }
  try {
    scratch.plant(applyPatch(parsePatch(readFileSync(path, 'utf8')), read))
    for (const judge of looking) {
      const found = await judge.look(scratch.folder)
      if (found === undefined) continue
      scratch.restore()
      if (!sound.has(judge)) sound.set(judge, requireGreen(judge, scratch))
      await sound.get(judge)
      return tell('caught', `${judge.name}: ${found}`)
    }
    return tell(
      'missed',
      looking.length === 0 ? 'nobody looked' : `by ${looking.map((judge) => judge.name).join(', ')}`,
    )
  } catch (error) {
    if (error instanceof PatchError) return tell('stale', error.message)
    throw error
  } finally {
    scratch.restore()
  }
}

/** A judge that is red anyway has caught nothing. */
async function requireGreen(judge: Judge, scratch: Scratch): Promise<void> {
  const found = await judge.look(scratch.folder)
  if (found !== undefined) throw new Error(`${judge.name} fails without any mutant: ${found}`)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
