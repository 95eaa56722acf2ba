// One thread's line to a storage thread: numbers the requests, settles the replies, and keeps the event loop alive
// only while a store is open or a request is under way.

import type { MessagePort } from 'node:worker_threads'
import { EspalierError } from '../../kernel/errors.ts'
import { StorageError } from '../errors.ts'
import type { ScanRange } from '../store.ts'
import type { Reply, Request } from './messages.ts'

/** What a reply carries beside its id; see {@link Reply}. */
export interface Answer {
  readonly bytes: Uint8Array | undefined
  readonly rest: ScanRange | undefined
}

interface Waiter {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never

export class Connection {
  readonly #port: MessagePort
  readonly #waiting = new Map<number, Waiter>()
  #nextId = 1
  #nextStore = 1
  #holds = 0
  #dead: StorageError | undefined

  constructor(port: MessagePort) {
    this.#port = port
    port.on('message', (replies: readonly Reply[]) => {
      for (const reply of replies) this.#settle(reply)
    })
    port.on('close', () => this.#die())
    port.unref()
  }

  newStore(): number {
    return this.#nextStore++
  }

  request(request: WithoutId<Request>, transfers: readonly ArrayBuffer[] = []): Promise<Answer> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead)
    const id = this.#nextId++
    this.hold()
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#port.postMessage({ ...request, id }, transfers)
    })
  }

  /** Keeps this thread's event loop alive until as many {@link release} calls follow. */
  hold(): void {
    if (this.#holds++ === 0) this.#port.ref()
  }

  release(): void {
    if (--this.#holds === 0) this.#port.unref()
  }

  #settle(reply: Reply): void {
    const waiter = this.#waiting.get(reply.id)
    if (waiter === undefined) return
    this.#waiting.delete(reply.id)
    this.release()
    if (!('error' in reply)) waiter.resolve({ bytes: reply.bytes, rest: reply.rest })
    else if (reply.error.code === 'ERR_OPTION') waiter.reject(new EspalierError('ERR_OPTION', reply.error.message))
    else waiter.reject(new StorageError(reply.error.code, reply.error.message))
  }

  #die(): void {
    this.#dead = new StorageError('ERR_STORAGE_THREAD', 'the storage thread has ended; restart the process')
    for (const waiter of this.#waiting.values()) waiter.reject(this.#dead)
    this.#waiting.clear()
  }
}
