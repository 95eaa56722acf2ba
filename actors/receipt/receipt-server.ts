// The receipt server: signs and stores what flows report, and keeps the journal of flows that have begun and not ended.
//
// Invariant: a flow is in the journal, durably, before any of its tasks begins, and leaves it only when its receipt is
// durable (or when its loss has been reported).

import * as v from 'valibot'
import { defineServer, reply, stop } from '../../src/index.ts'
import type { Files } from '../../src/kernel/ports/index.ts'
import { KeyValueStore, type TransactionalStore } from '../../src/storage/index.ts'
import type { KeyRing } from './key-ring.ts'
import type { FlowRecord } from './receipt.ts'
import { openReceiptStore, type ReceiptStore, receiptStoreName } from './receipt-store.ts'

/** The name under which the receipt server of a flow system is registered. */
export const receiptServerName = 'flow_receipt_server'

/** What the receipt server is started with. */
export interface ReceiptServerStart {
  /** Stays the caller's. */
  readonly store: TransactionalStore
  readonly files: Files
  /** The file of the chain's last record: `receiptPaths(dataFolder).head`. */
  readonly headPath: string
  readonly keys: KeyRing
}

const journalEntry = v.object({
  flowId: v.string(),
  input: v.string(),
  startedAtMs: v.number(),
  receipt: v.exactOptional(v.string()),
})

/** A flow that has begun: of one that was stopped in order, with its receipt. */
export type JournalEntry = Readonly<v.InferOutput<typeof journalEntry>>

export interface StoredReceipt {
  readonly id: string
  /** What the signed head counts: how many receipts there are, and the digest of the last. */
  readonly count: number
  readonly digest: string
}

interface State {
  readonly receipts: ReceiptStore
  readonly journal: KeyValueStore
}

/** What is told of a flow whose entry cannot be read. */
const unreadableInput = '(its entry in the journal is damaged)'

const encode = (entry: JournalEntry) => new TextEncoder().encode(JSON.stringify(entry))

export const ReceiptServer = defineServer({
  name: 'flow_receipt_server',
  init: async ({ store, files, headPath, keys }: ReceiptServerStart) => {
    try {
      const records = new KeyValueStore(store, receiptStoreName)
      const receipts = await openReceiptStore({ records, files, headPath, keys })
      return { receipts, journal: new KeyValueStore(store, 'flows') } as State
    } catch (error) {
      return stop({ receipts: error })
    }
  },
  call: {
    /** Notes that a flow begins. Resolves when that is durable. */
    begin: async ({ state }, entry: JournalEntry) => {
      await state.journal.put(entry.flowId, encode(entry))
      return reply(entry.flowId, state)
    },
    /** Stores a flow's receipt. Resolves when receipt and head are durable. */
    append: async ({ state }, record: FlowRecord) => {
      const sealed = await state.receipts.append(record)
      const { flowId, input, startedAtMs } = record
      if (record.outcome === 'stopped')
        await state.journal.put(flowId, encode({ flowId, input, startedAtMs, receipt: sealed.id }))
      else await state.journal.delete(flowId)
      const stored: StoredReceipt = { id: sealed.id, count: sealed.end.sequence, digest: sealed.end.digest }
      return reply(stored, state)
    },
    /** Flows that began and did not end, or were stopped, since they were last asked for. Oldest first. */
    unfinished: async ({ state }) => {
      const entries: JournalEntry[] = []
      for await (const { key, value } of state.journal.scan()) entries.push(decode(key, value))
      return reply(
        entries.sort((a, b) => a.startedAtMs - b.startedAtMs),
        state,
      )
    },
    /** The operator has been told of these. */
    forget: async ({ state }, flowIds: readonly string[]) => {
      for (const flowId of flowIds) await state.journal.delete(flowId)
      return reply(flowIds.length, state)
    },
  },
})

// A byte of the journal may have changed on disk: the flow is told of all the same.
function decode(key: Uint8Array, value: Uint8Array): JournalEntry {
  const flowId = new TextDecoder().decode(key)
  try {
    const entry = v.parse(journalEntry, JSON.parse(new TextDecoder().decode(value)))
    return { ...entry, flowId }
  } catch {
    return { flowId, input: unreadableInput, startedAtMs: 0 }
  }
}
