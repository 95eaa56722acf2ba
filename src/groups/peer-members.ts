// What a node knows of the members on one peer: only what that peer has said.

import { CapacityError } from '../kernel/errors.ts'
import type { Key } from '../kernel/key.ts'
import type { Pid } from '../kernel/pid.ts'
import { EntryIndex } from './entry-index.ts'

export class PeerMembers<G extends Key> {
  readonly index = new EntryIndex<G, number>()
  readonly #maxMembers: number
  #joins = 0

  constructor(maxMembers: number) {
    this.#maxMembers = maxMembers
  }

  /** @throws CapacityError if that were too many; then nothing has changed. */
  join(group: G, pids: readonly Pid[]): void {
    if (this.#joins + pids.length > this.#maxMembers) {
      throw new CapacityError('members on a peer', 'maxMembers', this.#maxMembers)
    }
    this.#joins += pids.length
    for (const pid of pids) this.#set(group, pid, this.#count(group, pid) + 1)
  }

  /** Answers those that were members. */
  leave(group: G, pids: readonly Pid[]): Pid[] {
    const left: Pid[] = []
    for (const pid of pids) {
      const joined = this.#count(group, pid)
      if (joined === 0) continue
      this.#set(group, pid, joined - 1)
      left.push(pid)
    }
    this.#joins -= left.length
    return left
  }

  /** Group by group, who is a member here more often than in `other`, and by how much. */
  *beyond(other: PeerMembers<G> | undefined): IterableIterator<readonly [group: G, pids: Pid[]]> {
    for (const group of this.index.keys()) {
      const excess = this.index.at(group).flatMap(({ pid, value }) => {
        const known = other === undefined ? 0 : other.#count(group, pid)
        return new Array<Pid>(Math.max(0, value - known)).fill(pid)
      })
      if (excess.length > 0) yield [group, excess]
    }
  }

  #count(group: G, pid: Pid): number {
    return this.index.get(group, pid)?.value ?? 0
  }

  #set(group: G, pid: Pid, count: number): void {
    if (count === 0) this.index.delete(group, pid)
    else this.index.set({ key: group, pid, value: count })
  }
}

/** The members of a group, oldest first, each as often as it has joined. */
export function membersOf<G extends Key>(index: EntryIndex<G, number>, group: G): Pid[] {
  return index.at(group).flatMap(({ pid, value }) => (value === 1 ? pid : new Array<Pid>(value).fill(pid)))
}
