// Verification in a child process. A damaged LMDB file can end whoever reads it by a signal, or keep him busy for
// ever; here that is the child, and the answer is "store unreadable".

import * as v from 'valibot'
import type { ChildOutcome, ChildProcesses, Clock } from '../../src/kernel/ports/index.ts'
import type { Verdict } from './receipt-chain.ts'

export type Verification = Verdict | Unreadable

export interface Unreadable {
  readonly kind: 'unreadable'
  readonly detail: string
}

const verification = v.variant('kind', [
  v.strictObject({
    kind: v.literal('intact'),
    count: v.number(),
    digest: v.string(),
    beyondHead: v.picklist([0, 1]),
  }),
  v.strictObject({
    kind: v.literal('broken'),
    sequence: v.number(),
    fault: v.picklist([
      'altered',
      'unknown_key',
      'removed',
      'reordered',
      'forked',
      'cut_tail',
      'head_missing',
      'head_altered',
      'head_stale',
    ]),
    detail: v.string(),
  }),
  v.strictObject({ kind: v.literal('unreadable'), detail: v.string() }),
])

export interface VerifierOptions {
  readonly children: ChildProcesses
  readonly clock: Clock
  /** The program that prints one line of JSON, a {@link Verification}, and its arguments. */
  readonly argv: readonly [string, ...string[]]
  /** How long it may take, in milliseconds. Default 60 000. */
  readonly timeoutMs?: number
}

/** Runs the verifying program and believes only a whole answer. Never rejects. */
export async function verifyInChild(options: VerifierOptions): Promise<Verification> {
  const { children, clock, argv, timeoutMs = 60_000 } = options
  const child = children.spawn({ argv, maxOutputBytes: 64 * 1024 })
  let late = false
  const alarm = clock.setAlarm(timeoutMs, () => {
    late = true
    child.stop(0)
  })
  const outcome = await child.done
  alarm.cancel()
  if (late) return unreadable(`the verifier gave no answer within ${timeoutMs} ms`)
  return answerOf(outcome)
}

/** One line of JSON for {@link verifyInChild} to read. */
export function printVerification(answer: Verification): string {
  return `${JSON.stringify(answer)}\n`
}

function answerOf(outcome: ChildOutcome): Verification {
  if (outcome.kind === 'failed') return unreadable(`the verifier did not start: ${outcome.message}`)
  if (outcome.kind === 'signalled') return unreadable(`the verifier died of ${outcome.signal}`)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(outcome.stdout.bytes))
  } catch {
    const said = new TextDecoder().decode(outcome.stderr.bytes).trim().split('\n').at(-1) ?? ''
    return unreadable(`the verifier ended with code ${outcome.code} and no answer${said === '' ? '' : `: ${said}`}`)
  }
  const parsed = v.safeParse(verification, value)
  return parsed.success ? parsed.output : unreadable('the verifier gave an answer that is none')
}

function unreadable(detail: string): Unreadable {
  return { kind: 'unreadable', detail }
}
