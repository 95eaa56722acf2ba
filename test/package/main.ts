// `npm run -s package:check`: the package as a user gets it. Slow, for it packs and installs; so not part of `npm test`.
//
//   --break NAME   plants a fault (faults.ts); the run must turn red at the step that is there for it
//
// Exit codes: 0 all passed; 1 a step failed; 2 wrong usage, or a planted fault that its step did not catch.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { faults, plant } from './faults.ts'
import { type Bench, pack, steps } from './steps.ts'

const maxMs = 120_000

process.exitCode = await main(process.argv.slice(2))

async function main(argv: string[]): Promise<number> {
  const { values } = parseArgs({ args: argv, options: { break: { type: 'string' } } })
  const fault = values.break === undefined ? undefined : faults[values.break]
  if (values.break !== undefined && !fault) {
    console.error(`--break: expected one of ${Object.keys(faults).join(', ')}, got ${values.break}`)
    return 2
  }
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  const folder = mkdtempSync(join(tmpdir(), 'espalier-package-'))
  const deadline = AbortSignal.timeout(maxMs)
  try {
    const read = (name: string) => readFileSync(`${root}test/package/sample/${name}`, 'utf8')
    const sample = { code: read('consumer.ts'), output: read('output.txt') }
    const bench: Bench = { root, folder, deadline, tarball: await pack(root, folder, deadline), sample }
    const failed = await check(fault ? await plant(fault, bench) : bench)
    if (fault && failed !== fault.caughtBy) {
      console.log(`the fault should have been caught by: ${fault.caughtBy}`)
      return 2
    }
    return failed === undefined ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs the steps up to the first that fails, and names that one: each needs those before it. */
async function check(bench: Bench): Promise<string | undefined> {
  for (const [at, [name, run]] of steps.entries()) {
    const begun = performance.now()
    try {
      await run(bench)
    } catch (error) {
      console.log(`failed  ${name}\n${error instanceof Error ? error.message : String(error)}`)
      console.log(`${at} passed, 1 failed, ${steps.length - at - 1} not reached`)
      return name
    }
    console.log(`passed  ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`)
  }
  console.log(`${steps.length} passed, 0 failed`)
  return undefined
}
