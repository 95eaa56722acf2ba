// The hub on the main thread: knows which thread listens under which name, introduces threads to each other, and tells
// all when one has ended. After the introduction two threads talk directly; nothing of theirs passes here.

import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { shareCredits } from './credits.ts'
import type { FromHub, ToHub } from './messages.ts'

/** How the hub reaches a carrier. */
export type Tell = (message: FromHub, transfer: readonly MessagePort[]) => void

export class Hub {
  readonly #threads = new Map<number, Tell>()
  readonly #names = new Map<string, number>()
  #nextThread = 1

  /** Takes a carrier in. Answers the number by which it is known. */
  attach(tell: Tell): number {
    const thread = this.#nextThread++
    this.#threads.set(thread, tell)
    return thread
  }

  /** A thread has ended: its names are free, and everybody learns of it. */
  detach(thread: number, reason: string): void {
    this.#threads.delete(thread)
    for (const [name, holder] of this.#names) if (holder === thread) this.#names.delete(name)
    for (const tell of this.#threads.values()) tell({ kind: 'died', thread, reason }, [])
  }

  /** The names under which somebody listens. */
  names(): string[] {
    return [...this.#names.keys()]
  }

  heard(thread: number, message: ToHub): void {
    const { kind, name } = message
    switch (kind) {
      case 'listen':
        // The first holder of a name keeps it: two nodes of one name are a mistake of whoever named them.
        if (!this.#names.has(name)) this.#names.set(name, thread)
        return
      case 'unlisten':
        if (this.#names.get(name) === thread) this.#names.delete(name)
        return
      case 'dial':
        return this.#introduce(thread, message.id, name)
    }
  }

  #introduce(dialler: number, id: number, name: string): void {
    const listener = this.#names.get(name)
    const tellDialler = this.#threads.get(dialler)
    const tellListener = listener === undefined ? undefined : this.#threads.get(listener)
    if (listener === undefined || tellListener === undefined) {
      return tellDialler?.({ kind: 'refused', id, reason: `no node ${JSON.stringify(name)} listens` }, [])
    }
    const { port1, port2 } = new MessageChannel()
    const shared = shareCredits()
    tellListener({ kind: 'incoming', name, line: { port: port2, shared, side: 1, far: dialler } }, [port2])
    tellDialler?.({ kind: 'dialled', id, line: { port: port1, shared, side: 0, far: listener } }, [port1])
  }
}
