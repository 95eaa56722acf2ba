// A verifier with the planted bug of `receipts:fuzz --break unsigned`: it reads everything, and checks no signature and
// no digest.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KeyValueStore, openLmdb } from 'espalier/storage'

const data = process.argv[2] ?? '.'
const store = await openLmdb({ path: join(data, 'store'), readOnly: true })
let count = 0
for await (const _ of new KeyValueStore(store, 'receipts').scan()) count += 1
await store.close()
const { body } = JSON.parse(readFileSync(join(data, 'receipts.head'), 'utf8')) as { body: { digest: string } }
process.stdout.write(`${JSON.stringify({ kind: 'intact', count, digest: body.digest, beyondHead: 0 })}\n`)
