// What is to happen, in order of time. Ties are broken by insertion: of two events at one instant the one that was
// added first comes first, on every machine. A binary heap; a cancelled entry is left in place and skipped.

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
  waiting = true
  readonly #queue: EventQueue<Item>

  constructor(queue: EventQueue<Item>, at: number, order: number, item: Item) {
    this.#queue = queue
    this.at = at
    this.order = order
    this.item = item
  }

  cancel(): void {
    if (!this.waiting) return
    this.waiting = false
    this.#queue.forget()
  }
}

/** A queue of events by instant, then by insertion. Instants are numbers of any unit. */
export class EventQueue<Item> {
  #heap: Entry<Item>[] = []
  #order = 0
  #cancelled = 0

  /** How many events wait. */
  get size(): number {
    return this.#heap.length - this.#cancelled
  }

  /** The instant of the next event, if there is one. */
  get nextAt(): number | undefined {
    this.#skipCancelled()
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
    this.#skipCancelled()
    const entry = this.#heap[0]
    if (entry === undefined || entry.at > until) return undefined
    entry.waiting = false
    this.#removeFirst()
    return entry
  }

  /** @internal An entry was cancelled. Once they outnumber the waiting ones they are swept out. */
  forget(): void {
    this.#cancelled++
    if (this.#cancelled < 64 || this.#cancelled * 2 < this.#heap.length) return
    this.#heap = this.#heap.filter((entry) => entry.waiting).sort(compare)
    this.#cancelled = 0
  }

  #skipCancelled(): void {
    while (this.#heap[0]?.waiting === false) {
      this.#removeFirst()
      this.#cancelled--
    }
  }

  #removeFirst(): void {
    const last = this.#heap.pop()
    if (last !== undefined && this.#heap.length > 0) this.#sink(0, last)
  }

  #rise(index: number, entry: Entry<Item>): void {
    while (index > 0) {
      const up = (index - 1) >> 1
      const parent = this.#heap[up] as Entry<Item>
      if (!isBefore(entry, parent)) break
      this.#heap[index] = parent
      index = up
    }
    this.#heap[index] = entry
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
      index = down
    }
    this.#heap[index] = entry
  }
}

function isBefore(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

function compare(a: Entry<unknown>, b: Entry<unknown>): number {
  return a.at - b.at || a.order - b.order
}
