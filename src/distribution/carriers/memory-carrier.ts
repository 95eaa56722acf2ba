// A carrier within one thread: frames are handed over in later turns. For tests, and for several nodes of one thread.
// It copies no bytes: frames belong to whoever they were handed to.

import type { Turns } from '../../kernel/ports/index.ts'
import type { Carrier, Connection, ConnectionListener } from '../carrier.ts'
import { CarrierError } from '../errors.ts'

export class MemoryCarrier implements Carrier {
  readonly #turns: Turns
  readonly #listeners = new Map<string, (connection: Connection) => void>()
  readonly #ends = new Set<MemoryConnection>()

  constructor(turns: Turns) {
    this.#turns = turns
  }

  listen(name: string, accept: (connection: Connection) => void): () => void {
    if (this.#listeners.has(name)) throw new CarrierError(`listen: there is a node ${JSON.stringify(name)}`)
    this.#listeners.set(name, accept)
    return () => {
      if (this.#listeners.get(name) === accept) this.#listeners.delete(name)
    }
  }

  dial(name: string): Promise<Connection> {
    return new Promise((resolve, reject) => {
      this.#turns.soon(() => {
        const accept = this.#listeners.get(name)
        if (accept === undefined) return reject(new CarrierError(`dial: no node ${JSON.stringify(name)} listens`))
        const ours = new MemoryConnection(this.#turns)
        const theirs = new MemoryConnection(this.#turns)
        ours.peer = theirs
        theirs.peer = ours
        this.#track(ours)
        this.#track(theirs)
        resolve(ours)
        accept(theirs)
      })
    })
  }

  /** Breaks every connection, as a fault of the medium would: frames under way are lost. */
  sever(reason = 'severed'): void {
    for (const end of [...this.#ends]) end.sever(reason)
  }

  #track(end: MemoryConnection): void {
    this.#ends.add(end)
    end.whenLost = () => this.#ends.delete(end)
  }
}

type Event = { readonly frame: Uint8Array } | { readonly lost: string }

class MemoryConnection implements Connection {
  peer: MemoryConnection | null = null
  whenLost: (() => void) | null = null
  readonly #turns: Turns
  #listener: ConnectionListener | null = null
  /** What has been sent here and not been told. */
  #events: Event[] = []
  #scheduled = false
  /** Nothing may be sent any more, nor added to `#events`. */
  #closed = false

  constructor(turns: Turns) {
    this.#turns = turns
  }

  open(listener: ConnectionListener): void {
    this.#listener = listener
    this.#schedule()
  }

  send(frame: Uint8Array): void {
    if (!this.#closed) this.peer?.take({ frame })
  }

  close(reason: string): void {
    if (this.#closed) return
    this.peer?.take({ lost: reason })
    this.take({ lost: reason })
  }

  sever(reason: string): void {
    if (!this.#closed) this.#events = []
    this.take({ lost: reason })
  }

  take(event: Event): void {
    if (this.#closed) return
    if ('lost' in event) this.#closed = true
    this.#events.push(event)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || this.#listener === null || this.#events.length === 0) return
    this.#scheduled = true
    this.#turns.soon(this.#tell)
  }

  #tell = (): void => {
    this.#scheduled = false
    const events = this.#events
    this.#events = []
    for (const event of events) {
      if ('frame' in event) this.#listener?.received(event.frame)
      else {
        this.whenLost?.()
        this.#listener?.lost(event.lost)
      }
    }
  }
}
