// A small set of pids. Most processes have one link, to their supervisor: that costs no Set.
// Members are compared by identity: a node hands out one object for each pid it knows.

import type { Pid } from './pid.ts'

export class PidSet {
  #one: Pid | undefined
  #many: Set<Pid> | undefined

  get size(): number {
    return this.#many !== undefined ? this.#many.size : this.#one === undefined ? 0 : 1
  }

  has(pid: Pid): boolean {
    return this.#many !== undefined ? this.#many.has(pid) : this.#one === pid
  }

  /** False if it was in already. */
  add(pid: Pid): boolean {
    if (this.has(pid)) return false
    if (this.#many !== undefined) this.#many.add(pid)
    else if (this.#one === undefined) this.#one = pid
    else {
      this.#many = new Set([this.#one, pid])
      this.#one = undefined
    }
    return true
  }

  /** False if it was not in. */
  delete(pid: Pid): boolean {
    if (this.#many !== undefined) return this.#many.delete(pid)
    if (this.#one !== pid) return false
    this.#one = undefined
    return true
  }

  /** In the order of adding. */
  list(): Pid[] {
    if (this.#many !== undefined) return [...this.#many]
    return this.#one === undefined ? [] : [this.#one]
  }
}
