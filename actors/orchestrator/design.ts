// The architecture phase: how the agents of a plan stand to each other. Pure.

import type { Plan } from '../planner/plan.ts'

export interface Design {
  /** `single`: one agent, nothing to connect. `mesh`: every agent may reach every other. */
  readonly topology: 'single' | 'mesh'
  /** No flow of today decides by consensus: the orchestrator is the only writer. */
  readonly consensus: 'none'
  /** Task → agent. */
  readonly routes: ReadonlyMap<string, string>
}

/** The design for a plan. */
export function designFor(plan: Plan): Design {
  const routes = new Map(plan.tasks.map((task) => [task.id, task.agent]))
  return { topology: new Set(routes.values()).size > 1 ? 'mesh' : 'single', consensus: 'none', routes }
}

/** A design in one line. */
export function showDesign({ topology, consensus, routes }: Design): string {
  return `${topology}, agents: ${new Set(routes.values()).size}, routes: ${routes.size}, consensus: ${consensus}`
}
