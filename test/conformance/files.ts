// Scenario files on disk.

import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readScenario, type Scenario } from './scenario.ts'

/** The scenario files under the paths: a file is itself, a folder is every .json below it, in the order of names. */
export async function scenarioFiles(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(paths.map(async (path) => ((await stat(path)).isDirectory() ? walk(path) : [path])))
  return [...new Set(found.flat())]
}

async function walk(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  const found = await Promise.all(
    entries.map((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return walk(path)
      return entry.name.endsWith('.json') ? [path] : []
    }),
  )
  return found.flat()
}

/** Where the trace of a scenario over two nodes is kept, if Erlang's is another there. No scenario file by its name. */
export function besidePath(path: string): string {
  return path.replace(/(\.json)?$/, '.two-nodes')
}

/** Reads and checks one file. Throws ScenarioError, or SyntaxError for text that is not JSON. */
export async function loadScenario(path: string): Promise<Scenario> {
  return readScenario(JSON.parse(await readFile(path, 'utf8')))
}
