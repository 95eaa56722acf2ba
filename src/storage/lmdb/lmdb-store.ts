// LMDB behind the transactional port: a handle that talks to a storage thread.

import { realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { MessagePort } from 'node:worker_threads'
import { OptionError } from '../../kernel/errors.ts'
import { Admission } from '../admission.ts'
import { BatchReader, type WriteBatch } from '../batch.ts'
import { StorageError } from '../errors.ts'
import { checkKey, positive } from '../keys.ts'
import {
  checkScan,
  type QueueLimits,
  type ScanPage,
  type ScanRange,
  type StoredEntry,
  type TransactionalStore,
} from '../store.ts'
import { Connection } from './connection.ts'
import { connectStorage, maxStorageThreads } from './storage-thread.ts'

export interface LmdbOptions extends QueueLimits {
  /** Folder of the environment; made if missing. */
  readonly path: string
  /** Reads beside whoever writes, takes no ownership and makes nothing. Default false. */
  readonly readOnly?: boolean
  /**
   * Bound of the pages that hold data; a batch that would exceed it fails with ERR_STORAGE_MAP_FULL. The file may be
   * larger by the pages that wait to be used again. Default 16 GiB.
   */
  readonly maxBytes?: number
  /**
   * How long to wait for a folder that another handle holds, in milliseconds: a thread that has died gives its folder
   * back within a few. Default 0: an open that finds it held fails at once.
   */
  readonly lockTimeoutMs?: number
  /** On a worker thread: the port that the main thread made with `connectStorage`. */
  readonly connection?: MessagePort
  /** @internal The planted bug of `crash --break ack-at-put`. */
  readonly acknowledgeAtPut?: boolean
}

const connections = new WeakMap<MessagePort, Connection>()
/** This thread's own, each to another storage thread. */
const ownConnections: Connection[] = []
let ownStores = 0

/**
 * Opens an LMDB environment through a storage thread of the process's, which runs compiled JavaScript: import this from the
 * built package. One handle at a time holds an environment; several logs and key-value stores share the handle, and
 * with it each flush. A file that was damaged from outside can end the process by a signal: look at untrusted files
 * in a child process.
 * @throws OptionError for a wrong option; StorageError, as a rejection, with ERR_STORAGE_LOCKED if another live
 *   process or another handle of this one holds the folder for longer than `lockTimeoutMs`, and the other codes as their names say.
 */
export async function openLmdb(options: LmdbOptions): Promise<TransactionalStore> {
  if (typeof options.path !== 'string' || options.path === '') {
    throw new OptionError('path', options.path, 'the path of a folder')
  }
  const { lockTimeoutMs = 0 } = options
  if (!(lockTimeoutMs >= 0)) throw new OptionError('lockTimeoutMs', lockTimeoutMs, 'milliseconds of at least 0')
  const admission = new Admission(options)
  const path = canonicalPath(options.path)
  const connection = connectionFor(options.connection)
  const store = connection.newStore()
  await connection.request({
    kind: 'open',
    store,
    options: {
      path,
      readOnly: options.readOnly ?? false,
      maxBytes: positive('maxBytes', options.maxBytes ?? 16 * 1024 ** 3),
      lockTimeoutMs,
      acknowledgeAtPut: options.acknowledgeAtPut ?? false,
    },
  })
  return new LmdbStore(connection, store, path, admission)
}

class LmdbStore implements TransactionalStore {
  readonly #connection: Connection
  readonly #store: number
  readonly #path: string
  readonly #admission: Admission
  #closed: Promise<void> | undefined

  constructor(connection: Connection, store: number, path: string, admission: Admission) {
    this.#connection = connection
    this.#store = store
    this.#path = path
    this.#admission = admission
    connection.hold()
  }

  write(batch: WriteBatch): Promise<void> {
    try {
      this.#checkOpen()
      const size = batch.byteLength
      const bytes = this.#admission.enter(batch)
      return this.#connection.write(this.#store, bytes, batch.ownsBuffer, () => this.#admission.leave(size))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    checkKey('key', key)
    this.#checkOpen()
    return (await this.#connection.request({ kind: 'get', store: this.#store, key: key.slice() })).bytes
  }

  async scan(range: ScanRange): Promise<ScanPage> {
    checkScan(range)
    this.#checkOpen()
    const plain = { ...range, from: range.from.slice(), to: range.to.slice() }
    const { bytes, rest } = await this.#connection.request({ kind: 'scan', store: this.#store, range: plain })
    const entries: StoredEntry[] = []
    const page = new BatchReader(bytes ?? new Uint8Array())
    while (page.next()) entries.push({ key: page.key, value: page.value })
    return { entries, rest }
  }

  close(): Promise<void> {
    this.#closed ??= this.#connection.request({ kind: 'close', store: this.#store }).then(
      () => this.#connection.release(),
      () => this.#connection.release(),
    )
    return this.#closed
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new StorageError('ERR_STORAGE_CLOSED', `${this.#path} is closed`)
  }
}

function connectionFor(port: MessagePort | undefined): Connection {
  if (port === undefined) {
    const at = ownStores % maxStorageThreads
    ownStores += 1
    const own = ownConnections[at] ?? new Connection(connectStorage())
    ownConnections[at] = own
    return own
  }
  const known = connections.get(port)
  if (known !== undefined) return known
  const connection = new Connection(port)
  connections.set(port, connection)
  return connection
}

/** Absolute, and without symbolic links as far as the path exists: two spellings of a folder are one environment. */
function canonicalPath(path: string): string {
  const absolute = resolve(path)
  try {
    return realpathSync(absolute)
  } catch {
    const parent = dirname(absolute)
    return parent === absolute ? absolute : join(canonicalPath(parent), basename(absolute))
  }
}
