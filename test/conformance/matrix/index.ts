// The coverage matrix: its sections, and the evidence on disk that they may name.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadScenario, scenarioFiles } from '../files.ts'
import type { Evidence } from './page.ts'
import { serverSection } from './server.ts'
import { signalsSection } from './signals.ts'
import { statemSection } from './statem.ts'
import { supervisorSection } from './supervisor.ts'
import { sysSection } from './sys.ts'

export const sections = [supervisorSection, serverSection, statemSection, signalsSection, sysSection]

/** The scenarios with a trace and the titles of the tests, from the package's folder. */
export async function evidence(): Promise<Evidence> {
  const scenarios = new Map<string, { path: string; text: string }>()
  for (const path of await scenarioFiles(['test/conformance'])) {
    const { about: _, ...scenario } = await loadScenario(path)
    if (scenario.trace === undefined) continue
    scenarios.set(`${scenario.kind}/${scenario.name}`, { path, text: JSON.stringify(scenario) })
  }
  const tests = new Map<string, ReadonlySet<string>>()
  for (const room of ['test/behaviours', 'test/kernel']) {
    for (const file of await readdir(room)) {
      if (file.endsWith('.test.ts')) tests.set(`${room}/${file}`, titles(await readFile(join(room, file), 'utf8')))
    }
  }
  return { scenarios, tests }
}

/** The titles of the tests of a file: the first quoted text after `test(`, or after the table of `test.each`. */
export function titles(text: string): ReadonlySet<string> {
  const found = text.matchAll(/(?:\btest|\])\)?\(\s*(?<quote>['"`])(?<title>(?:\\.|(?!\k<quote>).)*)\k<quote>,/g)
  return new Set([...found].map(({ groups }) => groups?.title?.replaceAll(/\\(.)/g, '$1') ?? ''))
}
