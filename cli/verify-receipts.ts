// The program that `espalier receipts verify` runs as a child: opens the store, verifies, prints one line of JSON.
// It may die of what it reads; its parent (actors/receipt/verifier.ts) then says that the store cannot be read.
//
//   node verify-receipts.js DATA_FOLDER        exit code 0 intact, 1 broken, 2 unreadable

import { type KeyRing, parseKeyRing, readKeyRing } from '../actors/receipt/key-ring.ts'
import { type Verdict, verifyChain } from '../actors/receipt/receipt-chain.ts'
import { keysVariable, receiptPaths, receiptStoreName, verifyReceipts } from '../actors/receipt/receipt-store.ts'
import { printVerification, type Verification } from '../actors/receipt/verifier.ts'
import { KeyValueStore, openLmdb, StorageError } from '../src/storage/index.ts'
import { systemFiles } from '../src/system/index.ts'

const exitCodes = { intact: 0, broken: 1, unreadable: 2 } as const

const answer = await verification(process.argv[2] ?? '.')
process.stdout.write(printVerification(answer))
process.exitCode = exitCodes[answer.kind]

async function verification(dataFolder: string): Promise<Verification> {
  try {
    return await verdict(dataFolder)
  } catch (error) {
    return { kind: 'unreadable', detail: error instanceof Error ? error.message : String(error) }
  }
}

async function verdict(dataFolder: string): Promise<Verdict> {
  const paths = receiptPaths(dataFolder)
  const head = await systemFiles.read(paths.head)
  const store = await openLmdb({ path: paths.store, readOnly: true }).catch((error: unknown) => {
    if (error instanceof StorageError && error.code === 'ERR_STORAGE_MISSING') return undefined
    throw error
  })
  if (store === undefined && head === undefined) {
    return { kind: 'intact', count: 0, digest: '', beyondHead: 0 }
  }
  try {
    const keys = await keyRing(paths.keys)
    if (store === undefined) return await verifyChain([], head, keys)
    return await verifyReceipts(new KeyValueStore(store, receiptStoreName), head, keys)
  } finally {
    await store?.close()
  }
}

async function keyRing(path: string): Promise<KeyRing> {
  const text = process.env[keysVariable]
  if (text !== undefined) return parseKeyRing(text, keysVariable)
  const keys = await readKeyRing(systemFiles, path)
  if (keys === undefined) throw new Error(`no keys: there is no ${path}, and ${keysVariable} is not set`)
  return keys
}
