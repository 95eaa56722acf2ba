// The promises of a client's operations: handed to the session process together, one message for all that a turn has
// submitted, and settled by the outcomes that it tells.
//
// Invariant: every promise is settled, and never rejected: by its outcome, or by the end of the session's process.

import type { Ref } from '../../src/kernel/ref.ts'
import type { ClientSessionProtocol, OperationOutcome, Submission, TaggedSubmission } from './client-protocol.ts'

/** The session's process has ended: `cause` is how. Nobody knows what became of what was under way. */
export interface Closed {
  readonly type: 'closed'
  readonly cause: unknown
}

type Settle = (outcome: OperationOutcome | Closed) => void

const FOR_EVER = { timeoutMs: Number.POSITIVE_INFINITY }

export class PendingOperations {
  readonly #pending = new Map<number, Settle>()
  #session: Ref<ClientSessionProtocol> | undefined
  #outbox: TaggedSubmission[] = []
  #nextTag = 1
  #closed: Closed | undefined

  /** The process that operations are handed to. */
  begin(session: Ref<ClientSessionProtocol>): void {
    this.#session = session
    session.call('ended', undefined, FOR_EVER).catch((cause: unknown) => this.#close({ type: 'closed', cause }))
  }

  submit({ operation, to, deadlineMs }: Submission): Promise<OperationOutcome | Closed> {
    return new Promise((resolve) => {
      if (this.#closed !== undefined) return resolve(this.#closed)
      const tag = this.#nextTag++
      this.#pending.set(tag, resolve)
      this.#outbox.push({ operation, to, deadlineMs, tag })
      // Behind all that is about to submit too.
      if (this.#outbox.length === 1) Promise.resolve().then(() => this.#handOver())
    })
  }

  settle(tag: number, outcome: OperationOutcome): void {
    const settle = this.#pending.get(tag)
    this.#pending.delete(tag)
    settle?.(outcome)
  }

  #handOver(): void {
    const submissions = this.#outbox
    this.#outbox = []
    this.#session?.cast('submitAll', submissions)
  }

  #close(closed: Closed): void {
    this.#closed = closed
    for (const settle of this.#pending.values()) settle(closed)
    this.#pending.clear()
  }
}
