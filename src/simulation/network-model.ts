// When a message arrives, how often, or not at all. A pure component: it is told what the weather is and which links
// are cut, and answers from the random numbers it is handed. It carries nothing and knows no message.

import { OptionError } from '../kernel/errors.ts'
import { partsOf, type SeededRandom } from './random.ts'
import { microseconds } from './virtual-time.ts'

/** What may happen to a message on its way. Latencies in milliseconds, the rest probabilities per message. */
export interface Weather {
  /** Uniform between both. */
  readonly latency: readonly [least: number, most: number]
  readonly drop: number
  readonly duplicate: number
  /** Messages of a link arrive in order, except these: they take up to twice the latency and may be overtaken. */
  readonly reorder: number
}

/** One direction between two nodes. A side that is left out means any node. */
export interface LinkPattern {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/** Weather in integers: microseconds, and parts per million. */
interface Odds {
  readonly least: number
  readonly most: number
  readonly drop: number
  readonly duplicate: number
  readonly reorder: number
}

interface Link {
  /** Undefined once the weather has changed. */
  odds: Odds | undefined
  /** When the last message in order arrives: the next one must not overtake it. */
  lastUs: number
}

const FAIR: Weather = { latency: [1, 10], drop: 0, duplicate: 0, reorder: 0 }

/** A network of named nodes. Links exist as soon as they are used; all are open at first. */
export class NetworkModel {
  #weather: Weather
  #local: { readonly pattern: LinkPattern; readonly change: Partial<Weather> }[] = []
  readonly #links = new Map<string, Map<string, Link>>()
  #groups: readonly ReadonlySet<string>[] = []
  #cuts: LinkPattern[] = []

  /** Default weather: latency 1 to 10 ms, no faults. */
  constructor(weather: Partial<Weather> = {}) {
    oddsOf({ ...FAIR, ...weather })
    this.#weather = { ...FAIR, ...weather }
  }

  /**
   * Changes the weather; what `change` leaves out stays. With a side in `pattern` it changes for those links only;
   * without one it changes everywhere, and whatever was set per link is forgotten.
   */
  setWeather(change: Partial<Weather>, pattern: LinkPattern = {}): void {
    oddsOf({ ...FAIR, ...change })
    if (pattern.from === undefined && pattern.to === undefined) {
      this.#weather = { ...this.#weather, ...change }
      this.#local = []
    } else this.#local.push({ pattern, change })
    for (const links of this.#links.values()) for (const link of links.values()) link.odds = undefined
  }

  /**
   * Splits the network in place of the partition before: a message passes if some group holds both ends. Nodes not
   * named form one more group. Groups may overlap, which makes the partition a partial one.
   */
  partition(groups: readonly (readonly string[])[]): void {
    this.#groups = groups.map((group) => new Set(group))
  }

  /** Closes one direction; what goes the other way still passes. */
  cut(pattern: LinkPattern): void {
    this.#cuts.push(pattern)
  }

  /** Ends the partition and every cut. The weather stays. */
  heal(): void {
    this.#groups = []
    this.#cuts = []
  }

  /** Whether messages pass from `from` to `to`. To be asked when one is sent, and again when it arrives. */
  isOpen(from: string, to: string): boolean {
    if (from === to) return true
    if (this.#cuts.length > 0 && this.#cuts.some((pattern) => matches(pattern, from, to))) return false
    if (this.#groups.length === 0) return true
    const isNamed = (node: string) => this.#groups.some((group) => group.has(node))
    if (!isNamed(from) && !isNamed(to)) return true
    return this.#groups.some((group) => group.has(from) && group.has(to))
  }

  /**
   * The instants (in microseconds) at which a message sent now arrives: none if it is lost or the link is closed, two if
   * it is duplicated. It draws as often whatever the faults, so that a fault switched off shifts no later draw. A message
   * to oneself arrives at once.
   */
  send(from: string, to: string, nowUs: number, random: SeededRandom): readonly number[] {
    if (from === to) return [nowUs]
    const link = this.#linkOf(from, to)
    link.odds ??= this.#oddsOn(from, to)
    const { least, most, drop, duplicate, reorder } = link.odds
    const isDropped = random.chance(drop)
    const isDuplicated = random.chance(duplicate)
    const isReordered = random.chance(reorder)
    const latency = random.between(least, most)
    const detour = random.between(0, most)
    if (isDropped || !this.isOpen(from, to)) return []
    let arrival = nowUs + latency
    if (isReordered) arrival += detour
    else {
      arrival = Math.max(arrival, link.lastUs)
      link.lastUs = arrival
    }
    return isDuplicated ? [arrival, nowUs + latency + detour].sort(ascending) : [arrival]
  }

  #linkOf(from: string, to: string): Link {
    let links = this.#links.get(from)
    if (links === undefined) {
      links = new Map()
      this.#links.set(from, links)
    }
    let link = links.get(to)
    if (link === undefined) {
      link = { odds: undefined, lastUs: 0 }
      links.set(to, link)
    }
    return link
  }

  #oddsOn(from: string, to: string): Odds {
    let weather = this.#weather
    for (const { pattern, change } of this.#local) {
      if (matches(pattern, from, to)) weather = { ...weather, ...change }
    }
    return oddsOf(weather)
  }
}

function oddsOf({ latency, drop, duplicate, reorder }: Weather): Odds {
  const [least, most] = latency
  if (!(least >= 0 && most >= least)) throw new OptionError('latency', latency, '[least, most] with 0 <= least <= most')
  return {
    least: microseconds(least, 'latency'),
    most: microseconds(most, 'latency'),
    drop: partsOf(drop, 'drop'),
    duplicate: partsOf(duplicate, 'duplicate'),
    reorder: partsOf(reorder, 'reorder'),
  }
}

function matches(pattern: LinkPattern, from: string, to: string): boolean {
  return (pattern.from ?? from) === from && (pattern.to ?? to) === to
}

function ascending(a: number, b: number): number {
  return a - b
}
