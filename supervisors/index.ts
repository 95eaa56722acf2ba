// The face of flows (`espalier/flows`): run work under supervision trees, and leave signed receipts.

export type { AgentStart } from '../actors/agent/agent.ts'
export type { RunnerPorts } from '../actors/agent/runner.ts'
export type { Decision } from '../actors/decisions/decision.ts'
export {
  type AgentDeclaration,
  type CommandRunner,
  type ModuleRunner,
  parseAgents,
  type Runner,
} from '../actors/flow/agents-file.ts'
export type { FlowSpec, TaskSpec } from '../actors/flow/flow-spec.ts'
export type { FlowEvent, FlowResult, TaskProgress } from '../actors/orchestrator/protocol.ts'
export type { Plan, PlanCost, PlannedTask } from '../actors/planner/plan.ts'
export {
  type KeyRing,
  type KeyRingSource,
  openKeyRing,
  parseKeyRing,
  type ReceiptKey,
  ReceiptKeyError,
} from '../actors/receipt/key-ring.ts'
export type { FlowRecord, Receipt } from '../actors/receipt/receipt.ts'
export type { JournalEntry, ReceiptServerStart } from '../actors/receipt/receipt-server.ts'
export { receiptPaths } from '../actors/receipt/receipt-store.ts'
export { createSystemChildren, type SystemChildrenOptions, systemFiles, systemModules } from '../src/system/index.ts'
export { type FlowThreads, startFlowThreads } from './flow-threads.ts'
export { type FlowTreeOptions, flowTree } from './flow-tree.ts'
export { FlowLostError, type Flows, type FlowsOptions, type RunningFlow, startFlows } from './flows.ts'
