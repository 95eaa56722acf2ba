// Who is told, within the turn in which a process ends, so that what is registered for it is gone before anybody can
// hear of its death. For tables of the node itself (registries, groups, tables of data); processes use monitors.

import type { Pid } from './pid.ts'

export interface EndListener {
  /** The process has ended. Must not throw. */
  ended(pid: Pid): void
}

export class EndListeners {
  readonly #byId = new Map<number, Set<EndListener>>()

  add(pid: Pid, listener: EndListener): void {
    const known = this.#byId.get(pid.id)
    if (known === undefined) this.#byId.set(pid.id, new Set([listener]))
    else known.add(listener)
  }

  delete(pid: Pid, listener: EndListener): void {
    const known = this.#byId.get(pid.id)
    if (known?.delete(listener) && known.size === 0) this.#byId.delete(pid.id)
  }

  tell(pid: Pid): void {
    if (this.#byId.size === 0) return
    const known = this.#byId.get(pid.id)
    if (known === undefined) return
    this.#byId.delete(pid.id)
    for (const listener of known) listener.ended(pid)
  }
}
