// The engine under test: Espalier through its public API. Everything a scenario needs is built here and in this
// folder; the judge imports createEngine and nothing else.

import type { Engine, EngineOptions } from '../contract.ts'

export function createEngine(options: EngineOptions): Engine {
  return {
    parallel: options.realTime ? 16 : 1,
    run: () => Promise.reject(new Error('no engine')),
    close: () => Promise.resolve(),
  }
}
