// The state machine of the group that records decisions: the decisions of the latest flows, in order.
//
// Commands are decisions; a question is a flow's id, answered with the canonical JSON of its decisions.

import type { StateMachine } from '../consensus/state-machine.ts'
import { canonicalBytes } from '../receipt/canonical-json.ts'
import { type Decision, readDecision, readDecisions } from './decision.ts'

/** Flows remembered; a later one takes the place of the oldest. */
const maxFlows = 200
/** Decisions remembered of one flow, whose orchestrator may be restarted again and again. */
const maxDecisions = 100

/** Flow → its decisions, oldest flow first. */
export type Decisions = Map<string, Decision[]>

const RECORDED = Uint8Array.of(1)
const REFUSED = Uint8Array.of(0)

/** Whether an answer says that the decision is recorded. */
export function isRecorded(answer: Uint8Array): boolean {
  return answer[0] === 1
}

export const decisionLog: StateMachine<Decisions> = {
  name: 'decisions',
  version: 1,
  init: () => new Map(),
  apply: (state, command) => {
    const decision = readDecision(command)
    if (decision === undefined) return REFUSED
    remember(state, decision)
    return RECORDED
  },
  query: (state, question) => canonicalBytes(state.get(Buffer.from(question).toString()) ?? []),
  *snapshot(state) {
    yield canonicalBytes([...state.values()].flat())
  },
  restore(bytes) {
    const state: Decisions = new Map()
    for (const decision of readDecisions(bytes)) remember(state, decision)
    return state
  },
}

function remember(state: Decisions, decision: Decision): void {
  const known = state.get(decision.flowId)
  if (known === undefined) {
    state.set(decision.flowId, [decision])
    const [oldest] = state.keys()
    if (state.size > maxFlows && oldest !== undefined) state.delete(oldest)
  } else {
    known.push(decision)
    if (known.length > maxDecisions) known.shift()
  }
}
