// The living processes of a node by their ids, which are given in ascending order and never again. They lie in pages:
// a start is a store into the newest page, and a page goes with the last of its processes.

import type { Process } from './process.ts'

/** Ids a page. A power of two. */
const PAGE = 64

class Page {
  readonly slots: (Process | undefined)[] = new Array(PAGE)
  living = 0
}

export class ProcessTable {
  readonly #pages = new Map<number, Page>()
  #newest = new Page()
  #newestIndex = 0

  /** Ids must come in ascending order. */
  add(id: number, process: Process): void {
    const index = Math.floor(id / PAGE)
    if (index !== this.#newestIndex) this.#turnPage(index)
    this.#newest.slots[id & (PAGE - 1)] = process
    this.#newest.living++
  }

  get(id: number): Process | undefined {
    return this.#page(Math.floor(id / PAGE))?.slots[id & (PAGE - 1)]
  }

  /** The process must be here. */
  delete(id: number): void {
    const index = Math.floor(id / PAGE)
    const page = this.#page(index)
    if (page === undefined) return
    page.slots[id & (PAGE - 1)] = undefined
    if (--page.living === 0 && page !== this.#newest) this.#pages.delete(index)
  }

  /** Oldest first. */
  list(): Process[] {
    return [...this.#pages.values(), this.#newest].flatMap(({ slots }) => slots.filter((it) => it !== undefined))
  }

  /** How many pages there are. */
  get pages(): number {
    return this.#pages.size + 1
  }

  #page(index: number): Page | undefined {
    return index === this.#newestIndex ? this.#newest : this.#pages.get(index)
  }

  #turnPage(index: number): void {
    if (this.#newest.living > 0) this.#pages.set(this.#newestIndex, this.#newest)
    this.#newest = new Page()
    this.#newestIndex = index
  }
}
