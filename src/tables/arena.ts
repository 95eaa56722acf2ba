// Where the writer finds room for blocks: a buddy system (Knuth, TAOCP 1, 2.5). A block has a power of two of words and
// begins at a multiple of it; halves that are both free become one again. So room never wears out, at the price of up
// to half of a block. It lives in the writer's own memory: readers know only what is linked.

/** Words of the smallest block, as a power of two. */
const SMALLEST = 3
/** Marks in `#free` where no free block begins. */
const TAKEN = 255

export class Arena {
  readonly #start: number
  readonly #end: number
  /** For each smallest block: the order of the free block that begins there, or TAKEN. */
  readonly #free: Uint8Array
  /** By order: free blocks, relative to the start. Some have been joined or taken since: `#free` knows. */
  readonly #stacks: number[][]

  /** The words from `start` up to `end`. */
  constructor(start: number, end: number) {
    this.#start = start
    this.#end = (end - start) & -(1 << SMALLEST)
    this.#free = new Uint8Array(this.#end >>> SMALLEST).fill(TAKEN)
    this.#stacks = Array.from({ length: 32 }, () => [])
    for (let at = 0; at < this.#end; ) {
      let order = 31 - Math.clz32(this.#end - at)
      while ((at & ((1 << order) - 1)) !== 0) order--
      this.#push(at, order)
      at += 1 << order
    }
  }

  /** The first word of a block of at least so many, or undefined if there is none. */
  take(words: number): number | undefined {
    const wanted = orderFor(words)
    for (let order = wanted; order < this.#stacks.length; order++) {
      const at = this.#pop(order)
      if (at === undefined) continue
      while (order > wanted) this.#push(at + (1 << --order), order)
      return this.#start + at
    }
    return undefined
  }

  /** Takes back a block of so many words as were asked for. */
  give(block: number, words: number): void {
    let at = block - this.#start
    let order = orderFor(words)
    for (;;) {
      const buddy = at ^ (1 << order)
      if (this.#free[buddy >>> SMALLEST] !== order) break
      this.#free[buddy >>> SMALLEST] = TAKEN
      at = Math.min(at, buddy)
      order++
    }
    this.#push(at, order)
  }

  #push(at: number, order: number): void {
    this.#free[at >>> SMALLEST] = order
    this.#stacks[order]?.push(at)
  }

  #pop(order: number): number | undefined {
    const stack = this.#stacks[order] ?? []
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (this.#free[at >>> SMALLEST] !== order) continue
      this.#free[at >>> SMALLEST] = TAKEN
      return at
    }
    return undefined
  }
}

function orderFor(words: number): number {
  return Math.max(SMALLEST, 32 - Math.clz32(words - 1))
}
