// The trees of a flow system: which actor lives where, and what happens when it ends.
//
//   flow system        one_for_all, 5 in 60 s
//   ├─ registry
//   ├─ agents          one_for_one: an agent that fails comes back alone
//   ├─ flow supervisor one_for_one, 10 in 60 s
//   │  └─ orchestrators, spec parsers, planners, executors, monitors
//   │                  each simple_one_for_one, 3 in 60 s: a machine per flow, transient, 5 s to shut down
//   ├─ receipt server
//   └─ recovery supervisor
//
// The registry comes first and the agents behind it, because agents register as they start.

import { Agent, type AgentStart } from '../actors/agent/agent.ts'
import { Executor } from '../actors/executor/executor.ts'
import { Monitor } from '../actors/monitor/monitor.ts'
import { Orchestrator, type Workshop } from '../actors/orchestrator/orchestrator.ts'
import { Planner } from '../actors/planner/planner.ts'
import { ReceiptServer, type ReceiptServerStart, receiptServerName } from '../actors/receipt/receipt-server.ts'
import { Registry, registryName } from '../actors/registry/registry.ts'
import { SpecParser } from '../actors/spec-parser/spec-parser.ts'
import { type Definition, type SupervisorDefinition, supervisor } from '../src/index.ts'

/** The names of the dynamic supervisors. */
export const workshop: Workshop & { readonly orchestrators: string } = {
  orchestrators: 'flow_orchestrator_sup',
  specParsers: 'flow_spec_parser_sup',
  planners: 'flow_planner_sup',
  executors: 'flow_executor_sup',
  monitors: 'flow_monitor_sup',
}

const minuteMs = 60_000

/** What the actors of a flow system are started with. */
export interface FlowTreeOptions {
  readonly agents: readonly AgentStart[]
  readonly receipts: ReceiptServerStart
}

/** The whole system, as a definition to start on a node. */
export function flowTree(options: FlowTreeOptions): SupervisorDefinition {
  return supervisor({
    label: 'flow_system',
    strategy: 'one_for_all',
    intensity: 5,
    periodMs: minuteMs,
    children: [
      { id: 'registry', start: [Registry], name: registryName },
      { id: 'agents', start: [agentSupervisor(options.agents)] },
      { id: 'flow_supervisor', start: [flowSupervisor()] },
      { id: 'receipt_server', start: [ReceiptServer, options.receipts], name: receiptServerName },
      { id: 'recovery_supervisor', start: [recoverySupervisor()] },
    ],
  })
}

function agentSupervisor(agents: readonly AgentStart[]): SupervisorDefinition {
  return supervisor({
    label: 'flow_agents',
    strategy: 'one_for_one',
    intensity: 10,
    periodMs: minuteMs,
    children: agents.map((agent) => ({ id: agent.declaration.id, start: [Agent, agent] as const })),
  })
}

function flowSupervisor(): SupervisorDefinition {
  return supervisor({
    label: 'flow_supervisor',
    strategy: 'one_for_one',
    intensity: 10,
    periodMs: minuteMs,
    children: [
      { id: 'orchestrators', start: [machines(Orchestrator)], name: workshop.orchestrators },
      { id: 'spec_parsers', start: [machines(SpecParser)], name: workshop.specParsers },
      { id: 'planners', start: [machines(Planner)], name: workshop.planners },
      { id: 'executors', start: [machines(Executor)], name: workshop.executors },
      { id: 'monitors', start: [machines(Monitor)], name: workshop.monitors },
    ],
  })
}

/** A machine per flow, started with its argument by `start_child`. */
function machines(definition: Definition): SupervisorDefinition {
  return supervisor({
    strategy: 'simple_one_for_one',
    intensity: 3,
    periodMs: minuteMs,
    children: [{ id: definition.name, start: [definition, undefined as never], restart: 'transient', shutdown: 5000 }],
  })
}

/** Where recovery from failed agents and partitions will live. */
function recoverySupervisor(): SupervisorDefinition {
  return supervisor({ label: 'flow_recovery', strategy: 'one_for_one', intensity: 5, periodMs: minuteMs, children: [] })
}
