// The face of flows (`espalier/flows`): run work under supervision trees, and leave signed receipts.

export { type AgentDeclaration, parseAgents } from '../actors/flow/agents-file.ts'
export type { FlowSpec, TaskSpec } from '../actors/flow/flow-spec.ts'
export type { FlowEvent, FlowResult, TaskProgress } from '../actors/orchestrator/protocol.ts'
export type { FlowRecord, Receipt } from '../actors/receipt/receipt.ts'
export type { JournalEntry } from '../actors/receipt/receipt-server.ts'
export { createSystemChildren, systemFiles, systemModules } from '../src/system/index.ts'
export { flowTree } from './flow-tree.ts'
export { FlowLostError, type Flows, type FlowsOptions, type RunningFlow, startFlows } from './flows.ts'
