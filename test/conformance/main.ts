// `npm run -s conformance -- PATH...`: runs scenario files through an engine and compares traces byte for byte.

import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Engine } from './contract.ts'
import { unifiedDiff } from './diff.ts'
import { createEngine } from './engine/index.ts'
import { type Break, breaks } from './engine/threads/outpost.ts'
import { createOracle, type Oracle } from './erlang/oracle.ts'
import { besidePath, loadScenario, scenarioFiles } from './files.ts'
import { formatScenario, traceLines } from './format.ts'
import { inNoOrder } from './no-order.ts'
import { inParallel } from './parallel.ts'
import { readScenario, type Scenario, type Trace, withoutTrace } from './scenario.ts'

const usage = `usage: conformance [--real-time] [--threads 2 [--break NAME]] [--erlang] PATH...

  PATH          scenario files, and folders of them
  --real-time   real timers instead of virtual time
  --threads 2   the processes alternate between two worker threads (kinds signals and supervisor; real time)
  --break NAME  over threads, plant a mistake: ${Object.keys(breaks).join(', ')}
  --erlang      run real Erlang/OTP 25 instead of Espalier: checks our Erlang driver; with --threads 2 over two nodes
                (kind signals)
  --bail        end at the first failure
  --record      run real Erlang/OTP 25 and write its trace into the files: for scenarios written by hand; with
                --threads 2 its trace over two nodes, where it is another, into a file beside`

/** Of the scenarios that are played over two nodes at most so many in a hundred may have a trace of their own there. */
const maxOwnTraces = 5

/** The kinds that can be spread over two nodes: the others are about one process. */
const spread: readonly string[] = ['signals', 'supervisor']

/**
 * Erlang's trace into the file of its scenario, or, over two nodes, into the one beside it. The reason why not as text, or
 * undefined.
 */
async function record(path: string, oracle: Oracle, isSpread: boolean): Promise<string | undefined> {
  const scenario = await loadScenario(path)
  const { trace, flags } = await oracle.onTime(scenario)
  if (flags.length > 0) return `${path}: not fit to judge by: ${flags.join(', ')}`
  const again = await oracle.onTime(scenario, { jitterMs: 10 })
  if (JSON.stringify(again.trace) !== JSON.stringify(trace)) return `${path}: Erlang disagrees with itself`
  if (isSpread && JSON.stringify(trace) === JSON.stringify(scenario.trace)) return undefined
  await writeFile(isSpread ? besidePath(path) : path, formatScenario(readScenario({ ...scenario, trace })))
  return undefined
}

/** Runs one file. The failure as text, or undefined when its trace is the recorded one. */
async function judge({ path, scenario }: Loaded, engine: Engine, isSpread: boolean): Promise<string | undefined> {
  try {
    if (scenario.trace === undefined) return `${path}: the scenario has no trace to compare with`
    const comparable = isSpread ? inNoOrder : (trace: Trace) => trace
    const trace = comparable(await engine.run(withoutTrace(scenario)))
    const recorded = comparable(scenario.trace)
    if (JSON.stringify(trace) === JSON.stringify(recorded)) return undefined
    return unifiedDiff(traceLines(recorded, scenario), traceLines(trace, scenario), {
      a: `${path} (recorded)`,
      b: `${path} (ran)`,
    })
  } catch (error) {
    return `${path}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  }
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'real-time': { type: 'boolean', default: false },
      threads: { type: 'string', default: '1' },
      break: { type: 'string' },
      erlang: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      bail: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const threads = Number(values.threads)
  const planted = values.break
  const isPlantable = planted === undefined || (isBreak(planted) && threads === 2 && !values.erlang && !values.record)
  if (values.help || positionals.length === 0 || (threads !== 1 && threads !== 2) || !isPlantable) {
    console.error(usage)
    return values.help ? 0 : 64
  }
  const files = await scenarioFiles(positionals)
  if (files.length === 0) {
    console.error(`no scenario found in ${positionals.join(' ')}`)
    return 1
  }
  const twoNodes = threads === 2
  const kinds = twoNodes && (values.erlang || values.record) ? ['signals'] : twoNodes ? spread : undefined
  const loaded = await load(files, kinds, twoNodes)
  if (values.record) {
    const oracle = await createOracle({ twoNodes })
    return closing(oracle, loaded, 'recorded', ({ path }) => record(path, oracle, twoNodes))
  }
  const engine = values.erlang
    ? await createOracle({ twoNodes })
    : createEngine({ realTime: values['real-time'], threads, planted: isBreak(planted) ? planted : undefined })
  const code = await closing(engine, loaded, 'passed', async (file) => {
    const failure = await judge(file, engine, twoNodes)
    if (failure !== undefined && values.bail) throw new Error(failure)
    return failure
  })
  return twoNodes ? Math.max(code, countOwn(loaded)) : code
}

function isBreak(name: string | undefined): name is Break {
  return name !== undefined && name in breaks
}

interface Loaded {
  readonly path: string
  readonly scenario: Scenario
  /** Its trace is that of two nodes, from the file beside. */
  readonly isOwn: boolean
}

/** The scenarios in the files, of these kinds, over two nodes with the traces that they have there. */
async function load(
  files: readonly string[],
  kinds: readonly string[] | undefined,
  twoNodes: boolean,
): Promise<readonly Loaded[]> {
  const loaded = await Promise.all(
    files.map(async (path) => {
      const scenario = await loadScenario(path)
      const beside = twoNodes && existsSync(besidePath(path)) ? await loadScenario(besidePath(path)) : undefined
      return { path, scenario: beside ?? scenario, isOwn: beside !== undefined }
    }),
  )
  return loaded.filter(({ scenario }) => kinds === undefined || kinds.includes(scenario.kind))
}

/** Tells how many scenarios have traces of their own over two nodes. 1 if they are too many. */
function countOwn(loaded: readonly Loaded[]): 0 | 1 {
  const own = loaded.filter(({ isOwn }) => isOwn).length
  // Of a few that were picked it says nothing.
  const isTooMany = own * 100 > maxOwnTraces * loaded.length && loaded.length > 300
  console.log(`${own} of them by Erlang’s trace over two nodes${isTooMany ? `: more than ${maxOwnTraces} %` : ''}`)
  return isTooMany ? 1 : 0
}

/** Does `work` on each file, tells what failed, counts, and closes the engine. */
async function closing(
  engine: Engine,
  files: readonly Loaded[],
  done: string,
  work: (file: Loaded) => Promise<string | undefined>,
): Promise<number> {
  try {
    const failures = await inParallel(engine.parallel, files, work)
    const failed = failures.filter((failure) => failure !== undefined)
    for (const failure of failed) console.log(`${failure}\n`)
    console.log(`${files.length - failed.length} ${done}, ${failed.length} failed`)
    return failed.length === 0 ? 0 : 1
  } finally {
    await engine.close()
  }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
