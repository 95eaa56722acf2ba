// Hands the decisions of all orchestrators of a flow system to the group that records them, and tells each when its own
// is committed. A decision is not acted on before.

import { defineServer, noReply, showReason } from '../../src/index.ts'
import type { Consensus } from '../consensus/consensus.ts'
import { type Decision, decisionCommand, readDecisions } from './decision.ts'
import { isRecorded } from './decision-log.ts'

/** The name of the recorder of a flow system. */
export const recorderName = 'flow_decisions'

/** How long the group may take over a decision, elections included, in milliseconds. */
const deadlineMs = 15_000

export interface RecorderStart {
  readonly group: Consensus
}

export interface RecorderProtocol {
  readonly call: {
    /** Answered once the group has committed the decision, or why it has not. */
    record(decision: Decision): Recorded
    /** The decisions of a flow, oldest first. */
    decisions(flowId: string): readonly Decision[]
  }
}

export type Recorded = 'recorded' | { readonly error: string }

export const Recorder = defineServer<RecorderProtocol>()({
  name: 'flow_decisions',
  init: ({ group }: RecorderStart) => ({ group }),
  call: {
    record: ({ self, state, from }, decision) => {
      state.group.propose(decisionCommand(decision), { deadlineMs }).then(
        (answer) => self.reply(from, isRecorded(answer) ? 'recorded' : { error: 'the group takes it for no decision' }),
        (error: unknown) => self.reply(from, { error: error instanceof Error ? error.message : showReason(error) }),
      )
      return noReply(state)
    },
    decisions: ({ self, state, from }, flowId) => {
      state.group.read(Buffer.from(flowId), { deadlineMs }).then(
        (bytes) => self.reply(from, readDecisions(bytes)),
        (error: unknown) => self.sendExit(self.pid, { error }),
      )
      return noReply(state)
    },
  },
})

/** What a caller of `record` waits for, a little more than the group is given. */
export const recordTimeoutMs = deadlineMs + 5000
