// Receipts on disk: records in a key-value store, their signed head in a file beside it.
//
// Invariants: a receipt is durable before the head counts it, and the head is durable before the next receipt is
// written, so that a crash leaves the head at most one behind; no record is ever written over. Damage is not repaired
// or written on: opening refuses, and verification says what is wrong.

import { join } from 'node:path'
import { EspalierError } from '../../src/kernel/errors.ts'
import type { Files } from '../../src/kernel/ports/index.ts'
import type { KeyValueStore } from '../../src/storage/index.ts'
import type { KeyRing } from './key-ring.ts'
import {
  type ChainEnd,
  chainStart,
  type FlowRecord,
  openReceipt,
  type Receipt,
  receiptId,
  type SealedReceipt,
  sealReceipt,
} from './receipt.ts'
import { type StoredRecord, type Verdict, verifyChain } from './receipt-chain.ts'
import { openHead, sealHead } from './receipt-head.ts'
import { digestOf } from './signed-record.ts'

/** The end of the chain is not what the head says, or not signed: code `ERR_RECEIPTS_DAMAGED`. */
export class ReceiptsDamagedError extends EspalierError {}

/** The name of the key-value store that holds the records. */
export const receiptStoreName = 'receipts'

/** The environment variable that may hold the keys (see parseKeyRing); it goes before the key file. */
export const keysVariable = 'ESPALIER_RECEIPT_KEYS'

/** Where the parts lie in a data folder. */
export function receiptPaths(dataFolder: string) {
  return {
    /** The folder of the LMDB environment. */
    store: join(dataFolder, 'store'),
    head: join(dataFolder, 'receipts.head'),
    keys: join(dataFolder, 'receipts.keys'),
  }
}

export interface ReceiptStoreOptions {
  /** The one named {@link receiptStoreName}. Stays the caller's. */
  readonly records: KeyValueStore
  readonly files: Files
  readonly headPath: string
  readonly keys: KeyRing
}

/** A receipt as stored. `receipt` is undefined if its bytes are not what a known key signed: verify tells why. */
export interface ListedReceipt {
  readonly id: string
  readonly sequence: number
  readonly receipt: Receipt | undefined
}

/**
 * Opens the store for appending; writes the first head, and one that a crash left behind.
 * @throws ReceiptsDamagedError
 */
export async function openReceiptStore(options: ReceiptStoreOptions): Promise<ReceiptStore> {
  const { records, files, headPath, keys } = options
  const last = await lastRecord(records)
  const headBytes = await files.read(headPath)
  if (last === undefined && headBytes === undefined) {
    await files.replace(headPath, sealHead(chainStart, keys))
    return new ReceiptStore(options, chainStart, chainStart)
  }
  const head = headBytes === undefined ? undefined : openHead(headBytes, keys)
  if (head?.kind !== 'valid')
    throw receiptsDamaged(head === undefined ? 'there are receipts, but no head' : head.detail)
  if (last === undefined && head.end.sequence > 0)
    throw receiptsDamaged(`the head counts ${head.end.sequence} receipts, the store holds none`)
  const end = last === undefined ? chainStart : endOf(last, head.end, keys)
  if (end.sequence !== head.end.sequence) await files.replace(headPath, sealHead(end, keys))
  return new ReceiptStore(options, end, end)
}

export class ReceiptStore {
  readonly #options: ReceiptStoreOptions
  #end: ChainEnd
  #head: ChainEnd
  #queue: Promise<unknown> = Promise.resolve()

  /** @internal Use openReceiptStore. */
  constructor(options: ReceiptStoreOptions, end: ChainEnd, head: ChainEnd) {
    this.#options = options
    this.#end = end
    this.#head = head
  }

  /** The end that the head file counts. */
  get head(): ChainEnd {
    return this.#head
  }

  /**
   * Signs and stores a flow's report; resolves once the receipt and the head that counts it are durable. Appends
   * take effect one after the other. After a rejection the next append first makes good what is unfinished.
   */
  append(flow: FlowRecord): Promise<SealedReceipt> {
    const appended = this.#queue.then(() => this.#append(flow))
    this.#queue = appended.catch(() => undefined)
    return appended
  }

  async #append(flow: FlowRecord): Promise<SealedReceipt> {
    const { records, keys } = this.#options
    await this.#writeHead()
    const sealed = sealReceipt(flow, this.#end, keys)
    const key = keyOf(sealed.end.sequence)
    try {
      await records.update((changes) => {
        changes.expect(key, undefined)
        changes.put(key, sealed.bytes)
      })
    } catch (error) {
      // The write may have happened all the same.
      const stored = await records.get(key).catch(() => undefined)
      if (stored === undefined || digestOf(stored) !== sealed.end.digest) throw error
    }
    this.#end = sealed.end
    await this.#writeHead()
    return sealed
  }

  async #writeHead(): Promise<void> {
    if (this.#head.sequence === this.#end.sequence) return
    const { files, headPath, keys } = this.#options
    const end = this.#end
    await files.replace(headPath, sealHead(end, keys))
    this.#head = end
  }
}

/** Every stored receipt, the oldest first, or the newest first. */
export async function* listReceipts(
  records: KeyValueStore,
  keys: KeyRing,
  range: { readonly reverse?: boolean; readonly limit?: number } = {},
): AsyncGenerator<ListedReceipt, void, void> {
  for await (const { key, value } of records.scan(range)) {
    const sequence = sequenceOf(key)
    if (sequence === undefined) continue
    const opened = openReceipt(value, keys)
    const id = receiptId({ sequence, digest: digestOf(value) })
    yield { id, sequence, receipt: opened.kind === 'valid' ? opened.receipt : undefined }
  }
}

/** The receipt with this id or number, or undefined. */
export async function findReceipt(
  records: KeyValueStore,
  keys: KeyRing,
  idOrNumber: string,
): Promise<ListedReceipt | undefined> {
  const [, number] = /^(\d{1,15})(?:-[0-9a-f]{12})?$/.exec(idOrNumber) ?? []
  if (number === undefined) return undefined
  const sequence = Number(number)
  const bytes = await records.get(keyOf(sequence))
  if (bytes === undefined) return undefined
  const id = receiptId({ sequence, digest: digestOf(bytes) })
  if (idOrNumber.includes('-') && id !== idOrNumber) return undefined
  const opened = openReceipt(bytes, keys)
  return { id, sequence, receipt: opened.kind === 'valid' ? opened.receipt : undefined }
}

/** Verifies what is stored against the head's bytes; see verifyChain. */
export function verifyReceipts(records: KeyValueStore, head: Uint8Array | undefined, keys: KeyRing): Promise<Verdict> {
  return verifyChain(storedRecords(records), head, keys)
}

async function* storedRecords(records: KeyValueStore): AsyncGenerator<StoredRecord, void, void> {
  for await (const { key, value } of records.scan()) yield { sequence: sequenceOf(key), bytes: value }
}

async function lastRecord(records: KeyValueStore): Promise<StoredRecord | undefined> {
  for await (const { key, value } of records.scan({ reverse: true, limit: 1 })) {
    return { sequence: sequenceOf(key), bytes: value }
  }
  return undefined
}

/** Where the chain ends, if its last record is genuine, stands in its place, and follows `head` or is the one it names. */
function endOf(last: StoredRecord, head: ChainEnd, keys: KeyRing): ChainEnd {
  const opened = openReceipt(last.bytes, keys)
  if (opened.kind !== 'valid') throw receiptsDamaged(`the last receipt: ${opened.detail}`)
  const { sequence, previous } = opened.receipt
  if (sequence !== last.sequence) throw receiptsDamaged(`receipt ${sequence} stands at number ${last.sequence ?? '?'}`)
  const digest = digestOf(last.bytes)
  const follows = sequence === head.sequence + 1 && previous === head.digest
  const isNamed = sequence === head.sequence && digest === head.digest
  if (!follows && !isNamed)
    throw receiptsDamaged(`the last receipt, ${sequence}, is neither the one that the head names nor the next`)
  return { sequence, digest }
}

/** An error that says what is wrong, and what can be done. */
export function receiptsDamaged(detail: string): ReceiptsDamagedError {
  const hint = 'see `espalier receipts verify`; to begin a new chain, move the data folder away'
  return new ReceiptsDamagedError('ERR_RECEIPTS_DAMAGED', `the receipts are damaged: ${detail}; ${hint}`)
}

/** Sixteen digits: keys in the order of their bytes are in the order of their numbers. */
function keyOf(sequence: number): string {
  return String(sequence).padStart(16, '0')
}

function sequenceOf(key: Uint8Array): number | undefined {
  const text = Buffer.from(key).toString('latin1')
  return /^\d{16}$/.test(text) && Number(text) > 0 ? Number(text) : undefined
}
