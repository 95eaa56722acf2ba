// What is to happen, in order of time. Ties are broken by insertion: of two events at one instant the one that was
// added first comes first, on every machine. A binary heap whose entries know their places, so that one can be taken out.

/** An entry of the queue. */
export interface QueuedEvent<Item> {
  readonly at: number
  readonly item: Item
  /** Takes the event out. Idempotent; one already taken is left alone. */
  cancel(): void
}

class Entry<Item> implements QueuedEvent<Item> {
  readonly at: number
  readonly order: number
  readonly item: Item
  /** In the heap; -1 once it is out of it. */
  place = -1
  readonly #queue: EventQueue<Item>

  constructor(queue: EventQueue<Item>, at: number, order: number, item: Item) {
    this.#queue = queue
    this.at = at
    this.order = order
    this.item = item
  }

  cancel(): void {
    if (this.place >= 0) this.#queue.remove(this.place)
  }
}

/** A queue of events by instant, then by insertion. Instants are numbers of any unit. */
export class EventQueue<Item> {
  readonly #heap: Entry<Item>[] = []
  #order = 0

  /** How many events wait. */
  get size(): number {
    return this.#heap.length
  }

  /** The instant of the next event, if there is one. */
  get nextAt(): number | undefined {
    return this.#heap[0]?.at
  }

  /** Adds an event at the instant `at`, which may lie before events already taken: the queue keeps no time. */
  add(at: number, item: Item): QueuedEvent<Item> {
    const entry = new Entry(this, at, this.#order++, item)
    this.#heap.push(entry)
    this.#rise(this.#heap.length - 1, entry)
    return entry
  }

  /** Takes out the next event, unless it lies behind the instant `until`. */
  take(until = Number.POSITIVE_INFINITY): QueuedEvent<Item> | undefined {
    const entry = this.#heap[0]
    if (entry === undefined || entry.at > until) return undefined
    this.remove(0)
    return entry
  }

  /** @internal Takes out the entry at a place of the heap. */
  remove(place: number): void {
    const entry = this.#heap[place]
    const last = this.#heap.pop()
    if (entry === undefined || last === undefined) return
    entry.place = -1
    if (entry === last) return
    if (isBefore(last, entry)) this.#rise(place, last)
    else this.#sink(place, last)
  }

  #rise(index: number, entry: Entry<Item>): void {
    while (index > 0) {
      const up = (index - 1) >> 1
      const parent = this.#heap[up] as Entry<Item>
      if (!isBefore(entry, parent)) break
      this.#heap[index] = parent
      parent.place = index
      index = up
    }
    this.#heap[index] = entry
    entry.place = index
  }

  #sink(index: number, entry: Entry<Item>): void {
    for (;;) {
      let down = 2 * index + 1
      let child = this.#heap[down]
      if (child === undefined) break
      const right = this.#heap[down + 1]
      if (right !== undefined && isBefore(right, child)) {
        child = right
        down++
      }
      if (!isBefore(child, entry)) break
      this.#heap[index] = child
      child.place = index
      index = down
    }
    this.#heap[index] = entry
    entry.place = index
  }
}

function isBefore(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
