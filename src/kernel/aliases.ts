// Aliases: temporary addresses of processes, which end before their process does (EEP 53).

import type { Reference } from './pid.ts'
import type { Process } from './process.ts'

/** How an alias ends: `reply` and `reply_demonitor` with the first message, `demonitor` with its monitor. */
export type AliasMode = 'explicit_unalias' | 'demonitor' | 'reply_demonitor' | 'reply'

interface Entry {
  readonly owner: Process
  readonly mode: AliasMode
}

export class Aliases {
  readonly #entries = new Map<number, Entry>()
  readonly #byOwner = new Map<Process, Set<number>>()

  add(ref: Reference, owner: Process, mode: AliasMode): void {
    this.#entries.set(ref.id, { owner, mode })
    const own = this.#byOwner.get(owner)
    if (own === undefined) this.#byOwner.set(owner, new Set([ref.id]))
    else own.add(ref.id)
  }

  owner(ref: Reference): Process | undefined {
    return this.#entries.get(ref.id)?.owner
  }

  /** A message to an alias has reached its owner: may it in? One of the reply modes thereby ends the alias. */
  accepts(ref: Reference, owner: Process): boolean {
    const entry = this.#entries.get(ref.id)
    if (entry === undefined || entry.owner !== owner) return false
    if (entry.mode === 'reply' || entry.mode === 'reply_demonitor') this.drop(ref)
    if (entry.mode === 'reply_demonitor') {
      const to = owner.monitorTable?.get(ref.id)?.pid
      owner.monitorTable?.delete(ref.id)
      if (to !== undefined) owner.node.post(to, { kind: 'demonitor', to, from: owner.pid, ref })
    }
    return true
  }

  /** False if there was none, or it belongs to another than `owner`. */
  drop(ref: Reference, owner?: Process): boolean {
    const entry = this.#entries.get(ref.id)
    if (entry === undefined || (owner !== undefined && entry.owner !== owner)) return false
    this.#entries.delete(ref.id)
    const own = this.#byOwner.get(entry.owner)
    own?.delete(ref.id)
    if (own?.size === 0) this.#byOwner.delete(entry.owner)
    return true
  }

  dropAll(owner: Process): void {
    if (this.#byOwner.size === 0) return
    for (const id of this.#byOwner.get(owner) ?? []) this.#entries.delete(id)
    this.#byOwner.delete(owner)
  }
}
