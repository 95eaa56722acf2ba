// Plans one flow: idle → analyzing → assigning → routing → complete or error. Tells its orchestrator and ends.
// The planning itself is plan.ts.

import { defineStatem, located, type Ref, statem } from '../../src/index.ts'
import type { AgentDeclaration } from '../flow/agents-file.ts'
import type { FlowSpec } from '../flow/flow-spec.ts'
import type { OrchestratorProtocol } from '../orchestrator/protocol.ts'
import { registryAt } from '../registry/registry.ts'
import { type Plan, PlanError, planFlow } from './plan.ts'

export interface PlannerStart {
  readonly spec: FlowSpec
  readonly agents: readonly AgentDeclaration[]
  readonly owner: Ref<OrchestratorProtocol>
  /** The node of the registry. Default: this one. */
  readonly home?: string | undefined
}

interface Data extends PlannerStart {
  /** Declared agents that have no process now. */
  readonly absent: readonly string[]
  readonly plan?: Plan
  readonly problem?: string
}

const go = statem.nextEvent('internal', 'go')

export const Planner = located(
  import.meta.url,
  'Planner',
  defineStatem({
    name: 'flow_planner',
    init: (start: PlannerStart) => statem.initial('idle', { ...start, absent: [] } as Data, go),
    states: {
      idle: {
        internal: ({ self, data }) => {
          self.cast(data.owner, 'joined', { kind: 'planner', pid: self.pid })
          return statem.next('analyzing', data, go)
        },
      },
      analyzing: {
        internal: async ({ self, data }) => {
          const present = await self.call(registryAt(self, data.home), 'list').catch(() => [])
          const ids = new Set(present.map((agent) => agent.id))
          const absent = data.agents.map((agent) => agent.id).filter((id) => !ids.has(id))
          return statem.next('assigning', { ...data, absent }, go)
        },
      },
      assigning: {
        internal: ({ data }) => {
          try {
            return statem.next('routing', { ...data, plan: planAround(data) }, go)
          } catch (error) {
            if (!(error instanceof PlanError)) throw error
            return statem.next('error', { ...data, problem: error.message }, go)
          }
        },
      },
      routing: {
        // Every task must lead to an agent that is declared.
        internal: ({ data }) => {
          const declared = new Set(data.agents.map((agent) => agent.id))
          const lost = data.plan?.tasks.find((task) => !declared.has(task.agent))
          if (lost === undefined) return statem.next('complete', data, go)
          return statem.next('error', { ...data, problem: `no route to the agent "${lost.agent}"` }, go)
        },
      },
      complete: {
        internal: ({ self, data }) => {
          if (data.plan !== undefined) self.cast(data.owner, 'planned', { ok: data.plan })
          return statem.stop('normal')
        },
      },
      error: {
        internal: ({ self, data }) => {
          self.cast(data.owner, 'planned', { error: data.problem ?? '' })
          return statem.stop('normal')
        },
      },
    },
  }),
)

// An agent without a process may be on its way back: it is left out only where another can do the work.
function planAround({ spec, agents, absent }: Data): Plan {
  try {
    return planFlow(spec, agents, { exclude: absent })
  } catch (error) {
    if (error instanceof PlanError && absent.length > 0) return planFlow(spec, agents)
    throw error
  }
}
