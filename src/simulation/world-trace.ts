// What happened in a world, in order: a running hash over every event with its payload, the last events for people, and
// all of them if somebody wants the lines. Events are written down as they happen; what is kept of them is shown late.

import { show } from '../kernel/errors.ts'
import { TraceHash } from './trace-hash.ts'

/** What an event is. The order is part of recorded hashes: add at the end. */
// biome-ignore format: a list of words
export const EVENT_KINDS = [
  'start', 'message', 'offer', 'continue', 'timeout', 'signal', 'timer', 'disk', 'lost', 'doubled', 'held', 'fault',
  'note', 'child', 'module', 'offload',
] as const

export type EventKind = (typeof EVENT_KINDS)[number]

/** One event, as it is kept. */
export interface TraceEvent {
  readonly atUs: number
  readonly node: string
  readonly kind: EventKind
  /** The process, or what else it happened to. */
  readonly who: string
  /** The tag of a message, the kind of a signal, the name of a fault. */
  readonly what: string
  readonly payload: unknown
}

const NUMBER_OF_KIND: Readonly<Record<string, number>> = Object.fromEntries(
  EVENT_KINDS.map((kind, index) => [kind, index]),
)
const WORD = 0x1_0000_0000

/** The events of a world: `world.trace`. */
export class WorldTrace {
  readonly #hash = new TraceHash()
  /** A ring, each of whose events is written over when its place comes again. */
  readonly #last: Mutable<TraceEvent>[] = []
  readonly #keep: number
  readonly #sink: ((event: TraceEvent) => void) | undefined
  #count = 0

  /** @internal `keep`: how many of the last events are kept. `sink` is handed each event as it happens. */
  constructor(keep: number, sink?: (event: TraceEvent) => void) {
    this.#keep = Math.max(1, keep)
    this.#sink = sink
  }

  /** How many events there were. */
  get count(): number {
    return this.#count
  }

  /** The hash of all of them: 16 hexadecimal digits. */
  get hash(): string {
    return this.#hash.hex()
  }

  /** @internal Writes an event down; to add a line of one's own there is `world.note`. */
  add(atUs: number, node: string, kind: EventKind, who: string, what: string, payload: unknown): void {
    const hash = this.#hash
    hash.word(NUMBER_OF_KIND[kind] ?? -1)
    // The low word of any safe integer, without a division.
    hash.word(atUs)
    hash.word(atUs < WORD ? 0 : Math.floor(atUs / WORD))
    hash.text(node)
    hash.text(who)
    hash.text(what)
    hash.value(payload)
    const place = this.#count++ % this.#keep
    const event = this.#last[place]
    if (event === undefined) this.#last.push({ atUs, node, kind, who, what, payload })
    else {
      event.atUs = atUs
      event.node = node
      event.kind = kind
      event.who = who
      event.what = what
      event.payload = payload
    }
    this.#sink?.({ atUs, node, kind, who, what, payload })
  }

  /** The last events, oldest first. */
  last(): TraceEvent[] {
    const oldest = this.#count < this.#keep ? 0 : this.#count % this.#keep
    return [...this.#last.slice(oldest), ...this.#last.slice(0, oldest)].map((event) => ({ ...event }))
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const COLUMN = 40

/** Events as lines: the time in milliseconds, then a column for each node. */
export function drawEvents(events: readonly TraceEvent[], nodes: readonly string[], column = COLUMN): string[] {
  const rule = [''.padStart(12), ...nodes.map((node) => node.padEnd(column))].join(' │ ').trimEnd()
  return [rule, ...events.map((event) => drawEvent(event, nodes, column))]
}

/** One event as a line. */
export function drawEvent(event: TraceEvent, nodes: readonly string[], column = COLUMN): string {
  const time = (event.atUs / 1000).toFixed(3).padStart(12)
  const at = nodes.indexOf(event.node)
  const text = describeEvent(event)
  if (at === -1) return `${time} │ ${event.node === '' ? '' : `${event.node}: `}${text}`
  const cells = nodes.map((_, index) => (index === at ? clip(text, column) : '').padEnd(column))
  return [time, ...cells].join(' │ ').trimEnd()
}

const SIGNS: Readonly<Record<EventKind, string>> = {
  start: '+',
  message: '<',
  offer: '<',
  continue: '…',
  timeout: '⏲',
  signal: '!',
  timer: '⏲',
  disk: '▪',
  lost: '✗',
  doubled: '×2',
  held: '‖',
  fault: '⚡',
  note: '#',
  child: '»',
  module: '↥',
  offload: '∑',
}

function describeEvent({ kind, who, what, payload }: TraceEvent): string {
  const content = payload === undefined ? '' : ` ${show(payload, 200)}`
  return `${who}${who === '' ? '' : ' '}${SIGNS[kind]} ${what}${content}`.trimEnd()
}

function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}
