// The generator of scenarios for the live comparison: all four kinds.

import type fc from 'fast-check'
import type { Scenario } from '../scenario.ts'
import { type Draw, drawn } from './draw.ts'
import { server } from './server.ts'
import { signals } from './signals.ts'
import { statem } from './statem.ts'
import { supervisor } from './supervisor.ts'

const kinds = { supervisor, statem, server, signals } as const

export type Kind = keyof typeof kinds

export const kindNames: readonly Kind[] = ['supervisor', 'statem', 'signals', 'server']

/** Random scenarios of the given kinds, without traces. */
export function scenarios(of: readonly Kind[] = kindNames): fc.Arbitrary<Scenario> {
  return drawn((draw: Draw): Scenario => {
    const kind = draw.anyOf(of) ?? 'supervisor'
    return { name: `live_${kind}`, ...kinds[kind](draw) }
  })
}
