// `npm run -s simulate -- …`: seeds and schedule files, one line a run. Exit codes: 0 all passed, 1 something failed, 64
// wrong usage.

import { parseArgs } from 'node:util'
import { runFiles } from './files.ts'
import type { CommandOptions } from './options.ts'
import { runSeeds } from './seeds.ts'

const usage = `usage: simulate sample [--seeds N] [--seed S] [--break NAME] [--trace FILE] [--out FOLDER]
       simulate --schedule PATH... [--seeds K] [--break NAME] [--trace FILE]

  sample             runs the sample protocol, a primary–backup register, under schedules that the seeds draw
  --seeds N          how many seeds (default 1), from --seed on; with --schedule: the schedule's own, then derived ones
  --seed S           the first seed (default 1)
  --schedule PATH    a schedule file, or a folder of them; more may follow
  --break lost-ack   the primary answers before a backup has the request: must be found
  --break ambient    the replicas read the real clock: the guard must throw
  --trace FILE       every event of every run, one line each
  --out FOLDER       where the shrunk schedule of a failure goes (default build/simulate)
  --help             this text
`

const BREAKS = ['lost-ack', 'ambient'] as const

function parse(args: readonly string[]): CommandOptions | 'help' | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seeds: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      schedule: { type: 'string', multiple: true },
      break: { type: 'string' },
      trace: { type: 'string' },
      out: { type: 'string', default: 'build/simulate' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  const [seeds, seed] = [Number(values.seeds), Number(values.seed)]
  const sabotage = BREAKS.find((name) => name === values.break)
  const isSound = Number.isSafeInteger(seeds) && seeds >= 1 && Number.isSafeInteger(seed)
  if (!isSound || (values.break !== undefined && sabotage === undefined)) return undefined
  const isSample = values.schedule === undefined && positionals.join() === 'sample'
  if (!isSample && values.schedule === undefined) return undefined
  const paths = values.schedule === undefined ? [] : [...values.schedule, ...positionals]
  const print = (line: string) => console.log(line)
  return { seeds, seed, sabotage, paths, trace: values.trace, out: values.out, print }
}

function parseOrExplain(args: readonly string[]): CommandOptions | 'help' | undefined {
  try {
    return parse(args)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return undefined
  }
}

async function main(args: readonly string[]): Promise<number> {
  const options = parseOrExplain(args)
  if (options === undefined || options === 'help') {
    console.error(usage)
    return options === 'help' ? 0 : 64
  }
  return (options.paths.length === 0 ? await runSeeds(options) : await runFiles(options)) ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
