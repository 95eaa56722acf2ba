// The process that is crashed: `storage-workload FOLDER SEED LENGTH [ack-at-put]`. Runs the plan on three logs and a
// key-value store of one environment, each with up to three changes under way, and writes a line `NAME NUMBER` to
// standard output when a change is acknowledged.

import { writeSync } from 'node:fs'
import { KeyValueStore, openLmdb, openLog, type TransactionalStore } from 'espalier/storage'
import { logNames, planLog, plannedValue, valueStore } from './storage-plan.ts'

const [path = '', seedText = '', lengthText = '', sabotage = ''] = process.argv.slice(2)
const seed = Number(seedText)
const length = Number(lengthText)

/** Runs the numbered changes in order, at most three under way. */
async function drive(name: string, change: (number: number) => Promise<unknown>): Promise<void> {
  const underWay: Promise<void>[] = []
  for (let number = 1; number <= length; number += 1) {
    underWay.push(change(number).then(() => void writeSync(1, `${name} ${number}\n`)))
    if (underWay.length === 3) await underWay.shift()
  }
  await Promise.all(underWay)
}

async function driveLog(store: TransactionalStore, name: string): Promise<void> {
  const log = await openLog(store, { name })
  const { changes } = planLog(seed, name, length)
  await drive(name, async (number) => {
    const planned = changes[number - 1]
    const metadata = Buffer.from(String(number))
    if (planned?.kind === 'compact') await log.compact(planned.through, metadata)
    else if (planned !== undefined) await log.change({ ...planned, metadata })
  })
}

// The planted bug is no part of the published type.
const options = { path, acknowledgeAtPut: sabotage === 'ack-at-put' }
const store = await openLmdb(options)
const values = new KeyValueStore(store, valueStore)
await Promise.all([
  ...logNames.map((name) => driveLog(store, name)),
  drive(valueStore, (number) =>
    values.update((changes) => {
      changes.put('left', plannedValue(seed, number))
      changes.put('right', plannedValue(seed, number))
    }),
  ),
])
await store.close()
