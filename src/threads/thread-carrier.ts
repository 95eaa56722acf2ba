// The carrier between the threads of a process, as one thread sees it. The hub introduces; each pair of threads then has
// a port of its own for each connection. Threads of one process trust each other: nothing here guards against malice.

import type { Carrier, Connection } from '../distribution/carrier.ts'
import { CarrierError } from '../distribution/errors.ts'
import type { NodePorts } from '../kernel/ports/index.ts'
import type { CarrierLimits, FromHub, LineEnd, ToHub } from './messages.ts'
import { PortConnection } from './port-connection.ts'

interface PendingDial {
  readonly resolve: (connection: Connection) => void
  readonly reject: (error: CarrierError) => void
}

/** Defaults: 4 MiB under way in each direction of a pair of threads, 64 MiB waiting. */
export const CARRIER_LIMITS: CarrierLimits = { windowBytes: 4 * 2 ** 20, maxQueuedBytes: 64 * 2 ** 20 }

/** The carrier between the threads of this process: made by `Threads`, and for each worker thread by its entry. */
export class ThreadCarrier implements Carrier {
  readonly #ports: Pick<NodePorts, 'clock' | 'turns'>
  readonly #limits: CarrierLimits
  readonly #tellHub: (message: ToHub) => void
  readonly #listeners = new Map<string, (connection: Connection) => void>()
  readonly #dials = new Map<number, PendingDial>()
  readonly #connections = new Set<PortConnection>()
  #nextDial = 1

  constructor(
    ports: Pick<NodePorts, 'clock' | 'turns'>,
    tellHub: (message: ToHub) => void,
    limits: CarrierLimits = CARRIER_LIMITS,
  ) {
    this.#ports = ports
    this.#tellHub = tellHub
    this.#limits = limits
  }

  listen(name: string, accept: (connection: Connection) => void): () => void {
    if (this.#listeners.has(name)) throw new CarrierError(`listen: there is a node ${JSON.stringify(name)}`)
    this.#listeners.set(name, accept)
    this.#tellHub({ kind: 'listen', name })
    return () => {
      if (this.#listeners.get(name) !== accept) return
      this.#listeners.delete(name)
      this.#tellHub({ kind: 'unlisten', name })
    }
  }

  dial(name: string): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const id = this.#nextDial++
      this.#dials.set(id, { resolve, reject })
      this.#tellHub({ kind: 'dial', id, name })
    })
  }

  /** How many connections are open. */
  get size(): number {
    return this.#connections.size
  }

  /** Takes a message of the hub. */
  heard(message: FromHub): void {
    switch (message.kind) {
      case 'dialled':
        return this.#take(message.id)?.resolve(this.#connection(message.line))
      case 'refused':
        return this.#take(message.id)?.reject(new CarrierError(`dial: ${message.reason}`))
      case 'incoming':
        return this.#incoming(message.name, this.#connection(message.line))
      case 'died':
        for (const connection of [...this.#connections]) {
          if (connection.far === message.thread) connection.died(message.reason)
        }
    }
  }

  #incoming(name: string, connection: PortConnection): void {
    // Not on the stack of a dial: both ends may live here.
    this.#ports.turns.soon(() => {
      const accept = this.#listeners.get(name)
      if (accept !== undefined) return accept(connection)
      connection.open({ received: () => {}, lost: () => {} })
      connection.close(`no node ${JSON.stringify(name)} listens`)
    })
  }

  #take(id: number): PendingDial | undefined {
    const dial = this.#dials.get(id)
    this.#dials.delete(id)
    return dial
  }

  #connection(line: LineEnd): PortConnection {
    const connection = new PortConnection(this.#ports, line, this.#limits, (over) => this.#connections.delete(over))
    this.#connections.add(connection)
    return connection
  }
}
