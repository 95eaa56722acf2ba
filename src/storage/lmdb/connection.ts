// One thread's line to a storage thread: gathers what a turn asks for into one message, numbers the requests, settles the
// replies, and keeps the event loop alive only while a store is open or a request is under way.
//
// Invariant: the requests of one store leave in the order in which they were made.

import type { MessagePort } from 'node:worker_threads'
import { EspalierError } from '../../kernel/errors.ts'
import { StorageError } from '../errors.ts'
import { giveBack } from '../spare-buffers.ts'
import type { ScanRange } from '../store.ts'
import type { Failure, Reply, Request } from './messages.ts'
import { WriteGroup } from './write-group.ts'

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

/** Writes to a store that wait for the end of the turn. */
interface Gathering {
  readonly id: number
  readonly store: number
  readonly group: WriteGroup
}

const turnIsOver = Promise.resolve()

export class Connection {
  readonly #port: MessagePort
  readonly #waiting = new Map<number, Waiter | WriteGroup>()
  #outgoing: (Request | Gathering)[] = []
  /** Of each store, the writes that a further one may join: nothing else was asked of it since. */
  readonly #gathering = new Map<number, Gathering>()
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

  request(request: Exclude<WithoutId<Request>, { kind: 'write' }>): Promise<Answer> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead)
    const id = this.#enqueue()
    this.#gathering.delete(request.store)
    this.#outgoing.push({ ...request, id })
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
    })
  }

  /** Writes a batch together with what else this turn writes to the store; see {@link WriteGroup.add}. */
  write(store: number, batch: Uint8Array<ArrayBuffer>, ownsBuffer: boolean, settled: () => void): Promise<void> {
    if (this.#dead !== undefined) {
      settled()
      return Promise.reject(this.#dead)
    }
    let gathering = this.#gathering.get(store)
    if (gathering === undefined || gathering.group.isFull) {
      gathering = { id: this.#enqueue(), store, group: new WriteGroup() }
      this.#gathering.set(store, gathering)
      this.#outgoing.push(gathering)
      this.#waiting.set(gathering.id, gathering.group)
    }
    return gathering.group.add(batch, ownsBuffer, settled)
  }

  /** Keeps this thread's event loop alive until as many {@link release} calls follow. */
  hold(): void {
    if (this.#holds++ === 0) this.#port.ref()
  }

  release(): void {
    if (--this.#holds === 0) this.#port.unref()
  }

  #enqueue(): number {
    this.hold()
    if (this.#outgoing.length === 0) turnIsOver.then(this.#send)
    return this.#nextId++
  }

  readonly #send = (): void => {
    const requests: Request[] = []
    const transfers: ArrayBuffer[] = []
    for (const outgoing of this.#outgoing) {
      if ('kind' in outgoing) requests.push(outgoing)
      else {
        const bytes = outgoing.group.encode()
        requests.push({ kind: 'write', id: outgoing.id, store: outgoing.store, bytes })
        transfers.push(bytes.buffer)
      }
    }
    this.#outgoing = []
    this.#gathering.clear()
    this.#port.postMessage(requests, transfers)
  }

  #settle(reply: Reply): void {
    if (reply.spare !== undefined) giveBack(reply.spare)
    const waiter = this.#waiting.get(reply.id)
    if (waiter === undefined) return
    this.#waiting.delete(reply.id)
    this.release()
    if (waiter instanceof WriteGroup) {
      waiter.settle(new Map(reply.failures?.map(({ place, failure }) => [place, errorOf(failure)])))
    } else if (reply.failure === undefined) waiter.resolve({ bytes: reply.bytes, rest: reply.rest })
    else waiter.reject(errorOf(reply.failure))
  }

  #die(): void {
    this.#dead = new StorageError('ERR_STORAGE_THREAD', 'the storage thread has ended; restart the process')
    for (const waiter of this.#waiting.values()) {
      if (waiter instanceof WriteGroup) waiter.fail(this.#dead)
      else waiter.reject(this.#dead)
    }
    this.#waiting.clear()
  }
}

function errorOf({ code, message }: Failure): EspalierError {
  return code === 'ERR_OPTION' ? new EspalierError(code, message) : new StorageError(code, message)
}
