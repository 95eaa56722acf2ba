// A decision of an orchestrator: what it does next and why, as the group records it.

import * as v from 'valibot'
import { canonicalBytes, readCanonical } from '../receipt/canonical-json.ts'

const text = (length: number) => v.pipe(v.string(), v.maxLength(length))

const decisionSchema = v.strictObject({ flowId: text(200), by: text(200), phase: text(40), because: text(10_000) })

/** What an orchestrator does next. */
export interface Decision {
  readonly flowId: string
  /** Which life of the orchestrator decided: its pid. A restarted one decides anew. */
  readonly by: string
  /** The phase that begins. */
  readonly phase: string
  /** What the phase before came to. */
  readonly because: string
}

/** The decision as a command of the group. @throws OptionError */
export function decisionCommand(decision: Decision): Uint8Array {
  return canonicalBytes(decision)
}

/** Undefined for what is no decision. */
export function readDecision(bytes: Uint8Array): Decision | undefined {
  try {
    const parsed = v.safeParse(decisionSchema, readCanonical(bytes))
    return parsed.success ? parsed.output : undefined
  } catch {
    return undefined
  }
}

/** What a list of decisions is as bytes, and back. @throws as readCanonical does */
export function readDecisions(bytes: Uint8Array): readonly Decision[] {
  return v.parse(v.array(decisionSchema), readCanonical(bytes))
}
