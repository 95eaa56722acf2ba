// Bounds on asynchronous work: a map, and an engine.

import type { Engine } from './contract.ts'

/** Maps with at most `limit` calls under way; results in the order of the items. The first rejection rejects all. */
export async function inParallel<Item, Result>(
  limit: number,
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length)
  let next = 0
  const runner = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) {
      const item = items[i]
      if (item !== undefined) results[i] = await work(item, i)
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runner))
  return results
}

/** The engine, with never more scenarios under way than it says it can run at once. */
export function inLanes(engine: Engine): Engine {
  const waiting: (() => void)[] = []
  let free = engine.parallel
  return {
    parallel: engine.parallel,
    close: () => engine.close(),
    run: async (scenario) => {
      if (free > 0) free--
      else await new Promise<void>((resolve) => waiting.push(resolve))
      try {
        return await engine.run(scenario)
      } finally {
        const next = waiting.shift()
        if (next === undefined) free++
        else next()
      }
    },
  }
}
