// A decision of an orchestrator: what it does next and why, as the group records it.

import * as v from 'valibot'
import { canonicalBytes, readCanonical } from '../receipt/canonical-json.ts'

const decisionSchema = v.strictObject({
  flowId: v.pipe(v.string(), v.maxLength(200)),
  /** Which life of the orchestrator decided: its pid. A restarted one decides anew. */
  by: v.pipe(v.string(), v.maxLength(200)),
  /** The phase that begins. */
  phase: v.pipe(v.string(), v.maxLength(40)),
  /** What the phase before came to. */
  because: v.pipe(v.string(), v.maxLength(10_000)),
})

export type Decision = v.InferOutput<typeof decisionSchema>

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
