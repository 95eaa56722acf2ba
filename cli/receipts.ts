// `espalier receipts …`: list, show, verify, rotate-key.

import { fileURLToPath } from 'node:url'
import { type KeyRing, parseKeyRing, readKeyRing, rotateKeyRing } from '../actors/receipt/key-ring.ts'
import {
  findReceipt,
  keysVariable,
  listReceipts,
  receiptPaths,
  receiptStoreName,
} from '../actors/receipt/receipt-store.ts'
import { type Verification, verifyInChild } from '../actors/receipt/verifier.ts'
import { KeyValueStore, openLmdb } from '../src/storage/index.ts'
import { createSystemChildren, systemClock, systemFiles, systemSecrets } from '../src/system/index.ts'
import { columns, countOf, seconds } from './table.ts'

/** Prints the newest receipts. */
export async function listReceiptsCommand(data: string, limit: string, json: boolean): Promise<number> {
  if (!/^[1-9]\d{0,5}$/.test(limit)) {
    process.stderr.write(`espalier: --limit: expected a number from 1 to 999999, got ${JSON.stringify(limit)}\n`)
    return 2
  }
  return withRecords(data, async (records, keys) => {
    const rows: string[][] = []
    for await (const { id, receipt } of listReceipts(records, keys, { reverse: true, limit: Number(limit) })) {
      if (json) process.stdout.write(`${JSON.stringify({ id, receipt: receipt ?? null })}\n`)
      else if (receipt === undefined) rows.push([id, 'damaged: see `espalier receipts verify`', '', '', ''])
      else {
        const { startedAtMs, durationMs, outcome, tasks, flowId } = receipt.flow
        rows.push([
          id,
          new Date(startedAtMs).toISOString(),
          outcome,
          `${countOf(tasks.length, 'task')}, ${seconds(durationMs)}`,
          flowId,
        ])
      }
    }
    if (!json)
      process.stdout.write(
        rows.length === 0 ? 'no receipts\n' : columns(['receipt', 'begun', 'outcome', 'work', 'flow'], rows),
      )
    return 0
  })
}

/** Prints one receipt. */
export async function showReceiptCommand(data: string, id: string): Promise<number> {
  return withRecords(data, async (records, keys) => {
    const found = await findReceipt(records, keys, id)
    if (found?.receipt === undefined) {
      const why = found === undefined ? `no receipt ${JSON.stringify(id)}` : `receipt ${id} is damaged`
      process.stderr.write(`espalier: ${why}\n`)
      return 1
    }
    process.stdout.write(`${JSON.stringify({ id: found.id, ...found.receipt }, undefined, 2)}\n`)
    return 0
  })
}

/** Prints the verdict on a data folder. */
export async function verifyReceiptsCommand(data: string, json: boolean): Promise<number> {
  const verdict = await verifyData(data)
  process.stdout.write(json ? `${JSON.stringify(verdict)}\n` : `${showVerdict(verdict)}\n`)
  return { intact: 0, broken: 1, unreadable: 2 }[verdict.kind]
}

/** Makes a new signing key. */
export async function rotateKeyCommand(data: string): Promise<number> {
  const path = receiptPaths(data).keys
  const ring = await rotateKeyRing({ files: systemFiles, secrets: systemSecrets, path })
  process.stdout.write(
    `receipts are signed by key ${ring[0].id} from now on; ${countOf(ring.length, 'key')} in all can verify\n`,
  )
  return 0
}

/** Verifies in a child process, which a damaged file may kill. */
export function verifyData(data: string): Promise<Verification> {
  const program = fileURLToPath(new URL('./verify-receipts.js', import.meta.url))
  return verifyInChild({
    children: createSystemChildren(),
    clock: systemClock,
    argv: [process.execPath, program, data],
  })
}

/** A verdict in one line. */
export function showVerdict(verdict: Verification): string {
  switch (verdict.kind) {
    case 'intact': {
      const beyond =
        verdict.beyondHead === 0 ? '' : '; the head does not count the last yet: the next run makes that good'
      return `intact, ${countOf(verdict.count, 'receipt')}${beyond}`
    }
    case 'broken':
      return `broken at receipt ${verdict.sequence}: ${verdict.fault.replaceAll('_', ' ')}: ${verdict.detail}`
    case 'unreadable':
      return `store unreadable: ${verdict.detail}`
  }
}

async function withRecords(
  data: string,
  use: (records: KeyValueStore, keys: KeyRing) => Promise<number>,
): Promise<number> {
  const paths = receiptPaths(data)
  const text = process.env[keysVariable]
  const keys = text === undefined ? await readKeyRing(systemFiles, paths.keys) : parseKeyRing(text, keysVariable)
  if (keys === undefined) {
    process.stderr.write(`espalier: there are no receipts in ${data}\n`)
    return 1
  }
  // A damaged store can end whoever opens it: a child process looks first.
  const verdict = await verifyData(data)
  if (verdict.kind === 'unreadable') {
    process.stderr.write(`espalier: ${showVerdict(verdict)}\n`)
    return 2
  }
  const store = await openLmdb({ path: paths.store, readOnly: true })
  try {
    return await use(new KeyValueStore(store, receiptStoreName), keys)
  } finally {
    await store.close()
  }
}
