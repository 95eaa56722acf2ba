// An agent on a thread of its own node: made from plain data, with the ports of that thread.

import { agentServer } from '../actors/agent/agent.ts'
import type { AgentDeclaration } from '../actors/flow/agents-file.ts'
import { located } from '../src/index.ts'
import { createSystemChildren, systemModules } from '../src/system/index.ts'

/** What such an agent is started with: it crosses threads. */
export interface ThreadAgentStart {
  readonly declaration: AgentDeclaration
  readonly environment: Readonly<Record<string, string>>
  /** The node of the registry. Default: its own. */
  readonly home?: string | undefined
}

/** An agent that may be placed on any thread. */
export const ThreadAgent = located(
  import.meta.url,
  'ThreadAgent',
  agentServer(({ environment, ...start }: ThreadAgentStart) => ({
    ...start,
    ports: { children: createSystemChildren(), modules: systemModules, environment },
  })),
)
