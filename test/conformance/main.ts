// `npm run -s conformance -- PATH...`: runs scenario files through an engine and compares traces byte for byte.

import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Engine } from './contract.ts'
import { unifiedDiff } from './diff.ts'
import { createEngine } from './engine/index.ts'
import { createOracle, type Oracle } from './erlang/oracle.ts'
import { loadScenario, scenarioFiles } from './files.ts'
import { formatScenario, traceLines } from './format.ts'
import { inParallel } from './parallel.ts'
import { readScenario, withoutTrace } from './scenario.ts'

const usage = `usage: conformance [--real-time] [--threads N] [--erlang] PATH...

  PATH          scenario files, and folders of them
  --real-time   real timers instead of virtual time
  --threads N   spread the processes over N worker threads (default 1: one node)
  --erlang      run real Erlang/OTP 25 instead of Espalier: checks our Erlang driver
  --bail        end at the first failure
  --record      run real Erlang/OTP 25 and write its trace into the files: for scenarios written by hand`

/** Erlang's trace into the file of its scenario. The reason why not as text, or undefined. */
async function record(path: string, oracle: Oracle): Promise<string | undefined> {
  const scenario = await loadScenario(path)
  const { trace, flags } = await oracle.onTime(scenario)
  if (flags.length > 0) return `${path}: not fit to judge by: ${flags.join(', ')}`
  const again = await oracle.onTime(scenario, { jitterMs: 10 })
  if (JSON.stringify(again.trace) !== JSON.stringify(trace)) return `${path}: Erlang disagrees with itself`
  await writeFile(path, formatScenario(readScenario({ ...scenario, trace })))
  return undefined
}

/** Runs one file. The failure as text, or undefined when its trace is the recorded one. */
async function judge(path: string, engine: Engine): Promise<string | undefined> {
  try {
    const scenario = await loadScenario(path)
    if (scenario.trace === undefined) return `${path}: the scenario has no trace to compare with`
    const trace = await engine.run(withoutTrace(scenario))
    if (JSON.stringify(trace) === JSON.stringify(scenario.trace)) return undefined
    return unifiedDiff(traceLines(scenario.trace, scenario), traceLines(trace, scenario), {
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
      erlang: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      bail: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const threads = Number(values.threads)
  if (values.help || positionals.length === 0 || !Number.isInteger(threads) || threads < 1) {
    console.error(usage)
    return values.help ? 0 : 64
  }
  const files = await scenarioFiles(positionals)
  if (files.length === 0) {
    console.error(`no scenario found in ${positionals.join(' ')}`)
    return 1
  }
  if (values.record) {
    const oracle = await createOracle()
    return closing(oracle, files, 'recorded', (path) => record(path, oracle))
  }
  const engine = values.erlang ? await createOracle() : createEngine({ realTime: values['real-time'], threads })
  return closing(engine, files, 'passed', async (path) => {
    const failure = await judge(path, engine)
    if (failure !== undefined && values.bail) throw new Error(failure)
    return failure
  })
}

/** Does `work` on each file, tells what failed, counts, and closes the engine. */
async function closing(
  engine: Engine,
  files: readonly string[],
  done: string,
  work: (path: string) => Promise<string | undefined>,
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
