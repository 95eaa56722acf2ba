// One object for each pid that a node knows: link sets compare by identity. The own pids are the process table's; those
// of other nodes are kept here, in two generations: what nobody has met for a while is forgotten, unless a process is
// linked to it.

import type { Node } from '../kernel/node.ts'
import type { Pid, Reference } from '../kernel/pid.ts'
import { ProcessRef } from '../kernel/process-ref.ts'

/** Remote pids in the young generation before it becomes the old one. */
const GENERATION = 16_384

export class KnownPids {
  readonly #node: Node
  readonly #generation: number
  #young = new Map<string, Pid>()
  #old = new Map<string, Pid>()
  /** How often the young have become old: what was looked up before may be known no longer. */
  aged = 0

  constructor(node: Node, generation = GENERATION) {
    this.#node = node
    this.#generation = generation
  }

  /** The pid of these parts. */
  pid(nodeName: string, creation: number, id: number): Pid {
    const node = this.#node
    if (nodeName === node.name && creation === node.creation) {
      return node.processRef(id) ?? new ProcessRef(node, nodeName, creation, id)
    }
    const key = `${nodeName} ${creation} ${id}`
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const pid = this.#old.get(key) ?? new ProcessRef(node, nodeName, creation, id)
    this.#add(key, pid)
    return pid
  }

  /** The address of a name on a node. */
  at(nodeName: string, name: string): Pid {
    return this.#node.at(nodeName, name)
  }

  /** Makes `pid`, to which a process is about to be linked, the one object that is known for it. */
  adopt(pid: Pid): void {
    const key = `${pid.nodeName} ${pid.creation} ${pid.id}`
    if (this.#young.get(key) !== pid) this.#add(key, pid)
  }

  /** How many pids of other nodes are kept. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  #add(key: string, pid: Pid): void {
    if (this.#young.size >= this.#generation) this.#age()
    this.#young.set(key, pid)
  }

  #age(): void {
    this.aged++
    this.#old = this.#young
    this.#young = new Map()
    for (const own of this.#node.processes()) {
      if (!(own instanceof ProcessRef)) continue
      for (const pid of own.process?.linkSet?.list() ?? []) {
        if (!this.#node.isLocal(pid)) this.#young.set(`${pid.nodeName} ${pid.creation} ${pid.id}`, pid)
      }
    }
  }
}

/** A reference as a key. */
export function referenceKey({ nodeName, creation, id }: Reference): string {
  return `${nodeName} ${creation} ${id}`
}
