// What a receipt says: the input of a flow, its plan, every task with each attempt, and the result of every phase,
// chained to the receipt before it.
//
// Invariant: a receipt that passes the schema can be encoded canonically and read back the same.

import * as v from 'valibot'
import { OptionError } from '../../src/kernel/errors.ts'
import type { KeyRing } from './key-ring.ts'
import { digestOf, openRecord, sealRecord } from './signed-record.ts'

/** The bounds of a receipt. */
export const receiptLimits = { maxBytes: 1024 * 1024, maxTasks: 256, maxAttempts: 100, maxText: 64 * 1024 } as const

const text = v.pipe(v.string(), v.maxLength(receiptLimits.maxText))

/** A text from outside as a receipt can hold it: cut to `maxLength` UTF-16 units, lone surrogates replaced. */
export function textOf(value: string, maxLength: number = receiptLimits.maxText): string {
  return value.slice(0, maxLength).replace(/\p{Surrogate}/gu, '\ufffd')
}

/** The same in one line of at most 200 units: the attempts of the largest flow then fit one receipt. */
export function lineOf(value: string): string {
  return textOf(value.replace(/[\s\p{Cc}]+/gu, ' ').trim(), maxLine)
}

const maxLine = 200
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(200))
const amount = v.pipe(v.number(), v.finite(), v.minValue(0))
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const hexDigest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))

/** `skipped`: a task it depends on did not succeed. `stopped`: the flow was stopped first. */
const outcome = v.picklist(['succeeded', 'failed', 'timed_out', 'stopped', 'skipped'])

const attempt = v.strictObject({
  // The id of the agent that made it.
  agent: name,
  // Milliseconds after the flow began.
  startMs: amount,
  durationMs: amount,
  outcome,
  // Why it did not succeed; empty if it did.
  reason: text,
  // SHA-256 of the output kept, and its size; `dropped` bytes did not fit the agent's bound.
  output: v.strictObject({ digest: hexDigest, bytes: count, dropped: count }),
})

const task = v.strictObject({
  id: name,
  role: name,
  outcome,
  // In the order made; empty if the task was never begun.
  attempts: v.pipe(v.array(attempt), v.maxLength(receiptLimits.maxAttempts)),
})

const planned = v.strictObject({
  id: name,
  role: name,
  agent: name,
  dependsOn: v.pipe(v.array(name), v.maxLength(receiptLimits.maxTasks)),
  priority: v.pipe(v.number(), v.safeInteger()),
  timeoutMs: amount,
  wave: count,
  startMs: amount,
  endMs: amount,
})

const plan = v.strictObject({
  tasks: v.pipe(v.array(planned), v.maxLength(receiptLimits.maxTasks)),
  parallel: count,
  criticalPath: v.pipe(v.array(name), v.maxLength(receiptLimits.maxTasks)),
  cost: v.strictObject({ totalMs: amount, criticalPathMs: amount, makespanMs: amount }),
})

const phase = v.strictObject({
  phase: name,
  outcome: v.picklist(['succeeded', 'failed', 'stopped']),
  durationMs: amount,
  // What the phase has to say, in one line.
  detail: text,
})

const flowRecord = v.strictObject({
  flowId: name,
  // As the user wrote it.
  input: text,
  // Milliseconds since the Unix epoch.
  startedAtMs: count,
  durationMs: amount,
  // `succeeded` only if every task did.
  outcome: v.picklist(['succeeded', 'failed', 'stopped']),
  // Null if the flow ended before it was planned.
  plan: v.nullable(plan),
  tasks: v.pipe(v.array(task), v.maxLength(receiptLimits.maxTasks)),
  phases: v.pipe(v.array(phase), v.maxLength(100)),
  // Numbers of the monitor, by name; the unit is part of the name.
  metrics: v.pipe(v.record(name, v.pipe(v.number(), v.finite())), v.maxEntries(100)),
})

const receiptSchema = v.strictObject({
  version: v.literal(1),
  // From 1, without gaps.
  sequence: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  // The digest of the record before it; 64 zeros for the first.
  previous: hexDigest,
  keyId: v.string(),
  flow: flowRecord,
})

/** What a flow has to report. */
export type FlowRecord = v.InferOutput<typeof flowRecord>
export type TaskRecord = v.InferOutput<typeof task>
export type AttemptRecord = v.InferOutput<typeof attempt>
export type PhaseRecord = v.InferOutput<typeof phase>
export type TaskOutcome = v.InferOutput<typeof outcome>

/** A flow's report in its place in the chain. */
export type Receipt = v.InferOutput<typeof receiptSchema>

/** The last record of a chain, or where the first one follows. */
export interface ChainEnd {
  readonly sequence: number
  readonly digest: string
}

/** What the first receipt follows. */
export const chainStart: ChainEnd = { sequence: 0, digest: '0'.repeat(64) }

export interface SealedReceipt {
  readonly id: string
  readonly receipt: Receipt
  readonly bytes: Uint8Array
  readonly end: ChainEnd
}

/** A receipt's id: its number, and the beginning of its digest. */
export function receiptId({ sequence, digest }: ChainEnd): string {
  return `${sequence}-${digest.slice(0, 12)}`
}

/** Signs a flow's report as the receipt after `previous`. @throws OptionError or ValiError if the report is not sound */
export function sealReceipt(flow: FlowRecord, previous: ChainEnd, ring: KeyRing): SealedReceipt {
  const body = { version: 1, sequence: previous.sequence + 1, previous: previous.digest, flow }
  const receipt = v.parse(receiptSchema, { ...body, keyId: ring[0].id })
  const bytes = sealRecord('receipt', body, ring)
  if (bytes.length > receiptLimits.maxBytes) {
    throw new OptionError('flow', `${bytes.length} bytes`, `a report of at most ${receiptLimits.maxBytes} bytes`)
  }
  const end = { sequence: receipt.sequence, digest: digestOf(bytes) }
  return { id: receiptId(end), receipt, bytes, end }
}

export type OpenedReceipt =
  | { readonly kind: 'valid'; readonly receipt: Receipt }
  | { readonly kind: 'altered' | 'unknown_key'; readonly detail: string }

/** Checks the signature and the form of a stored receipt, not its place in the chain. Never throws. */
export function openReceipt(bytes: Uint8Array, ring: KeyRing): OpenedReceipt {
  if (bytes.length > receiptLimits.maxBytes) return { kind: 'altered', detail: `it has ${bytes.length} bytes` }
  const opened = openRecord('receipt', bytes, ring)
  if (opened.kind === 'unknown_key') return { kind: 'unknown_key', detail: `signed by the unknown key ${opened.keyId}` }
  if (opened.kind === 'altered') return opened
  const parsed = v.safeParse(receiptSchema, opened.body)
  if (!parsed.success) return { kind: 'altered', detail: `signed, but no receipt: ${parsed.issues[0].message}` }
  return { kind: 'valid', receipt: parsed.output }
}
