// `npm run -s simulate -- …`: seeds and schedule files, one line a run. Exit codes: 0 all passed, 1 something failed, 64
// wrong usage.

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { runFiles } from './files.ts'
import type { CommandOptions } from './options.ts'
import { isProtocol, protocols } from './protocols.ts'
import { runSeeds } from './seeds.ts'

const usage = `usage: simulate PROTOCOL [--seeds N] [--seed S] [--jobs N] [--bail] [--break NAME] [--trace FILE] [--out FOLDER]
       simulate --schedule PATH... [--seeds K] [--bail] [--break NAME] [--trace FILE]

  sample             a primary–backup register, small enough to be read in one sitting
  raft               Raft groups, in storms of their own; the run ends with what it has visited
  --seeds N          how many seeds (default 1), from --seed on; with --schedule: the schedule's own, then derived ones
  --seed S           the first seed (default 1)
  --jobs N           seeds that run at a time, on threads (default: as many as the machine has cores)
  --bail             the first failure ends the run, and is not shrunk
  --schedule PATH    a schedule file, or a folder of them; more may follow
  --break NAME       plants a mistake that must be found:
${breaksOf()}
  --trace FILE       every event of every run, one line each
  --out FOLDER       where the shrunk schedule of a failure goes (default build/simulate)
  --help             this text
`

function breaksOf(): string {
  const lines = Object.entries(protocols).flatMap(([name, { breaks }]) =>
    Object.entries(breaks).map(([planted, what]) => `    ${name.padEnd(7)} ${planted.padEnd(20)} ${what}`),
  )
  return lines.join('\n')
}

function parse(args: readonly string[]): CommandOptions | 'help' | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seeds: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      bail: { type: 'boolean', default: false },
      schedule: { type: 'string', multiple: true },
      break: { type: 'string' },
      trace: { type: 'string' },
      out: { type: 'string', default: 'build/simulate' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  const [seeds, seed, jobs] = [Number(values.seeds), Number(values.seed), Number(values.jobs)]
  const isSound =
    [seeds, jobs].every((count) => Number.isSafeInteger(count) && count >= 1) && Number.isSafeInteger(seed)
  if (!isSound) return undefined
  const [name = ''] = positionals
  const protocol = values.schedule === undefined && positionals.length === 1 && isProtocol(name) ? name : undefined
  if (protocol === undefined && values.schedule === undefined) return undefined
  const known = Object.entries(protocols).filter(([other]) => protocol === undefined || other === protocol)
  const sabotage = values.break
  if (sabotage !== undefined && !known.some(([, { breaks }]) => sabotage in breaks)) return undefined
  const paths = values.schedule === undefined ? [] : [...values.schedule, ...positionals]
  const print = (line: string) => console.log(line)
  return {
    protocol,
    seeds,
    seed,
    sabotage,
    paths,
    trace: values.trace,
    out: values.out,
    jobs,
    bail: values.bail,
    print,
  }
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
  const { protocol } = options
  return (protocol === undefined ? await runFiles(options) : await runSeeds(protocol, options)) ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
