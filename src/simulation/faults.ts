// Faults as values: drawn by a seed, written into a schedule, taken out one by one until only those are left that a
// failure needs. A fault is an episode: it begins, lasts, and is over; so each can be left out without touching others.

import { OptionError } from '../kernel/errors.ts'
import type { SeededRandom } from './random.ts'
import type { StepOf } from './schedule-steps.ts'
import type { World } from './world.ts'

/** Something that goes wrong for a while. Times in milliseconds from the beginning of the storm. */
export type Fault = { readonly atMs: number; readonly forMs: number } & (
  | { readonly kind: 'crash'; readonly node: string }
  | { readonly kind: 'pause'; readonly node: string }
  | { readonly kind: 'partition'; readonly groups: readonly (readonly string[])[] }
  | { readonly kind: 'cut'; readonly from: string; readonly to: string }
  | {
      readonly kind: 'weather'
      readonly drop: number
      readonly duplicate: number
      readonly reorder: number
      readonly latency: readonly [number, number]
    }
  | { readonly kind: 'clock'; readonly node: string; readonly rate: number; readonly jump: number }
  /** The clock is set back, and forward again: the wall clock goes back, the monotonic one stands still meanwhile. */
  | { readonly kind: 'clockBack'; readonly node: string; readonly backMs: number }
  | { readonly kind: 'slowDisk'; readonly node: string; readonly syncLatency: readonly [number, number] }
  | { readonly kind: 'fullDisk'; readonly node: string }
  | { readonly kind: 'tornWrite'; readonly node: string }
  | { readonly kind: 'rot'; readonly node: string }
  | { readonly kind: 'kill'; readonly node: string; readonly lot: number }
)

export type FaultKind = Fault['kind']

/** What the steps of a schedule can do to a world, whatever runs in it. */
export type FaultStep = StepOf<
  | 'crash'
  | 'restart'
  | 'pause'
  | 'resume'
  | 'partition'
  | 'cut'
  | 'heal'
  | 'network'
  | 'hold'
  | 'release'
  | 'dropNext'
  | 'duplicateNext'
  | 'clock'
  | 'gateDisk'
  | 'releaseDisk'
  | 'disk'
  | 'wipe'
  | 'kill'
>

/** What every system must bear. */
// biome-ignore format: a list of words
const KINDS: readonly FaultKind[] = [
  'crash', 'pause', 'partition', 'cut', 'weather', 'clock', 'clockBack', 'slowDisk', 'fullDisk',
]
const FAIR = { drop: 0, duplicate: 0, reorder: 0, latency: [1, 10] as const }

export interface StormOptions {
  /** How long it lasts, in milliseconds. */
  readonly forMs: number
  /** The nodes it may strike. Default: all. */
  readonly nodes?: readonly string[]
  /**
   * The kinds of fault there may be. Each seed leaves out some (swarm testing, Groce et al. 2012). Default: all but three,
   * which not every system is made to bear: `tornWrite` and `rot`, power cuts after which a part of the first lost write
   * is there, or a bit of something stored has turned; and `kill`, the death of one process that another has started.
   */
  readonly kinds?: readonly FaultKind[]
  /** At most so many faults. Default 12. */
  readonly maxFaults?: number
}

/**
 * Draws a storm. Which kinds of fault there are, how often and how bad, is drawn first, so that seeds differ in kind and
 * not in detail alone: some are all crashes, some all weather.
 */
export function drawFaults(random: SeededRandom, nodes: readonly string[], options: StormOptions): Fault[] {
  const { forMs, kinds = KINDS, maxFaults = 12 } = options
  if (!(forMs > 0)) throw new OptionError('forMs', forMs, 'a positive number of milliseconds')
  if (nodes.length === 0) return []
  const swarm = kinds.filter(() => random.chance(1, 2))
  const active = swarm.length > 0 ? swarm : [random.pick(kinds)]
  const many = random.between(1, maxFaults)
  const longest = Math.max(1, Math.floor(forMs / random.between(2, 10)))
  const faults = Array.from({ length: many }, () =>
    drawFault(random, random.pick(active), nodes, random.below(Math.ceil(forMs)), random.between(1, longest)),
  )
  return faults.sort((a, b) => a.atMs - b.atMs)
}

/** Where the numbers of a fault come from. */
type Draw = Pick<SeededRandom, 'below' | 'between' | 'pick'>

/**
 * Faults from lists of naturals, one list a fault, for generators that shrink: with fast-check,
 * `fc.array(fc.array(fc.nat(), { maxLength: 8 })).map((draws) => faultsFrom(draws, nodes, { forMs: 1000 }))`. Fewer lists
 * are fewer faults, smaller numbers earlier, shorter and milder ones; what a list lacks counts as 0.
 */
export function faultsFrom(
  draws: readonly (readonly number[])[],
  nodes: readonly string[],
  options: StormOptions,
): Fault[] {
  const { forMs, kinds = KINDS } = options
  const faults = draws.map((numbers) => {
    const draw = drawFrom(numbers)
    const kind = draw.pick(kinds)
    return drawFault(
      draw,
      kind,
      nodes,
      draw.below(Math.ceil(forMs)),
      draw.between(1, Math.max(1, Math.ceil(forMs / 2))),
    )
  })
  return faults.sort((a, b) => a.atMs - b.atMs)
}

function drawFrom(numbers: readonly number[]): Draw {
  let at = 0
  const below = (n: number) => (numbers[at++] ?? 0) % n
  return {
    below,
    between: (low, high) => low + below(high - low + 1),
    pick: (items) => items[below(items.length)] as (typeof items)[number],
  }
}

function drawFault(random: Draw, kind: FaultKind, nodes: readonly string[], atMs: number, forMs: number): Fault {
  const span = { atMs, forMs }
  const node = random.pick(nodes)
  switch (kind) {
    case 'crash':
    case 'pause':
    case 'fullDisk':
    case 'tornWrite':
    case 'rot':
      return { ...span, kind, node }
    case 'kill':
      return { ...span, kind, node, lot: random.below(1000) }
    case 'partition':
      return { ...span, kind, groups: drawGroups(random, nodes) }
    case 'cut':
      return { ...span, kind, from: node, to: random.pick(nodes) }
    case 'weather': {
      const [drop, duplicate, reorder] = [random.below(30) / 100, random.below(30) / 100, random.below(30) / 100]
      const least = random.between(0, 20)
      return { ...span, kind, drop, duplicate, reorder, latency: [least, least + random.between(0, 200)] }
    }
    case 'clock':
      return { ...span, kind, node, rate: random.between(50, 200) / 100, jump: random.below(400) }
    case 'clockBack':
      return { ...span, kind, node, backMs: random.between(1, 1000) }
    case 'slowDisk':
      return { ...span, kind, node, syncLatency: [random.between(0, 20), random.between(20, 200)] }
  }
}

/** Two sides; each node falls on one by lot, and some on both, which makes the partition a partial one. */
function drawGroups(random: Draw, nodes: readonly string[]): string[][] {
  const sides: [string[], string[]] = [[], []]
  for (const node of nodes) {
    const lot = random.below(9)
    if (lot <= 4) sides[0].push(node)
    if (lot >= 4) sides[1].push(node)
  }
  return sides.filter((side) => side.length > 0)
}

/** The steps of a storm in order of time, up to `untilMs`; each fault ends with what undoes it. */
export function stepsOf(faults: readonly Fault[], untilMs: number = Number.POSITIVE_INFINITY): FaultStep[] {
  const steps = faults.flatMap(episode)
  return steps.filter(({ at }) => at <= untilMs).sort((a, b) => a.at - b.at)
}

function episode(fault: Fault): FaultStep[] {
  const at = fault.atMs
  const end = at + fault.forMs
  switch (fault.kind) {
    case 'crash':
      return [
        { at, op: 'crash', node: fault.node },
        { at: end, op: 'restart', node: fault.node },
      ]
    case 'pause':
      return [
        { at, op: 'pause', node: fault.node },
        { at: end, op: 'resume', node: fault.node },
      ]
    case 'partition':
      return [
        { at, op: 'partition', groups: fault.groups },
        { at: end, op: 'heal' },
      ]
    case 'cut':
      return [
        { at, op: 'cut', from: fault.from, to: fault.to },
        { at: end, op: 'heal' },
      ]
    case 'weather': {
      const { drop, duplicate, reorder, latency } = fault
      return [
        { at, op: 'network', drop, duplicate, reorder, latency },
        { at: end, op: 'network', ...FAIR },
      ]
    }
    case 'clock':
      return [
        { at, op: 'clock', node: fault.node, rate: fault.rate, jump: fault.jump },
        { at: end, op: 'clock', node: fault.node, rate: 1 },
      ]
    case 'clockBack':
      return [
        { at, op: 'clock', node: fault.node, jump: -fault.backMs },
        { at: end, op: 'clock', node: fault.node, jump: fault.backMs },
      ]
    case 'slowDisk':
      return [
        { at, op: 'disk', node: fault.node, fault: 'slow', syncLatency: fault.syncLatency },
        { at: end, op: 'disk', node: fault.node, fault: 'ok' },
      ]
    case 'fullDisk':
      return [
        { at, op: 'disk', node: fault.node, fault: 'full' },
        { at: end, op: 'disk', node: fault.node, fault: 'ok' },
      ]
    case 'tornWrite':
    case 'rot':
      return [
        { at, op: 'disk', node: fault.node, fault: fault.kind === 'rot' ? 'corrupt' : 'tornTail' },
        { at, op: 'crash', node: fault.node },
        { at: end, op: 'restart', node: fault.node },
      ]
    case 'kill':
      return [{ at, op: 'kill', node: fault.node, lot: fault.lot }]
  }
}

/** Does to the world what a step says, now. Nodes are named as they are called: no roles here. */
export function applyFault(world: World, step: FaultStep): void {
  const { network } = world
  switch (step.op) {
    case 'crash':
    case 'pause':
      return world[step.op](step.node)
    case 'restart':
    case 'resume':
      for (const name of step.node === 'all' ? world.nodeNames : [step.node]) world[step.op](name)
      return
    case 'partition':
      return network.partition(step.groups)
    case 'cut':
      return network.cut(step)
    case 'heal':
      return network.heal()
    case 'network': {
      const { at: _at, op: _op, as: _as, from, to, ...change } = step
      return network.setWeather(change, { from, to })
    }
    case 'hold':
      return network.hold(step)
    case 'release':
      return network.release(step, orderOf(step))
    case 'dropNext':
    case 'duplicateNext':
      return network[step.op](step, step.count)
    case 'clock':
      return world.setClock(step.node, step)
    case 'gateDisk':
      return world.disk(step.node).gate()
    case 'releaseDisk':
      for (const name of step.node === 'all' ? world.nodeNames : [step.node]) {
        world.disk(name).release(orderOf(step))
      }
      return
    case 'disk':
      return applyDiskFault(world, step)
    case 'wipe':
      if (world.isUp(step.node)) throw new OptionError('wipe', step.node, 'a node that is down')
      return world.disk(step.node).wipe()
    case 'kill':
      return world.kill(step.node, step.lot)
  }
}

function applyDiskFault(world: World, step: StepOf<'disk'>): void {
  const disk = world.disk(step.node)
  switch (step.fault) {
    case 'full':
      return disk.setFull(true)
    case 'slow':
      return disk.setLatency(step.syncLatency)
    case 'tornTail':
      return disk.tearNext()
    case 'ok':
      disk.setFull(false)
      return disk.setLatency(undefined)
    // In a schedule of a protocol an entry is meant, and what that is the protocol knows: see runSchedule.
    case 'corrupt':
      return disk.rotNext()
  }
}

function orderOf(step: StepOf<'release'> | StepOf<'releaseDisk'>): { count?: number; reverse?: boolean } {
  return {
    ...(step.count === undefined ? {} : { count: step.count }),
    ...(step.order === undefined ? {} : { reverse: true }),
  }
}

/**
 * Takes items out of a failing list as long as it goes on failing: delta debugging (Zeller & Hildebrandt 2002), in
 * halves, quarters … and at last one by one. `fails` is asked at most `maxRuns` times (default 200).
 */
export async function shrinkList<Item>(
  items: readonly Item[],
  fails: (items: readonly Item[]) => Promise<boolean>,
  maxRuns = 200,
): Promise<readonly Item[]> {
  let least = items
  let runs = 0
  for (let size = Math.ceil(least.length / 2); size >= 1 && runs < maxRuns; ) {
    let hasShrunk = false
    for (let from = 0; from < least.length && runs < maxRuns; ) {
      const without = [...least.slice(0, from), ...least.slice(from + size)]
      runs++
      if (await fails(without)) {
        least = without
        hasShrunk = true
      } else from += size
    }
    if (size > 1) size = Math.ceil(size / 2)
    else if (!hasShrunk) break
  }
  return least
}
