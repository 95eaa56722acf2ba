// The calls and answers of the operations a linearizability search has not placed yet, in order of time: a doubly
// linked list from which an operation is lifted, and put back in reverse order, in constant time (Wing & Gong 1993).

import type { Operation } from './history.ts'

export type Answered<Input, Output> = Operation<Input, Output> & { readonly answer: { at: number; output: Output } }

/** The call of operation i is node 2i + 1, its answer node 2i + 2. Node 0 is the list's head. */
const HEAD = 0

/** The operation a node belongs to. */
export function operationOf(node: number): number {
  return (node - 1) >>> 1
}

export class EventList {
  readonly #at: Float64Array
  readonly #next: Int32Array
  readonly #previous: Int32Array

  /** `operations` in order of their calls. A call and an answer at one instant overlap: the call comes first. */
  constructor(operations: readonly Answered<unknown, unknown>[]) {
    const size = 2 * operations.length + 1
    this.#at = new Float64Array(size)
    this.#next = new Int32Array(size)
    this.#previous = new Int32Array(size)
    for (const [index, { called, answer }] of operations.entries()) {
      this.#at[2 * index + 1] = called
      this.#at[2 * index + 2] = answer.at
    }
    const nodes = Array.from({ length: size - 1 }, (_, i) => i + 1)
    nodes.sort((a, b) => this.#instant(a) - this.#instant(b) || Number(isAnswer(a)) - Number(isAnswer(b)) || a - b)
    let last = HEAD
    for (const node of nodes) {
      this.#link(last, node)
      last = node
    }
    this.#link(last, HEAD)
  }

  isEmpty(): boolean {
    return this.#after(HEAD) === HEAD
  }

  /** The call of the first operation still in the list. 0 if there is none. */
  firstCall(): number {
    return this.#after(HEAD)
  }

  /** The next call before any answer: another operation that may come first. 0 if there is none. */
  callAfter(node: number): number {
    const next = this.#after(node)
    return isAnswer(next) ? HEAD : next
  }

  /** The operations of which any may come first: those called before the first answer. */
  callable(): number[] {
    const operations: number[] = []
    for (let node = this.firstCall(); node !== HEAD; node = this.callAfter(node)) operations.push(operationOf(node))
    return operations
  }

  /** The instant of the first answer. The list must not be empty. */
  firstAnswerAt(): number {
    let node = this.#after(HEAD)
    while (!isAnswer(node)) node = this.#after(node)
    return this.#instant(node)
  }

  /** Takes an operation out. */
  lift(operation: number): void {
    for (const node of [2 * operation + 1, 2 * operation + 2]) this.#link(this.#before(node), this.#after(node))
  }

  /** Puts the operation lifted last back in its place. */
  restore(operation: number): void {
    for (const node of [2 * operation + 2, 2 * operation + 1]) {
      this.#next[this.#before(node)] = node
      this.#previous[this.#after(node)] = node
    }
  }

  #link(before: number, after: number): void {
    this.#next[before] = after
    this.#previous[after] = before
  }

  #after(node: number): number {
    return this.#next[node] as number
  }

  #before(node: number): number {
    return this.#previous[node] as number
  }

  #instant(node: number): number {
    return this.#at[node] as number
  }
}

function isAnswer(node: number): boolean {
  return node !== HEAD && (node & 1) === 0
}
