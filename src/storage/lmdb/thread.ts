// A storage thread's entry: owns the LMDB environments that were opened on it and is never terminated while one is open.
// It talks to connections (message ports), one for each thread that stores something.
//
// Invariants: requests of one store take effect in the order of their arrival; all batches that arrive while a commit
// is under way join the next one; a batch is acknowledged only after the commit that holds it has returned.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { OptionError } from '../../kernel/errors.ts'
import { batchesIn } from '../batch.ts'
import { StorageError } from '../errors.ts'
import { leastSpareBytes } from '../spare-buffers.ts'
import { Environment } from './environment.ts'
import { ExitGate } from './exit-gate.ts'
import { storageErrorOf } from './failures.ts'
import { beatEveryMs, type Failure, type Reply, type Request } from './messages.ts'

/** How often an open that waits for a folder looks again, in milliseconds. */
const lookAgainMs = 5
/** Bytes of batches that share one transaction; more would make the first wait for the last. */
const maxGroupBytes = 16 * 1024 * 1024

interface OpenStore {
  readonly path: string
  readonly environment: Environment
  readonly connection: Connection
  queue: Exclude<Request, { kind: 'open' }>[]
}

/** The environments on this thread by folder, whoever opened them. */
const openStores = new Map<string, OpenStore>()
let turnScheduled = false
const shared = workerData as { readonly gate: SharedArrayBuffer; readonly heartbeat: SharedArrayBuffer }
const gate = new ExitGate(shared.gate)
const now = (): number => performance.now()
const beats = new Int32Array(shared.heartbeat)
setInterval(() => Atomics.add(beats, 0, 1), beatEveryMs).unref()

class Connection {
  readonly #port: MessagePort
  readonly #stores = new Map<number, OpenStore>()
  #replies: Reply[] = []
  #transfers: ArrayBuffer[] = []
  #isClosed = false

  constructor(port: MessagePort) {
    this.#port = port
    port.on('message', (requests: readonly Request[]) => {
      for (const request of requests) this.#receive(request)
    })
    // The thread behind this connection has ended, in whatever way: what it held is free for its successor.
    port.on('close', () => {
      this.#isClosed = true
      gate.pass(() => {
        for (const [id, store] of this.#stores) {
          run(store)
          this.release(id)
        }
      })
    })
  }

  reply(reply: Reply): void {
    this.#replies.push(reply)
    if (reply.bytes !== undefined) this.#transfers.push(reply.bytes.buffer)
    if (reply.spare !== undefined) this.#transfers.push(reply.spare)
  }

  fail(id: number, error: unknown, path: string): void {
    this.reply({ id, failure: failureOf(error, path) })
  }

  flush(): void {
    if (this.#replies.length === 0) return
    this.#port.postMessage(this.#replies, this.#transfers)
    this.#replies = []
    this.#transfers = []
  }

  release(id: number): void {
    const store = this.#stores.get(id)
    if (store === undefined) return
    this.#stores.delete(id)
    openStores.delete(store.path)
    store.environment.close()
  }

  #receive(request: Request): void {
    if (request.kind === 'open') return this.#open(request, now())
    const store = this.#stores.get(request.store)
    if (store === undefined) {
      this.fail(request.id, new StorageError('ERR_STORAGE_CLOSED', 'the store is closed'), '')
      this.flush()
      return
    }
    store.queue.push(request)
    scheduleTurn()
  }

  /** Opens an environment; one that another handle holds is waited for as long as the request says. */
  #open(request: Extract<Request, { kind: 'open' }>, sinceMs: number): void {
    if (this.#isClosed) return
    const { path, lockTimeoutMs } = request.options
    try {
      gate.pass(() => this.#take(request))
      this.reply({ id: request.id })
    } catch (error) {
      const isLocked = error instanceof StorageError && error.code === 'ERR_STORAGE_LOCKED'
      if (isLocked && now() - sinceMs < lockTimeoutMs) {
        setTimeout(() => this.#open(request, sinceMs), lookAgainMs)
        return
      }
      this.fail(request.id, error, path)
    }
    this.flush()
  }

  #take({ store: id, options }: Extract<Request, { kind: 'open' }>): void {
    const { path } = options
    if (openStores.has(path)) throw new StorageError('ERR_STORAGE_LOCKED', `${path} is already open in this process`)
    const store = { path, environment: new Environment(options, now), connection: this, queue: [] }
    openStores.set(path, store)
    this.#stores.set(id, store)
  }
}

function failureOf(error: unknown, path: string): Failure {
  const failure = error instanceof OptionError ? error : storageErrorOf(error, path)
  return { code: failure instanceof StorageError ? failure.code : 'ERR_OPTION', message: failure.message }
}

/** One turn of the event loop has gathered all that arrived during the last commit. */
function scheduleTurn(): void {
  if (turnScheduled) return
  turnScheduled = true
  setImmediate(() => {
    turnScheduled = false
    gate.pass(() => {
      for (const store of openStores.values()) run(store)
    })
    for (const store of openStores.values()) if (store.queue.length > 0) scheduleTurn()
  })
}

/** Serves the head of a store's queue: its batches in one transaction, then its reads, then its close. */
function run(store: OpenStore): void {
  if (store.queue.length === 0) return
  let bytes = 0
  let count = 0
  for (const request of store.queue) {
    if (request.kind === 'write') bytes += request.bytes.length
    if (count > 0 && bytes > maxGroupBytes) break
    count += 1
  }
  const group = store.queue.splice(0, count)
  write(store, group)
  for (const request of group) serve(store, request)
  store.connection.flush()
  store.environment.flushLate()
}

function write(store: OpenStore, group: OpenStore['queue']): void {
  const writes = group.filter((request) => request.kind === 'write')
  if (writes.length === 0) return
  const groups = writes.map(({ bytes }) => batchesIn(bytes))
  const outcomes = store.environment.commit(groups.flat())
  let from = 0
  for (const [at, { id, bytes }] of writes.entries()) {
    const count = groups[at]?.length ?? 0
    const failures = outcomes.slice(from, from + count).flatMap((error, place) => {
      return error === undefined ? [] : [{ place, failure: failureOf(error, store.path) }]
    })
    from += count
    const { buffer } = bytes
    const spare = buffer.byteLength < leastSpareBytes ? {} : { spare: buffer }
    store.connection.reply(failures.length > 0 ? { id, failures, ...spare } : { id, ...spare })
  }
}

function serve(store: OpenStore, request: OpenStore['queue'][number]): void {
  if (request.kind === 'write') return
  try {
    if (request.kind === 'get') {
      store.connection.reply({ id: request.id, bytes: store.environment.get(request.key) })
    } else if (request.kind === 'scan') {
      store.connection.reply({ id: request.id, ...store.environment.scan(request.range) })
    } else {
      store.connection.release(request.store)
      store.connection.reply({ id: request.id })
    }
  } catch (error) {
    store.connection.fail(request.id, error, store.path)
  }
}

parentPort?.on('message', (port: MessagePort) => new Connection(port))
