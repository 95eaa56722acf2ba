// Who is told of joins and leaves: of one group, or of all groups of a scope. A monitor ends with its process.

import type { EndListener } from '../kernel/end-listeners.ts'
import { ProcessError } from '../kernel/errors.ts'
import { type Key, mapKey } from '../kernel/key.ts'
import type { Node } from '../kernel/node.ts'
import type { Pid, Reference } from '../kernel/pid.ts'

/** A change of a group, as those who monitor it are told: pg's `{Ref, join | leave, Group, Pids}`. */
export class GroupEvent<G = Key> {
  /** What `monitor` or `monitorScope` answered. */
  readonly ref: Reference
  readonly kind: 'join' | 'leave'
  readonly group: G
  /** A process that came or went n times is in it n times. */
  readonly pids: readonly Pid[]

  constructor(ref: Reference, kind: 'join' | 'leave', group: G, pids: readonly Pid[]) {
    this.ref = ref
    this.kind = kind
    this.group = group
    this.pids = pids
  }
}

interface Monitor {
  readonly ref: Reference
  readonly watcher: Pid
  /** The map key of the group; undefined: all of them. */
  readonly group: string | number | undefined
}

export class GroupMonitors<G extends Key> implements EndListener {
  readonly #node: Node
  readonly #byRef = new Map<number, Monitor>()
  readonly #byGroup = new Map<string | number | undefined, Set<Monitor>>()
  readonly #byWatcher = new Map<number, Set<Monitor>>()

  constructor(node: Node) {
    this.#node = node
  }

  /** @throws ProcessError ERR_NOPROC if the watcher has ended or lives elsewhere. */
  add(watcher: Pid, group: G | undefined): Reference {
    const key = group === undefined ? undefined : mapKey(group)
    if (!this.#node.watchEnd(watcher, this)) {
      throw new ProcessError('noproc', `monitor of a group: ${watcher} is no living process of this node`)
    }
    const monitor = { ref: this.#node.reference(), watcher, group: key }
    this.#byRef.set(monitor.ref.id, monitor)
    addTo(this.#byGroup, key, monitor)
    addTo(this.#byWatcher, watcher.id, monitor)
    return monitor.ref
  }

  /** False if there is no such monitor. */
  delete(ref: Reference): boolean {
    const monitor = this.#byRef.get(ref.id)
    if (monitor === undefined) return false
    this.#remove(monitor)
    if (!this.#byWatcher.has(monitor.watcher.id)) this.#node.unwatchEnd(monitor.watcher, this)
    return true
  }

  tell(kind: GroupEvent['kind'], group: G, pids: readonly Pid[]): void {
    for (const key of [mapKey(group), undefined]) {
      for (const { ref, watcher } of this.#byGroup.get(key) ?? []) {
        this.#node.send(watcher, new GroupEvent(ref, kind, group, pids))
      }
    }
  }

  ended(watcher: Pid): void {
    for (const monitor of this.#byWatcher.get(watcher.id) ?? []) this.#remove(monitor)
  }

  #remove(monitor: Monitor): void {
    this.#byRef.delete(monitor.ref.id)
    deleteFrom(this.#byGroup, monitor.group, monitor)
    deleteFrom(this.#byWatcher, monitor.watcher.id, monitor)
  }
}

function addTo<A, B>(sets: Map<A, Set<B>>, at: A, value: B): void {
  const set = sets.get(at)
  if (set === undefined) sets.set(at, new Set([value]))
  else set.add(value)
}

function deleteFrom<A, B>(sets: Map<A, Set<B>>, at: A, value: B): void {
  const set = sets.get(at)
  if (set?.delete(value) && set.size === 0) sets.delete(at)
}
