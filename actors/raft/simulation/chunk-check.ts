// A snapshot's chunks as a replica keeps them: as they were sent, one behind the other, from the first to the last.

import { crc32c } from '../../../src/storage/crc32c.ts'
import type { Input } from '../core/input.ts'
import type { SnapshotDescription } from '../core/message.ts'
import type { ReplicaRecord } from './replica-record.ts'
import type { Violation } from './rules.ts'
import type { Judged } from './step-check.ts'

interface Kept {
  readonly snapshot: SnapshotDescription
  readonly bytes: number
}

export class ChunkCheck {
  readonly #kept = new Map<string, Kept>()

  /** What it has kept its disk knows, and tells when the next one is there. */
  started({ key }: ReplicaRecord): void {
    this.#kept.delete(key)
  }

  stepped({ key }: ReplicaRecord, { input, effects }: Judged): Violation | undefined {
    const known = this.#kept.get(key)
    if (input?.type === 'chunkStored' && known?.snapshot.last.index === input.last.index) {
      this.#kept.set(key, { snapshot: known.snapshot, bytes: input.nextOffset })
    } else if (input?.type === 'snapshotInstalled') this.#kept.delete(key)
    for (const effect of effects) {
      if (effect.type === 'storeChunk') {
        const { snapshot, offset, chunk } = effect
        const kept = this.#kept.get(key)
        const reached = kept !== undefined && isSame(kept.snapshot, snapshot) ? kept.bytes : 0
        if (offset !== reached) return broken(`${key} keeps a chunk at ${offset}, behind ${reached} bytes`)
        if (isDamaged(input)) return broken(`${key} keeps a damaged chunk`)
        this.#kept.set(key, { snapshot, bytes: offset + chunk.length })
      } else if (effect.type === 'installSnapshot') {
        const bytes = this.#kept.get(key)?.bytes ?? 0
        if (bytes < effect.snapshot.size) {
          return broken(`${key} installs a snapshot of ${effect.snapshot.size} bytes, and has kept ${bytes}`)
        }
      }
    }
    return undefined
  }
}

function isSame(a: SnapshotDescription, b: SnapshotDescription): boolean {
  return a.last.index === b.last.index && a.last.term === b.last.term && a.checksum === b.checksum
}

function isDamaged(input: Input | undefined): boolean {
  if (input?.type !== 'message' || input.message.kind !== 'snapshot') return false
  return crc32c(input.message.chunk) !== input.message.chunkChecksum
}

function broken(why: string): Violation {
  return { rule: 'snapshots', why }
}
