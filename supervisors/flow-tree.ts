// The trees of a flow system: which actor lives where, and what happens when it ends.
//
//   flow system        one_for_all, 5 in 60 s
//   ├─ registry
//   ├─ agents          one_for_one: an agent that fails comes back alone
//   ├─ flow supervisor one_for_one, 10 in 60 s
//   │  └─ orchestrators, spec parsers, planners, executors, monitors
//   │                  each simple_one_for_one, 3 in 60 s: a machine per flow, transient, 5 s to shut down
//   ├─ receipt server
//   ├─ decisions       the recorder, where a group records them
//   └─ recovery supervisor
//
// The registry comes first and the agents behind it, because agents register as they start.

import { Agent, type AgentStart } from '../actors/agent/agent.ts'
import type { Consensus } from '../actors/consensus/consensus.ts'
import { Recorder, recorderName } from '../actors/decisions/recorder.ts'
import { Executor } from '../actors/executor/executor.ts'
import { Monitor } from '../actors/monitor/monitor.ts'
import { Orchestrator, type Workshop } from '../actors/orchestrator/orchestrator.ts'
import { Planner } from '../actors/planner/planner.ts'
import { ReceiptServer, type ReceiptServerStart, receiptServerName } from '../actors/receipt/receipt-server.ts'
import { Registry, registryName } from '../actors/registry/registry.ts'
import { SpecParser } from '../actors/spec-parser/spec-parser.ts'
import { type Definition, type SupervisorDefinition, supervisor } from '../src/index.ts'
import { ThreadAgent, type ThreadAgentStart } from './thread-agent.ts'

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
  /** The group that records the decisions of orchestrators. Default: they are not recorded. */
  readonly decisions?: Consensus | undefined
  /** The node where orchestrators, executors and module agents live. Default: that of the tree. */
  readonly machinesOn?: string | undefined
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
      { id: 'agents', start: [agentSupervisor(options)] },
      { id: 'flow_supervisor', start: [flowSupervisor(options.machinesOn)] },
      { id: 'receipt_server', start: [ReceiptServer, options.receipts], name: receiptServerName },
      ...recorder(options.decisions),
      { id: 'recovery_supervisor', start: [recoverySupervisor()] },
    ],
  })
}

function recorder(group: Consensus | undefined) {
  return group === undefined ? [] : [{ id: 'decisions', start: [Recorder, { group }] as const, name: recorderName }]
}

// Module agents compute: they live beside the machines, away from the thread that everything else needs.
function agentSupervisor({ agents, machinesOn }: FlowTreeOptions): SupervisorDefinition {
  const childOf = (agent: AgentStart) => {
    const { id, runner } = agent.declaration
    if (machinesOn === undefined || runner.kind !== 'module') return { id, start: [Agent, agent] as const }
    const start: ThreadAgentStart = {
      declaration: agent.declaration,
      environment: agent.ports.environment,
      home: agent.home,
    }
    return { id, start: [ThreadAgent, start] as const, on: waitingFor(machinesOn) }
  }
  return supervisor({
    label: 'flow_agents',
    strategy: 'one_for_one',
    intensity: 10,
    periodMs: minuteMs,
    children: agents.map(childOf),
  })
}

function flowSupervisor(machinesOn: string | undefined): SupervisorDefinition {
  return supervisor({
    label: 'flow_supervisor',
    strategy: 'one_for_one',
    intensity: 10,
    periodMs: minuteMs,
    children: [
      { id: 'orchestrators', start: [machines(Orchestrator, machinesOn)], name: workshop.orchestrators },
      { id: 'spec_parsers', start: [machines(SpecParser)], name: workshop.specParsers },
      { id: 'planners', start: [machines(Planner)], name: workshop.planners },
      { id: 'executors', start: [machines(Executor, machinesOn)], name: workshop.executors },
      { id: 'monitors', start: [machines(Monitor)], name: workshop.monitors },
    ],
  })
}

/** A machine per flow, started with its argument by `start_child`. */
function machines(definition: Definition, on?: string): SupervisorDefinition {
  return supervisor({
    strategy: 'simple_one_for_one',
    intensity: 3,
    periodMs: minuteMs,
    children: [
      {
        id: definition.name,
        start: [definition, undefined as never],
        restart: 'transient',
        shutdown: 5000,
        on: on === undefined ? 'same' : waitingFor(on),
      },
    ],
  })
}

/** A thread that has died comes back, and its children with it. */
function waitingFor(node: string) {
  return { node, whenDown: 'wait' } as const
}

/** Where recovery from failed agents and partitions will live. */
function recoverySupervisor(): SupervisorDefinition {
  return supervisor({ label: 'flow_recovery', strategy: 'one_for_one', intensity: 5, periodMs: minuteMs, children: [] })
}
