// What is asked of every step beside the logs: reads, leases, chunks of snapshots. Each check keeps its own notes.

import type { Configuration } from '../core/configuration.ts'
import type { Effect } from '../core/effect.ts'
import type { LogIndex } from '../core/entry.ts'
import type { Input } from '../core/input.ts'
import { ChunkCheck } from './chunk-check.ts'
import { PromiseCheck, type Surroundings } from './promise-check.ts'
import { QuorumCheck } from './quorum-check.ts'
import { ReadCheck } from './read-check.ts'
import type { ReplicaRecord } from './replica-record.ts'
import type { Violation } from './rules.ts'

/** A step, and what the checker knows of it. */
export interface Judged {
  readonly input: Input | undefined
  readonly effects: readonly Effect[]
  /** What was committed before it. */
  readonly committed: LogIndex
  /** What the replica's log has after it. */
  readonly configuration: Configuration | undefined
}

export class StepCheck {
  readonly #reads = new ReadCheck()
  readonly #chunks = new ChunkCheck()
  readonly #promises: PromiseCheck | undefined
  readonly #quorums: QuorumCheck | undefined

  /** Without `around`, whose clocks show what voters have promised leaders, leases are not judged. */
  constructor(around: Surroundings | undefined) {
    this.#promises = around && new PromiseCheck(around)
    this.#quorums = around && new QuorumCheck(around.termsOf)
  }

  started(record: ReplicaRecord): void {
    this.#reads.started(record)
    this.#chunks.started(record)
    this.#promises?.started(record)
  }

  stepped(record: ReplicaRecord, step: Judged): Violation | undefined {
    const violation = this.#reads.stepped(record, step) ?? this.#chunks.stepped(record, step)
    return this.#promises?.stepped(record, step) ?? violation ?? this.#quorums?.stepped(record, step)
  }

  leased(record: ReplicaRecord, configuration: Configuration | undefined): Violation | undefined {
    return configuration && this.#promises?.leased(record, configuration)
  }
}

/** A rule's name however it is spelt. */
export function plain(rule: string): string {
  return rule.toLowerCase().replace(/[^a-z]/g, '')
}
