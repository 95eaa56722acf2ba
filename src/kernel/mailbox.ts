// A queue of pairs: a process's mailbox of (head, payload), and the scheduler's queue of (process, signal). A cast lies in
// it as its tag and its argument, so queueing one allocates nothing. Push and shift are O(1) at any depth; taking from
// the middle, which only selective receive does, moves the shorter side.
//
// A short queue lies in one small array, which doubles. A long one lies in segments of one size, linked behind each other
// and given back to the thread as they run empty: one great array would lie among V8's large objects, whose memory the
// system hands out anew each time. Slots outside the queue are empty, so a spare segment holds nothing alive.

const SMALLEST = 8
/** Slots of a segment, two a message. */
const SLOTS = 2048
/** Spare segments a thread keeps: 1 MB. */
const SPARES = 64
/** A whole segment is given back when it has run empty so often without having been used beyond a quarter. */
const CALM = 64

type Segment = unknown[]

/** What an unused mailbox has in place of a segment: shared, and never written. */
const NONE: Segment = []
const spares: Segment[] = []

export class Mailbox {
  /** The oldest message lies here from `#first` on; until it is whole, everything does. */
  #front = NONE
  /** The next message goes here at `#tail`. */
  #back = NONE
  #first = 0
  #tail = 0
  /** The segments behind `#front`, from `#gone` on; the last of them is `#back`. Null if `#front` is the only one. */
  #more: Segment[] | null = null
  #gone = 0
  #calm = 0
  length = 0

  push(head: unknown, payload: unknown): void {
    if (this.#tail === this.#back.length) this.#extend()
    const at = this.#tail
    this.#back[at] = head
    this.#back[at + 1] = payload
    this.#tail = at + 2
    this.length++
  }

  /** The head of the `index`-th oldest message; its payload is {@link payloadAt}. */
  headAt(index: number): unknown {
    const at = this.#first + index * 2
    return at < SLOTS ? this.#front[at] : this.#segmentOf(at)[at % SLOTS]
  }

  payloadAt(index: number): unknown {
    const at = this.#first + index * 2 + 1
    return at < SLOTS ? this.#front[at] : this.#segmentOf(at)[at % SLOTS]
  }

  /** Drops the oldest message. Read it first. */
  shift(): void {
    const at = this.#first
    this.#front[at] = undefined
    this.#front[at + 1] = undefined
    this.#first = at + 2
    if (--this.length === 0) this.#rewind()
    else if (at + 2 === SLOTS) this.#advance()
  }

  removeAt(index: number): void {
    if (index < this.length >> 1 || index === 0) {
      for (let i = index; i > 0; i--) this.#copy(i - 1, i)
      return this.shift()
    }
    for (let i = index; i < this.length - 1; i++) this.#copy(i + 1, i)
    this.#pop()
  }

  clear(): void {
    this.#front = NONE
    this.#back = NONE
    this.#first = 0
    this.#tail = 0
    this.#more = null
    this.#gone = 0
    this.length = 0
  }

  /** Drops the newest message. */
  #pop(): void {
    this.#tail -= 2
    this.#back[this.#tail] = undefined
    this.#back[this.#tail + 1] = undefined
    if (--this.length === 0) return this.#rewind()
    if (this.#tail > 0 || this.#more === null) return
    spare(this.#back)
    this.#more.pop()
    if (this.#more.length === this.#gone) this.#forgetMore()
    this.#back = this.#more?.at(-1) ?? this.#front
    this.#tail = SLOTS
  }

  /** It has run empty, in its only segment: the next message goes to the start of that. */
  #rewind(): void {
    const used = this.#tail
    this.#first = 0
    this.#tail = 0
    if (this.#front.length < SLOTS) return
    if (used > SLOTS / 4) this.#calm = 0
    else if (++this.#calm === CALM) {
      spare(this.#front)
      this.clear()
    }
  }

  /** The front segment has run empty. */
  #advance(): void {
    spare(this.#front)
    this.#first = 0
    const more = this.#more ?? []
    this.#front = more[this.#gone] ?? NONE
    more[this.#gone++] = NONE
    if (this.#gone === more.length) return this.#forgetMore()
    // Half of the list at a time, so that a segment costs the same however many there are.
    if (this.#gone * 2 < more.length) return
    more.splice(0, this.#gone)
    this.#gone = 0
  }

  #forgetMore(): void {
    this.#more = null
    this.#gone = 0
  }

  #segmentOf(at: number): Segment {
    if (at < SLOTS) return this.#front
    return this.#more?.[this.#gone + Math.floor(at / SLOTS) - 1] ?? NONE
  }

  #copy(from: number, to: number): void {
    const source = this.#first + from * 2
    const target = this.#first + to * 2
    const [read, write] = [this.#segmentOf(source), this.#segmentOf(target)]
    write[target % SLOTS] = read[source % SLOTS]
    write[(target % SLOTS) + 1] = read[(source % SLOTS) + 1]
  }

  #extend(): void {
    const size = this.#back.length
    this.#calm = 0
    if (size < SLOTS) return this.#grow(size)
    this.#back = segment()
    this.#tail = 0
    if (this.#more === null) this.#more = [this.#back]
    else this.#more.push(this.#back)
  }

  /** Makes room in an array that is no whole segment: at its start if half of it is free there, else in one twice as large. */
  #grow(size: number): void {
    const [from, first, live] = [this.#front, this.#first, this.length * 2]
    const roomy = size > 0 && live * 2 <= size
    const wanted = size === 0 ? SMALLEST * 2 : size * 2
    const to: Segment = roomy ? from : wanted === SLOTS ? segment() : new Array(wanted)
    for (let i = 0; i < live; i++) to[i] = from[first + i]
    if (roomy) from.fill(undefined, first)
    this.#front = to
    this.#back = to
    this.#first = 0
    this.#tail = live
  }
}

/** A whole segment without anything in it. */
function segment(): Segment {
  return spares.pop() ?? new Array(SLOTS)
}

/** Keeps an empty segment for the next mailbox of this thread that needs one. */
function spare(empty: Segment): void {
  if (spares.length < SPARES) spares.push(empty)
}

/** What a process without a message has in place of a mailbox: shared, and always empty. */
export const NO_MAIL = new Mailbox()
