// A replica of bare replication: one LMDB environment on a thread of its own. Each message is a batch of encoded
// puts, committed durably before it is answered.

import { parentPort, workerData } from 'node:worker_threads'
import { open } from 'lmdb'
import { VALUE_BYTES } from './load.ts'

const database = open<Uint8Array, Uint8Array>({
  path: `${workerData}/data.mdb`,
  keyEncoding: 'binary',
  encoding: 'binary',
  // As the storage room has it: a transaction that has returned is on the disk.
  overlappingSync: false,
  maxDbs: 1,
})

let next = 0

/** Entries under ascending keys, as a log has them. */
function commit(values: Uint8Array): void {
  database.transactionSync(() => {
    for (let at = 0; at < values.length; at += VALUE_BYTES) {
      const key = Buffer.alloc(8)
      key.writeDoubleBE(next)
      next += 1
      database.putSync(key, values.subarray(at, at + VALUE_BYTES))
    }
  })
}

parentPort?.on('message', (values: Uint8Array) => {
  commit(values)
  const { entryCount } = database.getStats() as { readonly entryCount: number }
  parentPort?.postMessage(entryCount)
})
parentPort?.postMessage(0)
