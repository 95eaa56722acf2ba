// A carrier on a worker thread, as a test on the main thread drives it: every act and every event is a message.

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { Carrier, Connection, ConnectionListener } from '../../src/distribution/carrier.ts'
import { CarrierError } from '../../src/distribution/errors.ts'
import type { CarrierLimits } from '../../src/threads/messages.ts'
import { until } from '../kernel/until.ts'
import { compiledUrl, workerModule } from './compiled.ts'

const { Hub }: typeof import('../../src/threads/hub.ts') = await import(compiledUrl('threads/hub.js'))
const { ThreadCarrier }: typeof import('../../src/threads/thread-carrier.ts') = await import(
  compiledUrl('threads/thread-carrier.js')
)
const { createSystemPorts }: typeof import('../../src/system/index.ts') = await import(compiledUrl('system/index.js'))

export type TestHub = InstanceType<typeof Hub>
export const newHub = (): TestHub => new Hub()

/** The carrier of this thread, at `hub`. */
export function nearCarrier(hub: TestHub, limits?: CarrierLimits): Carrier & { readonly size: number } {
  const number: number = hub.attach((message) => carrier.heard(message))
  const carrier = new ThreadCarrier(createSystemPorts(), (message) => hub.heard(number, message), limits)
  return carrier
}

interface Event {
  readonly kind: 'done' | 'accepted' | 'received' | 'lost'
  readonly id: number
  readonly name: string
  readonly connection: number
  readonly frame: Uint8Array
  readonly reason: string
  readonly error?: { readonly message: string }
}

export class FarCarrier implements Carrier {
  readonly #worker: Worker
  readonly #hub: TestHub
  readonly #number: number
  readonly #commands: MessagePort
  readonly #asked = new Map<number, (event: Event) => void>()
  readonly #listeners = new Map<string, (connection: Connection) => void>()
  readonly #connections = new Map<number, FarConnection>()
  #nextId = 1

  constructor(hub: TestHub, limits?: CarrierLimits) {
    const control = new MessageChannel()
    const commands = new MessageChannel()
    this.#hub = hub
    this.#number = hub.attach((message, transfer) => control.port1.postMessage(message, transfer))
    control.port1.on('message', (message) => hub.heard(this.#number, message))
    this.#commands = commands.port1
    this.#commands.on('message', (event: Event) => this.#heard(event))
    const urls = { carrier: compiledUrl('threads/thread-carrier.js'), system: compiledUrl('system/index.js') }
    this.#worker = new Worker(new URL(workerModule('carrier.mjs')), {
      workerData: { urls, control: control.port2, commands: commands.port2, limits },
      transferList: [control.port2, commands.port2],
      execArgv: [],
    })
  }

  listen(name: string, accept: (connection: Connection) => void): () => void {
    if (this.#listeners.has(name)) throw new CarrierError('listen: taken')
    this.#listeners.set(name, accept)
    void this.ask({ kind: 'listen', name })
    return () => {
      this.#listeners.delete(name)
      void this.ask({ kind: 'unlisten', name })
    }
  }

  async dial(name: string): Promise<Connection> {
    const { connection, error } = await this.ask({ kind: 'dial', name })
    if (error !== undefined) throw new CarrierError(error.message)
    return this.#connection(connection)
  }

  /** Resolves once the other thread has done it. */
  ask(command: object): Promise<Event> {
    return new Promise((resolve) => {
      const id = this.#nextId++
      this.#asked.set(id, resolve)
      this.#commands.postMessage({ ...command, id })
    })
  }

  /** Resolves once all that was asked so far is done. */
  async settled(): Promise<void> {
    await this.ask({ kind: 'nothing' })
  }

  /** Has the thread stand still; resolves once it does. The returned function lets it go. */
  async freeze(): Promise<() => void> {
    const words = new Int32Array(new SharedArrayBuffer(8))
    void this.ask({ kind: 'freeze', words })
    await until(() => Atomics.load(words, 0) === 1)
    return () => void Atomics.store(words, 1, 1)
  }

  /** Ends the thread, and tells the hub as its keeper would. */
  async end(reason = 'ended'): Promise<void> {
    await this.#worker.terminate()
    this.#hub.detach(this.#number, reason)
  }

  #heard(event: Event): void {
    if (event.kind === 'done') this.#asked.get(event.id)?.(event)
    else if (event.kind === 'accepted') this.#listeners.get(event.name)?.(this.#connection(event.connection))
    else this.#connections.get(event.connection)?.heard(event)
  }

  #connection(id: number): FarConnection {
    const connection = new FarConnection((command) => this.#commands.postMessage({ ...command, connection: id }))
    this.#connections.set(id, connection)
    return connection
  }
}

class FarConnection implements Connection {
  readonly #command: (command: object) => void
  #listener: ConnectionListener | undefined

  constructor(command: (command: object) => void) {
    this.#command = command
  }

  open(listener: ConnectionListener): void {
    this.#listener = listener
    this.#command({ kind: 'open' })
  }

  send(frame: Uint8Array): void {
    this.#command({ kind: 'send', frame })
  }

  close(reason: string): void {
    this.#command({ kind: 'close', reason })
  }

  heard(event: Event): void {
    if (event.kind === 'received') this.#listener?.received(event.frame)
    else this.#listener?.lost(event.reason)
  }
}
