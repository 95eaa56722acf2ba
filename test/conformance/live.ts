// `npm run -s conformance:live -- --runs N --seed S`: random scenarios on real Erlang/OTP and on Espalier, compared,
// and every difference shrunk to the smallest scenario that shows it, printed as a file ready to be kept.
//
// Exit codes: 0 no difference, 1 differences, 64 wrong arguments, 69 no Erlang/OTP 25.

import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { compare, type Verdict } from './comparison.ts'
import type { Engine } from './contract.ts'
import { unifiedDiff } from './diff.ts'
import { createEngine } from './engine/index.ts'
import { createOracle, NoErlang, type Oracle } from './erlang/oracle.ts'
import { formatScenario, traceLines } from './format.ts'
import { type Kind, kindNames, scenarios } from './generate/index.ts'
import { inLanes, inParallel } from './parallel.ts'
import type { Scenario, Trace } from './scenario.ts'
import { shrink } from './shrink.ts'

const usage = `usage: conformance:live [--runs N] [--seed S] [--kind KIND]... [--against ENGINE] [--shrunk N]

  --runs N          scenarios (default 500)
  --seed S          seed of the generator (default 1)
  --kind KIND       supervisor, statem, server, signals (default: all)
  --against ENGINE  espalier (default); espalier-real-time; erlang: the judge against itself, nothing may differ;
                    broken: Erlang with a planted mistake, which must be found
  --shrunk N        how many differences to shrink (default 3)`

type Found = { readonly scenario: Scenario; readonly run: number }

async function main(args: readonly string[]): Promise<number> {
  const options = parse(args)
  if (options === undefined) {
    console.error(usage)
    return 64
  }
  const oracle = await createOracle()
  const engine = engineFor(options.against, oracle)
  if (engine === undefined) {
    console.error(usage)
    return 64
  }
  try {
    const arbitrary = scenarios(options.kinds)
    const samples = fc.sample(arbitrary, { numRuns: options.runs, seed: options.seed })
    const found = await compareAll(samples, oracle, engine)
    for (const difference of found.slice(0, options.shrunk)) await report(difference, oracle, engine)
    return found.length === 0 ? 0 : 1
  } finally {
    await engine.close()
    await oracle.close()
  }
}

function parse(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '500' },
      seed: { type: 'string', default: '1' },
      kind: { type: 'string', multiple: true },
      against: { type: 'string', default: 'espalier' },
      shrunk: { type: 'string', default: '3' },
    },
  })
  const kinds = (values.kind ?? kindNames).filter((kind): kind is Kind => kindNames.some((name) => name === kind))
  const numbers = { runs: Number(values.runs), seed: Number(values.seed), shrunk: Number(values.shrunk) }
  const whole = Object.values(numbers).every((number) => Number.isSafeInteger(number) && number >= 0)
  if (!whole || kinds.length !== (values.kind ?? kindNames).length) return undefined
  return { ...numbers, kinds, against: values.against }
}

function engineFor(name: string, oracle: Oracle): Engine | undefined {
  const erlang: Engine = { parallel: oracle.parallel, run: (scenario) => oracle.run(scenario), close: async () => {} }
  switch (name) {
    case 'espalier':
      return inLanes(createEngine({ realTime: false, threads: 1 }))
    case 'espalier-real-time':
      return inLanes(createEngine({ realTime: true, threads: 1 }))
    case 'erlang':
      return erlang
    case 'broken':
      return { ...erlang, run: async (scenario) => planted(await oracle.run(scenario)) }
    default:
      return undefined
  }
}

/** The planted mistake: a killed process is reported with reason kill, not killed. */
function planted(trace: Trace): Trace {
  return trace.map((segment) =>
    segment.map((event) =>
      event[0] === 'down' && event.at(-1) === 'killed' ? [...event.slice(0, -1), 'kill'] : event,
    ),
  )
}

async function compareAll(samples: readonly Scenario[], oracle: Oracle, engine: Engine): Promise<Found[]> {
  const started = performance.now()
  const verdicts = await inParallel(oracle.parallel, samples, (scenario) => compare(scenario, oracle, engine))
  const count = (kind: Verdict['kind']) => verdicts.filter((verdict) => verdict.kind === kind).length
  if (count('different') <= mostAccidents) {
    for (const [run, verdict] of verdicts.entries()) verdicts[run] = await confirmed(verdict, oracle, engine)
  }
  const reasons = new Map<string, number>()
  for (const verdict of verdicts) {
    if (verdict.kind === 'left out') reasons.set(verdict.why, (reasons.get(verdict.why) ?? 0) + 1)
  }
  const seconds = Math.round((performance.now() - started) / 1000)
  const why = [...reasons].map(([reason, times]) => `${times} ${reason}`).join(', ')
  console.log(
    `${samples.length} runs in ${seconds} s: ${count('same') + count('different')} compared, ` +
      `${count('left out')} left out${why === '' ? '' : ` (${why})`}, ${count('different')} differences`,
  )
  return verdicts.flatMap((verdict, run) => (verdict.kind === 'different' ? [{ scenario: verdict.scenario, run }] : []))
}

/** More differences than these are no accidents. */
const mostAccidents = 10

/**
 * A difference is looked at again while nothing else runs: Erlang keeps real time, and on a busy machine it can be late in
 * the same way each time. The engine must do again what it did: one that answers both ways is at fault.
 */
async function confirmed(verdict: Verdict, oracle: Oracle, engine: Engine): Promise<Verdict> {
  if (verdict.kind !== 'different' || verdict.actual instanceof Error) return verdict
  const again = await compare(verdict.scenario, oracle, engine)
  if (again.kind === 'different') return again
  const actual = await engine.run(verdict.scenario)
  if (JSON.stringify(actual) !== JSON.stringify(verdict.actual)) return verdict
  return { kind: 'left out', why: 'Erlang was late' }
}

async function report({ scenario, run }: Found, oracle: Oracle, engine: Engine): Promise<void> {
  const holds = async (candidate: Scenario) => (await compare(candidate, oracle, engine)).kind === 'different'
  const smallest = await shrink(scenario, { holds, parallel: oracle.parallel })
  const verdict = await compare(smallest, oracle, engine)
  if (verdict.kind !== 'different') {
    console.log(`\nrun ${run}: shrunk to a scenario that no longer differs; the original:\n${formatScenario(scenario)}`)
    return
  }
  const { expected, actual } = verdict
  console.log(
    `\nrun ${run}, as a file:\n${formatScenario({ ...smallest, trace: expected.map((s) => s.map((e) => [...e])) })}`,
  )
  const names = { a: 'Erlang/OTP', b: 'engine' }
  if (actual instanceof Error) console.log(`the engine failed: ${actual.stack ?? actual.message}`)
  else console.log(unifiedDiff(traceLines(expected, smallest), traceLines(actual, smallest), names))
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = error instanceof NoErlang ? 69 : 1
}
