// The process that recovers what a crash has left: `storage-recovery SEED LENGTH CASES`, where CASES is JSON: a list of
// folders, each with the number of the last acknowledged change by name. Writes a line of JSON for each: what is wrong,
// or null. It may itself die of a damaged file: its caller then knows which.

import { writeSync } from 'node:fs'
import { type DurableLog, KeyValueStore, openLmdb, openLog, type TransactionalStore } from 'espalier/storage'
import { logNames, planLog, plannedValue, valueStore } from './storage-plan.ts'

export interface RecoveryCase {
  readonly path: string
  readonly acknowledged: Readonly<Record<string, number>>
}

const [seedText = '', lengthText = '', casesText = '[]'] = process.argv.slice(2)
const seed = Number(seedText)
const length = Number(lengthText)
const cases: readonly RecoveryCase[] = JSON.parse(casesText)

async function contents(log: DurableLog): Promise<Uint8Array[]> {
  const found: Uint8Array[] = []
  for (let at = log.firstIndex; at <= log.last.index; at = log.firstIndex + found.length)
    found.push(...(await log.read(at)))
  return found
}

async function judgeLog(store: TransactionalStore, name: string, acknowledged: number): Promise<string | undefined> {
  const log = await openLog(store, { name })
  if (log.recovery.kind !== 'ok') return `log ${name}: recovery reports ${JSON.stringify(log.recovery)}`
  const number = Number(Buffer.from(log.metadata).toString())
  if (number < acknowledged)
    return `log ${name}: change ${acknowledged} was acknowledged, ${number} is the last one there`
  const state = planLog(seed, name, length).states[number]
  if (state === undefined) return `log ${name}: change ${number} was never made`
  const entries = await contents(log)
  const isSame =
    log.firstIndex === state.firstIndex &&
    entries.length === state.entries.length &&
    entries.every((entry, at) => state.entries[at]?.equals(entry))
  if (!isSame) return `log ${name}: it does not hold what it held after change ${number}`
  const { index } = await log.append([Buffer.from('after the crash')])
  const again = await openLog(store, { name })
  return again.last.index === index ? undefined : `log ${name}: it cannot be continued`
}

async function judgeValues(store: TransactionalStore, acknowledged: number): Promise<string | undefined> {
  const values = new KeyValueStore(store, valueStore)
  const [left = new Uint8Array(), right = new Uint8Array()] = await Promise.all([
    values.get('left'),
    values.get('right'),
  ])
  if (!Buffer.from(left).equals(right)) return 'values: half an update is there'
  const number = Number.parseInt(Buffer.from(left.subarray(0, 12)).toString('latin1') || '0', 10)
  if (number < acknowledged) return `values: update ${acknowledged} was acknowledged, ${number} is the last one there`
  if (number > 0 && !plannedValue(seed, number).equals(left)) return `values: update ${number} never looked like this`
  return undefined
}

async function judge({ path, acknowledged }: RecoveryCase): Promise<string | undefined> {
  try {
    const store = await openLmdb({ path })
    for (const name of logNames) {
      const problem = await judgeLog(store, name, acknowledged[name] ?? 0)
      if (problem !== undefined) return problem
    }
    const problem = await judgeValues(store, acknowledged[valueStore] ?? 0)
    await store.close()
    return problem
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

for (const one of cases) writeSync(1, `${JSON.stringify((await judge(one)) ?? null)}\n`)
process.exit(0)
