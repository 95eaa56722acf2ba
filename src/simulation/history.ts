// What clients saw: every operation with its start and, if one came, its answer. The record a linearizability check
// judges. Nothing in here knows what the operations mean.

import { OptionError } from '../kernel/errors.ts'

/** One operation of one client. */
export interface Operation<Input, Output> {
  readonly client: string
  readonly input: Input
  /**
   * The instant it was called. Only the order of instants matters: one operation precedes another if it was answered
   * *before* (not at) the instant at which the other was called. A {@link HistoryRecorder} makes every instant distinct.
   */
  readonly called: number
  /** The instant and the content of the answer. Absent: *unknown*; it may have taken effect, at any time since, or not. */
  readonly answer?: { readonly at: number; readonly output: Output }
  /** Milliseconds of (virtual) time, for people; the check does not look. */
  readonly calledMs?: number
  readonly answeredMs?: number
}

/** Records a history in order of events, so that no two instants are equal. Holds at most `limit` operations. */
export class HistoryRecorder<Input, Output> {
  readonly #operations: Operation<Input, Output>[] = []
  readonly #limit: number
  #instant = 0

  /** `limit`: default 1 000 000 operations; one more throws an OptionError. */
  constructor(limit = 1_000_000) {
    this.#limit = limit
  }

  /** Records a call. The answer is the number to hand to {@link answer}. */
  call(client: string, input: Input, nowMs?: number): number {
    if (this.#operations.length >= this.#limit) {
      throw new OptionError('history', this.#limit + 1, `at most ${this.#limit} operations`)
    }
    const called = this.#instant++
    this.#operations.push(nowMs === undefined ? { client, input, called } : { client, input, called, calledMs: nowMs })
    return this.#operations.length - 1
  }

  /** Records the answer of call number `call`. Only the first one counts; an operation never answered is unknown. */
  answer(call: number, output: Output, nowMs?: number): void {
    const operation = this.#operations[call]
    if (operation === undefined) throw new OptionError('call', call, 'the number of a recorded call')
    if (operation.answer !== undefined) return
    const answer = { at: this.#instant++, output }
    // Field by field: V8 gives each spread copy to which fields are added a hidden class of its own.
    const { client, input, called, calledMs } = operation
    if (calledMs !== undefined && nowMs !== undefined) {
      this.#operations[call] = { client, input, called, calledMs, answer, answeredMs: nowMs }
    } else {
      this.#operations[call] = { ...operation, answer, ...(nowMs !== undefined && { answeredMs: nowMs }) }
    }
  }

  /** Call number `call` as it stands. */
  operation(call: number): Operation<Input, Output> | undefined {
    return this.#operations[call]
  }

  /** The history so far, in order of calls. */
  operations(): readonly Operation<Input, Output>[] {
    return [...this.#operations]
  }
}
