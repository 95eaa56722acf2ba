// A snapshot being taken: its parts are gathered into chunks and written, a slice at a time, with a bounded number of
// chunks on their way to the disk.

import { crc32c } from '../../src/storage/crc32c.ts'
import type { AppliedState } from './applied-state.ts'
import type { Configuration } from './core/configuration.ts'
import type { LogPosition } from './core/entry.ts'
import type { SnapshotDescription } from './core/message.ts'
import type { ReplicaStorage, SnapshotWriter } from './replica-storage.ts'

/** Chunks on their way to the disk. */
const MOST_UNDER_WAY = 4

export interface SnapshotJobOptions {
  readonly storage: ReplicaStorage
  /** What is to be kept, as of now. */
  readonly applied: AppliedState
  readonly configuration: Configuration
  readonly chunkBytes: number
  readonly sliceMs: number
  readonly now: () => number
  /** Asks for the next slice. */
  readonly again: () => void
  /** A write has ended, with an error or none. */
  readonly written: (error: unknown) => void
}

export class SnapshotJob {
  readonly #options: SnapshotJobOptions
  readonly #writer: SnapshotWriter
  readonly #parts: Iterator<Uint8Array, unknown, void>
  readonly #last: LogPosition
  #chunk: Uint8Array[] = []
  #chunkBytes = 0
  #size = 0
  #checksum = 0
  #underWay = 0
  #isRead = false
  #description: SnapshotDescription | undefined

  constructor(options: SnapshotJobOptions) {
    this.#options = options
    this.#writer = options.storage.newSnapshot()
    this.#parts = options.applied.snapshot()
    this.#last = options.applied.last
  }

  /** Goes on until time is over, the disk has enough to do, or all parts are on their way. */
  slice(): void {
    const { now, sliceMs, chunkBytes, again } = this.#options
    const beganMs = now()
    while (!this.#isRead && this.#underWay < MOST_UNDER_WAY) {
      const part = this.#parts.next()
      if (part.done === true) {
        this.#isRead = true
        if (this.#chunkBytes > 0) this.#write()
        return
      }
      this.#chunk.push(part.value)
      this.#chunkBytes += part.value.length
      if (this.#chunkBytes < chunkBytes) continue
      this.#write()
      if (now() - beganMs >= sliceMs) return again()
    }
  }

  /** A write has succeeded. Answers the description once the snapshot is in force. */
  wrote(): SnapshotDescription | undefined {
    if (this.#description !== undefined) return this.#description
    this.#underWay -= 1
    if (!this.#isRead) this.slice()
    else if (this.#underWay === 0) this.#finish()
    return undefined
  }

  #write(): void {
    const bytes = this.#chunk.length === 1 ? (this.#chunk[0] ?? new Uint8Array()) : Buffer.concat(this.#chunk)
    this.#chunk = []
    this.#chunkBytes = 0
    this.#size += bytes.length
    this.#checksum = crc32c(bytes, this.#checksum)
    this.#underWay += 1
    this.#settle(this.#writer.write(bytes))
  }

  #finish(): void {
    const { applied, configuration } = this.#options
    this.#description = {
      last: this.#last,
      configuration,
      size: this.#size,
      checksum: this.#checksum,
      machine: applied.machine.name,
      version: applied.machine.version,
    }
    this.#settle(this.#writer.finish(this.#description))
  }

  #settle(write: Promise<void>): void {
    write.then(
      () => this.#options.written(undefined),
      (error: unknown) => this.#options.written(error),
    )
  }
}
