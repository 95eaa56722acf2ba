// Module loading on a simulated node: what is there, after a time that the seed decides.

import type { ModuleLoader } from '../kernel/ports/index.ts'
import type { SimulatedJobs, Span } from './simulated-jobs.ts'

/** How long a module takes to load, in milliseconds. */
const loading: Span = [0, 2]

/** Modules by URL: their exports. */
export type ModuleTable = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** Loads from a table of what there is: for `modules` of a simulated node. */
export function modulesFrom(table: ModuleTable): ModuleLoader {
  return {
    async load(url, name) {
      const module = Object.hasOwn(table, url) ? table[url] : undefined
      if (module === undefined) throw new Error(`no module ${url}`)
      if (!Object.hasOwn(module, name)) throw new Error(`${url} has no export ${JSON.stringify(name)}`)
      return module[name]
    },
  }
}

export class SimulatedModules implements ModuleLoader {
  readonly #jobs: SimulatedJobs
  readonly #there: ModuleLoader

  /** @internal */
  constructor(jobs: SimulatedJobs, there: ModuleLoader) {
    this.#jobs = jobs
    this.#there = there
  }

  load(url: string, name: string): Promise<unknown> {
    return new Promise((resolve) => {
      this.#jobs.after(loading, () => {
        this.#jobs.host.completed('module', url, name, undefined, () => resolve(this.#there.load(url, name)))
      })
    })
  }
}
