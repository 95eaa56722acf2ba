// `npm run -s receipts:fuzz`: changes bytes of a store of receipts, and judges what `espalier receipts verify` says.

import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { KeyValueStore, openLmdb } from 'espalier/storage'
import { SeededRandom } from 'espalier/testing'
import { inParallel } from '../conformance/parallel.ts'

const usage = `usage: receipts:fuzz [--offsets N] [--inside N] [--seed N] [--break unsigned]

  --offsets N       changes one byte at N random offsets of the store's files: verify must say intact, and mean it, or
                    name a receipt, or call the store unreadable. Default 200
  --inside N        changes one byte inside a receipt, N times: verify must name that receipt. Default 20
  --seed N          default 1
  --break unsigned  a verifier that checks no signature: must be found out

Exit code 0 if every answer was right.`

/** Receipts in the store. */
const receipts = 8
const command = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))
const unsigned = fileURLToPath(new URL('./verify-unsigned.js', import.meta.url))

interface Answer {
  readonly kind: string
  readonly count?: number
  readonly digest?: string
  readonly sequence?: number
}

/** One change of a copy of the store; `sequence` is set if it lies inside a receipt. */
interface Trial {
  readonly name: string
  readonly sequence: number | undefined
  apply(store: string): void
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      offsets: { type: 'string', default: '200' },
      inside: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      break: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const [offsets, inside, seed] = [Number(values.offsets), Number(values.inside), Number(values.seed)]
  const isNumber = [offsets, inside, seed].every((value) => Number.isSafeInteger(value) && value >= 0)
  if (values.help || !isNumber || ![undefined, 'unsigned'].includes(values.break)) {
    console.error(usage)
    return values.help ? 0 : 64
  }
  const verifier = values.break === undefined ? [command, 'receipts', 'verify', '--json', '--data'] : [unsigned]
  const root = mkdtempSync(join(tmpdir(), 'espalier-fuzz-'))
  try {
    return await fuzz(root, verifier, { offsets, inside, random: new SeededRandom(seed) })
  } finally {
    rmSync(root, { recursive: true })
  }
}

async function fuzz(
  root: string,
  verifier: readonly string[],
  { offsets, inside, random }: { offsets: number; inside: number; random: SeededRandom },
): Promise<number> {
  const original = await writeReceipts(root)
  const whole = await verify(verifier, original)
  console.log(`untouched: ${JSON.stringify(whole)}`)
  const stored = await storedReceipts(original)
  const trials = [
    ...Array.from({ length: offsets }, () => anywhere(join(original, 'store'), random)),
    ...Array.from({ length: inside }, () => insideReceipt(stored, random)),
  ]
  const counts = new Map<string, number>()
  let wrong = 0
  await inParallel(availableParallelism(), trials, async (trial) => {
    const folder = mkdtempSync(join(root, 'trial-'))
    cpSync(original, folder, { recursive: true })
    trial.apply(join(folder, 'store'))
    const answer = await verify(verifier, folder)
    rmSync(folder, { recursive: true })
    const fault = faultOf(answer, trial, whole)
    const kind = `${trial.sequence === undefined ? 'anywhere' : 'inside a receipt'}: ${answer.kind}`
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
    if (fault === undefined) return
    wrong += 1
    console.log(`WRONG  ${trial.name}: ${fault}: ${JSON.stringify(answer)}`)
  })
  for (const [kind, count] of [...counts].sort()) console.log(`${kind} ${count}`)
  console.log(wrong === 0 ? 'every answer was right' : `${wrong} answers were wrong`)
  return wrong === 0 && whole.kind === 'intact' && whole.count === receipts ? 0 : 1
}

/** What is wrong with an answer, if anything. */
function faultOf(answer: Answer, trial: Trial, whole: Answer): string | undefined {
  if (trial.sequence !== undefined) {
    const named = answer.kind === 'broken' && answer.sequence === trial.sequence
    return named ? undefined : `receipt ${trial.sequence} is not named`
  }
  if (answer.kind === 'unreadable' || answer.kind === 'broken') return undefined
  if (answer.kind !== 'intact') return 'it died'
  return JSON.stringify(answer) === JSON.stringify(whole) ? undefined : 'intact, and not what it was'
}

/** Receipts as the command leaves them: of flows that ask for a role that nobody has. */
async function writeReceipts(root: string): Promise<string> {
  const data = join(root, 'original')
  const agents = join(root, 'agents.json')
  writeFileSync(agents, '{"agents":[{"role":"ok","runner":{"kind":"command","argv":["true"]}}]}')
  for (let at = 1; at <= receipts; at += 1) {
    const spec = at % 2 === 0 ? 'ok, ok parallel 2' : 'nobody'
    await run([command, 'run', spec, '--agents', agents, '--data', data])
  }
  return data
}

async function storedReceipts(data: string): Promise<Buffer[]> {
  const store = await openLmdb({ path: join(data, 'store'), readOnly: true })
  const found: Buffer[] = []
  for await (const { value } of new KeyValueStore(store, 'receipts').scan()) found.push(Buffer.from(value))
  await store.close()
  return found
}

function anywhere(store: string, random: SeededRandom): Trial {
  const files = readdirSync(store).sort()
  const sizes = files.map((file) => statSync(join(store, file)).size)
  let at = random.below(sizes.reduce((sum, size) => sum + size, 0))
  const index = sizes.findIndex((size) => {
    if (at < size) return true
    at -= size
    return false
  })
  const file = files[index] ?? ''
  const flip = 1 + random.below(255)
  return {
    name: `${file} at ${at} xor ${flip}`,
    sequence: undefined,
    apply: (folder) => flipByte(join(folder, file), [at], flip),
  }
}

// Every copy of the receipt: LMDB copies the pages it writes, and older ones hold the same bytes.
function insideReceipt(stored: readonly Buffer[], random: SeededRandom): Trial {
  const index = random.below(stored.length)
  const bytes = stored[index] ?? Buffer.alloc(1)
  const at = random.below(bytes.length)
  const flip = 1 + random.below(255)
  return {
    name: `receipt ${index + 1} at ${at} xor ${flip}`,
    sequence: index + 1,
    apply: (folder) => {
      const file = join(folder, 'data.mdb')
      const content = readFileSync(file)
      const copies: number[] = []
      for (let copy = content.indexOf(bytes); copy >= 0; copy = content.indexOf(bytes, copy + 1)) copies.push(copy + at)
      if (copies.length === 0) throw new Error(`receipt ${index + 1} is not in the file`)
      flipByte(file, copies, flip)
    },
  }
}

function flipByte(file: string, offsets: readonly number[], flip: number): void {
  const content = readFileSync(file)
  for (const at of offsets) content[at] = (content[at] ?? 0) ^ flip
  writeFileSync(file, content)
}

async function verify(verifier: readonly string[], data: string): Promise<Answer> {
  const stdout = await run([...verifier, data])
  try {
    return JSON.parse(stdout) as Answer
  } catch {
    return { kind: `no answer: ${stdout.slice(0, 200)}` }
  }
}

function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'], timeout: 120_000 })
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.on('error', reject)
    child.on('close', () => resolve(stdout))
  })
}

process.exitCode = await main(process.argv.slice(2))
