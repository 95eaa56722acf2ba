// A thread that runs seeds as it is told, one after the other, and says what came of each.

import { parentPort, workerData } from 'node:worker_threads'
import { lineOf, play } from './play.ts'
import { type ProtocolName, protocolOf } from './protocols.ts'

/** What the thread is told once. */
export interface SeedWork {
  readonly protocol: ProtocolName
  readonly sabotage: string | undefined
}

/** What came of a seed. */
export interface SeedResult {
  readonly seed: number
  readonly line: string
  readonly isGood: boolean
  readonly events: number
  readonly totals: Readonly<Record<string, number>> | undefined
}

export async function runSeed(seed: number, { protocol, sabotage }: SeedWork): Promise<SeedResult> {
  const played = await play(protocolOf(protocol).draw(seed), { sabotage })
  const { run, why, totals } = played
  return {
    seed,
    line: lineOf(protocol, played),
    isGood: why === undefined,
    events: run.events,
    totals: totals?.toJSON(),
  }
}

if (parentPort !== null) {
  const port = parentPort
  port.on('message', (seed: number) => {
    runSeed(seed, workerData as SeedWork).then(
      (result) => port.postMessage(result),
      (error: unknown) => {
        throw error
      },
    )
  })
}
