// The smallest scenario that still shows a difference: greedy removal of steps, rules, children, actions and optional
// fields, whole rounds of removals tried at once, because a run in real time mostly sleeps.

import { inParallel } from './parallel.ts'
import { readScenario, type Scenario } from './scenario.ts'

/** Where something can be taken out: keys and indices from the top. */
type Path = readonly (string | number)[]

export type ShrinkOptions = {
  /** Whether a candidate still shows the difference. */
  readonly holds: (scenario: Scenario) => Promise<boolean>
  /** Candidates tried at once. */
  readonly parallel: number
  /** Rounds at most. Default 12. */
  readonly rounds?: number
}

/** Returns the scenario itself if nothing can be taken out. */
export async function shrink(scenario: Scenario, { holds, parallel, rounds = 12 }: ShrinkOptions): Promise<Scenario> {
  let smallest = scenario
  for (let round = 0; round < rounds; round++) {
    const paths = removable(smallest)
    const verdicts = await inParallel(parallel, paths, async (path) => {
      const candidate = without(smallest, [path])
      return candidate !== undefined && (await holds(candidate))
    })
    const good = paths.filter((_, i) => verdicts[i])
    if (good.length === 0) break
    smallest = await removeMost(smallest, good, holds)
  }
  return smallest
}

/** Takes out as many of the paths together as one can: all, or else those of a half after those of the other half. */
async function removeMost(
  scenario: Scenario,
  paths: readonly Path[],
  holds: ShrinkOptions['holds'],
): Promise<Scenario> {
  const all = without(scenario, paths)
  if (all !== undefined && (paths.length === 1 || (await holds(all)))) return all
  if (paths.length <= 1) return scenario
  // Later paths first: what stays of the earlier ones keeps its place.
  const middle = paths.length >> 1
  const later = await removeMost(scenario, paths.slice(middle), holds)
  const earlier = without(later, paths.slice(0, middle))
  return earlier !== undefined && (await holds(earlier)) ? earlier : later
}

/** Every list item and field that may go, outer ones first, in the order of the text. */
function removable(scenario: Scenario): Path[] {
  const paths: Path[] = []
  const visit = (value: unknown, path: Path): void => {
    if (typeof value !== 'object' || value === null) return
    for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
      const inner = [...path, key]
      if (without(scenario, [inner]) !== undefined) paths.push(inner)
      visit(Reflect.get(value, key), inner)
    }
  }
  for (const key of ['tree', 'init', 'rules', 'procs', 'trap_exit', 'steps']) {
    const value: unknown = Reflect.get(scenario, key)
    if (value === undefined) continue
    if (key === 'trap_exit') paths.push([key])
    visit(value, [key])
  }
  return paths
}

/** The scenario without what is at the paths (in the order of the text); undefined if that is no scenario. */
function without(scenario: Scenario, paths: readonly Path[]): Scenario | undefined {
  const copy: unknown = structuredClone(scenario)
  for (const path of paths.toReversed()) {
    const last = path.at(-1)
    const owner = path.slice(0, -1).reduce<unknown>((value, key) => {
      return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
    }, copy)
    if (Array.isArray(owner) && typeof last === 'number') owner.splice(last, 1)
    else if (typeof owner === 'object' && owner !== null && last !== undefined) Reflect.deleteProperty(owner, last)
  }
  try {
    return readScenario(copy)
  } catch {
    return undefined
  }
}
