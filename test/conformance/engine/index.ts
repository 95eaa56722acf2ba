// The engine under test: Espalier through its public API. Everything a scenario needs is built here and in this
// folder; the judge imports createEngine and nothing else.

import type { Engine, EngineOptions } from '../contract.ts'
import type { Scenario, Trace } from '../scenario.ts'
import { runServer } from './server.ts'
import { runSignals } from './signals.ts'
import { createStage, type Stage } from './stage.ts'
import { runStatem } from './statem.ts'
import { runSupervisor } from './supervisor.ts'

/** How often a run is tried that a busy machine has made late. In virtual time none is. */
const attempts = 10

/** `seed`: chooses among ready processes at random; no trace may depend on it. */
export function createEngine(options: EngineOptions & { readonly seed?: number }): Engine {
  if (options.threads !== 1) throw new Error(`threads: expected 1, got ${options.threads}`)
  return {
    parallel: options.realTime ? 16 : 1,
    async run(scenario) {
      for (let attempt = 1; ; attempt++) {
        const stage = createStage(options)
        try {
          const trace = await runOn(stage, scenario)
          if (!stage.late || attempt === attempts) return trace
        } finally {
          await stage.close()
        }
      }
    },
    close: () => Promise.resolve(),
  }
}

async function runOn(stage: Stage, scenario: Scenario): Promise<Trace> {
  switch (scenario.kind) {
    case 'signals':
      return runSignals(scenario, stage)
    case 'server':
      return runServer(scenario, stage)
    case 'supervisor':
      return runSupervisor(scenario, stage)
    case 'statem':
      return runStatem(scenario, stage)
  }
}
