// A history as a picture for people: time runs to the right, one row per client, one bar per operation from its call to
// its answer. Pure: data in, SVG text out. It draws every instant at the same distance from the next, since what counts
// is which operations overlap, not for how long.

import { OptionError, show } from '../kernel/errors.ts'
import type { Operation } from './history.ts'

/** What to draw: a `Conflict` of the checker fits, and so does a bare list of operations. */
export interface Picture<Input, Output> {
  readonly operations: readonly Operation<Input, Output>[]
  /** Numbered in this order. */
  readonly linearized?: readonly Operation<Input, Output>[]
  /** Marked red; the picture is centred on the first. */
  readonly blocked?: readonly Operation<Input, Output>[]
  /** The state the numbered operations lead to, for the sentence below the title. */
  readonly state?: unknown
}

export interface PictureOptions<Input, Output> {
  /** Default: "history". */
  readonly title?: string
  /** How many operations to draw at most: those called nearest to the conflict (else the first). Default 40. */
  readonly limit?: number
  /** The text on a bar. Default: the input, an arrow, and the output (a question mark if unknown). */
  readonly describe?: (operation: Operation<Input, Output>) => string
}

const ROW = 34
const BAR = 24
const LEFT = 90
const TOP = 64
const MIN_STEP = 14
const CHARACTER = 6.3

/** A self-contained SVG document. */
export function drawHistory<Input, Output>(
  picture: Picture<Input, Output>,
  options: PictureOptions<Input, Output> = {},
): string {
  const { title = 'history', limit = 40, describe = describeOperation } = options
  if (!Number.isInteger(limit) || limit < 1) throw new OptionError('limit', limit, 'a positive integer')
  const { operations, linearized = [], blocked = [] } = picture
  const shown = nearest(operations, blocked[0], limit)
  const numbers = new Map(linearized.map((operation, index) => [operation, index + 1]))
  const clients = [...new Set(shown.map((operation) => operation.client))].sort(byNumber)
  const labels = new Map(shown.map((operation) => [operation, numbered(describe(operation), numbers.get(operation))]))
  const scale = scaleOf(shown, labels)
  const bars = shown.map((operation) => {
    const kind = blocked.includes(operation) ? 'blocked' : numbers.has(operation) ? 'placed' : 'open'
    const y = TOP + clients.indexOf(operation.client) * ROW
    return bar(operation, labels.get(operation) ?? '', kind, y, scale)
  })
  const rows = clients.map((client, row) => {
    const y = TOP + row * ROW + BAR / 2
    return `<line x1="${LEFT}" y1="${y}" x2="${scale.width}" y2="${y}" class="row"/><text x="8" y="${y + 4}">${xml(client)}</text>`
  })
  const omitted = operations.length > shown.length ? ` (${shown.length} of ${operations.length} operations)` : ''
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${scale.width + 10}" height="${TOP + clients.length * ROW + 10}">`,
    `<style>${STYLE}</style><rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="8" y="20" class="title">${xml(title + omitted)}</text>`,
    `<text x="8" y="42">${xml(verdictOf(picture))}</text>`,
    ...rows,
    ...bars,
    '</svg>\n',
  ].join('\n')
}

const STYLE = [
  'text{font:12px ui-monospace,monospace;fill:#222}.title{font-weight:bold}.row{stroke:#ddd}',
  '.placed rect{fill:#dbe9f6;stroke:#5b8db8}.open rect{fill:#f3f3f3;stroke:#999}',
  '.blocked rect{fill:#f9d0cc;stroke:#c0392b;stroke-width:2}.unknown rect{stroke-dasharray:4 3}',
].join('')

/** `{"op":"get"} → 3`; a question mark stands for an outcome nobody knows. */
function describeOperation(operation: Operation<unknown, unknown>): string {
  return `${show(operation.input, 40)} → ${operation.answer === undefined ? '?' : show(operation.answer.output, 20)}`
}

function verdictOf(picture: Picture<unknown, unknown>): string {
  const { linearized = [], blocked = [], state } = picture
  if (blocked.length === 0) return 'dashed: outcome unknown'
  const held = linearized.length === 0 ? 'At the beginning' : `After no. ${linearized.length}`
  return `${held} the state is ${show(state, 60)}; one of the red operations had to come next, and none fits.`
}

function nearest<Input, Output>(
  operations: readonly Operation<Input, Output>[],
  centre: Operation<Input, Output> | undefined,
  limit: number,
): readonly Operation<Input, Output>[] {
  const sorted = [...operations].sort((a, b) => a.called - b.called)
  const middle = centre === undefined ? 0 : sorted.indexOf(centre)
  // More of what led to the conflict than of what followed it.
  const begin = Math.max(0, Math.min(middle - Math.floor((limit * 3) / 4), sorted.length - limit))
  return sorted.slice(begin, begin + limit)
}

interface Scale {
  readonly width: number
  /** Where an instant lies; the right edge for one beyond the picture. */
  x(instant: number): number
}

/** Instants stand in order, each far enough from the last for every bar that ends before it to hold its label. */
function scaleOf<Input, Output>(
  operations: readonly Operation<Input, Output>[],
  labels: ReadonlyMap<Operation<Input, Output>, string>,
): Scale {
  const instants = new Set(
    operations.flatMap(({ called, answer }) => (answer === undefined ? called : [called, answer.at])),
  )
  const places = new Map<number, number>()
  /** Where the label of a client's last operation ends: its next one must not cover it. */
  const ends = new Map<string, number>()
  let x = LEFT
  for (const instant of [...instants].sort((a, b) => a - b)) {
    const here = operations.filter(({ called, answer }) => called === instant || answer?.at === instant)
    for (const { client } of here) x = Math.max(x, ends.get(client) ?? LEFT)
    places.set(instant, x)
    for (const operation of here) {
      if (operation.called === instant) ends.set(operation.client, x + widthOf(labels.get(operation) ?? ''))
    }
    x += MIN_STEP
  }
  const width = Math.ceil(Math.max(x, ...ends.values()))
  return { width, x: (instant) => places.get(instant) ?? width }
}

function widthOf(label: string): number {
  return label.length * CHARACTER * 1.2 + 12
}

function bar(operation: Operation<unknown, unknown>, label: string, kind: string, y: number, scale: Scale): string {
  const from = scale.x(operation.called)
  const to = operation.answer === undefined ? scale.width : scale.x(operation.answer.at)
  const width = Math.max(to - from, 6)
  const unknown = operation.answer === undefined ? ' unknown' : ''
  const times = `${operation.calledMs ?? operation.called} – ${operation.answeredMs ?? operation.answer?.at ?? '?'}`
  return [
    `<g class="${kind}${unknown}"><title>${xml(`${operation.client}: ${label} [${times}]`)}</title>`,
    `<rect x="${round(from)}" y="${y}" width="${round(width)}" height="${BAR}" rx="3"/>`,
    `<text x="${round(from + 5)}" y="${y + 16}">${xml(label)}</text></g>`,
  ].join('')
}

function numbered(label: string, number: number | undefined): string {
  return number === undefined ? label : `${number}. ${label}`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function byNumber(a: string, b: string): number {
  const [x, y] = [a, b].map((name) => Number(/\d+$/.exec(name)?.[0] ?? Number.NaN)) as [number, number]
  return x - y || (a < b ? -1 : 1)
}

function xml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? '').replace(/[^\P{Cc}\n]/gu, '�')
}
