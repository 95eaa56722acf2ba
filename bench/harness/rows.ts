// From the rounds to the rows: medians, spread, goal, ratio, met. Pure, so that it can be tested without running
// anything. A number that was not measured stays null: nothing here fills a gap.

import type { Results, Room, RowSpec } from './room.ts'

/** The median of the rounds, and the lowest and highest of them. */
export interface Figure {
  readonly median: number
  readonly low: number
  readonly high: number
  readonly rounds: number
}

export interface Row {
  readonly room: string
  readonly name: string
  readonly about: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly ours: number | null
  readonly peers: Readonly<Record<string, number | null>>
  readonly spread: Readonly<Record<string, readonly [low: number, high: number] | null>>
  readonly goal: { readonly text: string; readonly value: number | null } | null
  /** Ours over the peer the goal names; over the goal itself where the goal is a plain number. */
  readonly ratio: number | null
  /** Null: no goal, or the peer or our own figure is absent. */
  readonly met: boolean | null
  readonly profile: Profile | null
}

/** Where the time (or the heap) of our own contender goes in an unmet row. */
export interface Profile {
  readonly file: string
  readonly top: readonly { readonly where: string; readonly share: number }[]
}

/** For each contender, the results of each round. */
export type Rounds = ReadonlyMap<string, readonly Results[]>

export function figure(values: readonly number[]): Figure | null {
  const sorted = [...values].sort((a, b) => a - b)
  const [low, high] = [sorted[0], sorted[sorted.length - 1]]
  const [below, above] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  if (low === undefined || high === undefined || below === undefined || above === undefined) return null
  return { median: (below + above) / 2, low, high, rounds: sorted.length }
}

export function rowOf(room: Room, spec: RowSpec, rounds: Rounds): Row {
  const [own, ...others] = room.contenders
  const read = (contender: string) => {
    const values = (rounds.get(contender) ?? []).map((results) => spec.reading.of(results))
    return figure(values.filter((value) => value !== undefined))
  }
  const ours = read(own.name)
  const figures = new Map(others.map((peer) => [peer.name, read(peer.name)]))
  const judged = judge(spec, ours?.median ?? null, (peer) => figures.get(peer)?.median ?? null)
  const spread = (of: Figure | null): readonly [number, number] | null => (of ? [of.low, of.high] : null)
  return {
    room: room.name,
    name: spec.name,
    about: spec.about,
    unit: spec.unit,
    better: spec.better,
    ours: ours?.median ?? null,
    peers: Object.fromEntries([...figures].map(([name, of]) => [name, of?.median ?? null])),
    spread: Object.fromEntries([[own.name, spread(ours)], ...[...figures].map(([name, of]) => [name, spread(of)])]),
    ...judged,
    profile: null,
  }
}

function judge(
  spec: RowSpec,
  ours: number | null,
  peer: (name: string) => number | null,
): Pick<Row, 'goal' | 'ratio' | 'met'> {
  if (!spec.goal) return { goal: null, ratio: null, met: null }
  const reference = 'peer' in spec.goal ? peer(spec.goal.peer) : spec.goal.limit
  const factor = 'peer' in spec.goal ? spec.goal.factor : 1
  if (reference === null) return { goal: { text: spec.goal.text, value: null }, ratio: null, met: null }
  const goal = { text: spec.goal.text, value: reference * factor }
  if (ours === null) return { goal, ratio: null, met: null }
  return { goal, ratio: ours / reference, met: spec.better === 'higher' ? ours >= goal.value : ours <= goal.value }
}
