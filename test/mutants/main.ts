// `npm run -s mutants -- SET`: plants each mistake of a set (test/mutants/SET/*.patch), one at a time, into a copy of the
// repository, and asks the judges one after another until one catches it. Compares with dist/ and build/: build first.
// What caught a mutant when the set was last recorded (test/mutants/SET/catches.json) is asked before all others.
//
// Exit codes: 0 all caught; 1 one was missed or no longer applies; 2 a judge is red without any mutant; 64 wrong usage.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { inParallel } from '../conformance/parallel.ts'
import { aimed, type Judge, judges } from './judges.ts'
import { applyPatch, PatchError, parsePatch } from './patch.ts'
import { Scratch } from './scratch.ts'

const usage = `usage: mutants SET [--only NAME]... [--record] [--break judges]

  SET             ${Object.keys(judges).join(', ')}
  --only NAME     only this mutant: its file's name, with or without the number
  --record        asks the judges from the first on, and writes down what catches each
  --break judges  no judge looks: every mutant must be reported missed`

type Fate = 'caught' | 'missed' | 'stale'

const root = fileURLToPath(new URL('../../../', import.meta.url))

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: 'string', multiple: true },
      record: { type: 'boolean', default: false },
      break: { type: 'string' },
    },
  })
  const [set = '', ...rest] = positionals
  const looking = judges[set]
  if (looking === undefined || rest.length > 0 || (values.break ?? 'judges') !== 'judges') return misused(usage)
  const all = patchesOf(set)
  const unknown = values.only?.find((name) => !all.some((path) => isNamed(path, name)))
  if (unknown !== undefined) return misused(`--only: no mutant ${unknown} in test/mutants/${set}`)
  const chosen = all.filter((path) => values.only?.some((name) => isNamed(path, name)) ?? true)
  const begun = performance.now()
  const catches = new Catches(join(folderOf(set), 'catches.json'))
  const fates = await judgeAll(chosen, {
    looking: values.break === undefined ? looking : [],
    sound: new Map(),
    catches,
    isAfresh: values.record || values.break !== undefined,
  })
  if (values.record) catches.write(all)
  const count = (fate: Fate) => fates.filter((each) => each === fate).length
  const seconds = Math.round((performance.now() - begun) / 1000)
  console.log(`${count('caught')} caught, ${count('missed')} missed, ${count('stale')} no longer apply (${seconds} s)`)
  return count('caught') === fates.length ? 0 : 1
}

function misused(text: string): number {
  console.error(text)
  return 64
}

/** By what each mutant was caught when they were recorded, by name. */
class Catches {
  readonly #path: string
  readonly #by: Map<string, string>

  constructor(path: string) {
    this.#path = path
    this.#by = new Map(Object.entries(existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}))
  }

  of(name: string): string | undefined {
    return this.#by.get(name)
  }

  note(name: string, by: string | undefined): void {
    if (by === undefined) this.#by.delete(name)
    else this.#by.set(name, by)
  }

  write(paths: readonly string[]): void {
    const names = paths.map((path) => basename(path, '.patch')).filter((name) => this.#by.has(name))
    const entries = names.map((name) => [name, this.#by.get(name)])
    writeFileSync(this.#path, `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`)
  }
}

/** Who judges, and what is known of it. */
interface Court {
  readonly looking: readonly Judge[]
  /** Judges that were seen green without any mutant, by name and what they were aimed at. */
  readonly sound: Map<string, Promise<void>>
  readonly catches: Catches
  /** What was caught before is no hint. */
  readonly isAfresh: boolean
}

function folderOf(set: string): string {
  return join(root, 'test', 'mutants', set)
}

function patchesOf(set: string): string[] {
  const folder = folderOf(set)
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

async function judgeAll(paths: readonly string[], court: Court): Promise<Fate[]> {
  const free: Scratch[] = []
  const made = new Set<Scratch>()
  try {
    return await inParallel(availableParallelism(), paths, async (path) => {
      const scratch = free.pop() ?? new Scratch(root)
      made.add(scratch)
      const fate = await judgeOne(path, scratch, court)
      free.push(scratch)
      return fate
    })
  } finally {
    for (const scratch of made) scratch.remove()
  }
}

async function judgeOne(path: string, scratch: Scratch, court: Court): Promise<Fate> {
  const name = basename(path, '.patch')
  const begun = performance.now()
  const tell = (fate: Fate, what: string): Fate => {
    const seconds = ((performance.now() - begun) / 1000).toFixed(1)
    console.log(`${fate === 'caught' ? fate : fate.toUpperCase()}  ${name} (${seconds} s): ${what}`)
    return fate
  }
  try {
    scratch.plant(applyPatch(parsePatch(readFileSync(path, 'utf8')), read))
    for (const { judge, aim } of judgesOf(name, court)) {
      const found = await judge.look(scratch.folder)
      if (found === undefined) continue
      court.catches.note(name, found.by)
      scratch.restore()
      await requireGreen(judge, aim, scratch, court)
      return tell('caught', `${judge.name}: ${found.what}`)
    }
    const { looking } = court
    return tell('missed', looking.length === 0 ? 'nobody looked' : `by ${looking.map(({ name }) => name).join(', ')}`)
  } catch (error) {
    if (error instanceof PatchError) return tell('stale', error.message)
    throw error
  } finally {
    scratch.restore()
  }
}

/** What caught it last, aimed at that alone; then everybody. */
function judgesOf(name: string, { looking, catches, isAfresh }: Court): { judge: Judge; aim: string }[] {
  const by = isAfresh ? undefined : catches.of(name)
  const judge = by === undefined ? undefined : aimed(by)
  const hint = judge === undefined || by === undefined ? [] : [{ judge, aim: by }]
  return [...hint, ...looking.map((judge) => ({ judge, aim: judge.name }))]
}

/** A judge that is red anyway has caught nothing. */
function requireGreen(judge: Judge, aim: string, scratch: Scratch, { sound }: Court): Promise<void> {
  const seen = sound.get(aim) ?? seeGreen(judge, scratch)
  sound.set(aim, seen)
  return seen
}

async function seeGreen(judge: Judge, scratch: Scratch): Promise<void> {
  const found = await judge.look(scratch.folder)
  if (found !== undefined) throw new Error(`${judge.name} fails without any mutant: ${found.what}`)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
