// The engine under test: Espalier through its public API. Everything a scenario needs is built here and in this
// folder; the judge imports createEngine and nothing else.

import type { Engine, EngineOptions } from '../contract.ts'
import type { Scenario, Trace } from '../scenario.ts'
import { runServer } from './server.ts'
import { runSignals } from './signals.ts'
import { SignalsSite } from './signals-site.ts'
import { createStage, type Stage } from './stage.ts'
import { runStatem } from './statem.ts'
import { runSupervisor } from './supervisor.ts'
import { Crew } from './threads/crew.ts'
import type { Break } from './threads/outpost.ts'
import { TreeSite } from './tree-site.ts'

/** How often a run is tried that a busy machine has made late. In virtual time none is. */
const attempts = 10
/** Scenarios at once where real time passes: they mostly sleep. */
const parallel = 16

/**
 * `seed`: chooses among ready processes at random; no trace may depend on it. `planted`: over threads, a mistake that the
 * traces must show.
 */
export type OwnOptions = EngineOptions & { readonly seed?: number; readonly planted?: Break | undefined }

export function createEngine(options: OwnOptions): Engine {
  if (options.threads === 2) return overThreads(new Crew(options.planted))
  if (options.threads !== 1) throw new Error(`threads: 1 or 2, not ${options.threads}`)
  return {
    parallel: options.realTime ? parallel : 1,
    run: (scenario) =>
      onTime(async () => {
        const stage = createStage(options)
        try {
          return { trace: await runOn(stage, scenario), late: stage.late }
        } finally {
          await stage.close()
        }
      }),
    close: () => Promise.resolve(),
  }
}

function overThreads(crew: Crew): Engine {
  return { parallel: 4, run: (scenario) => onTime(() => crew.play(scenario)), close: () => crew.close() }
}

async function onTime(run: () => Promise<{ readonly trace: Trace; readonly late: boolean }>): Promise<Trace> {
  for (let attempt = 1; ; attempt++) {
    const { trace, late } = await run()
    if (!late || attempt === attempts) return trace
  }
}

async function runOn(stage: Stage, scenario: Scenario): Promise<Trace> {
  switch (scenario.kind) {
    case 'signals':
      return runSignals(scenario, [await SignalsSite.open(stage)], stage)
    case 'server':
      return runServer(scenario, stage)
    case 'supervisor':
      return runSupervisor(scenario, new Map([[stage.node.name, await openTree(stage)]]), stage)
    case 'statem':
      return runStatem(scenario, stage)
  }
}

function openTree(stage: Stage): Promise<TreeSite> {
  let stamp = 0
  return TreeSite.open(stage, () => stamp++)
}
