// A start under way: who waits for its outcome, and in what form it is told. One object a start, gone with its outcome.

import { ExitError } from './exit-reason.ts'
import type { Process } from './process.ts'
import type { StartResult } from './self.ts'
import type { Timer } from './timers.ts'

export class StartOutcome {
  /** The process that waits; null: the world outside. */
  readonly starter: Process | null
  /** Ends the process if its start takes too long. */
  limit: Timer | null = null
  /** Whose start a failure is said to be; null: a failure is an answer like any other. */
  readonly #definition: string | null
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void

  constructor(
    starter: Process | null,
    definition: string | null,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.starter = starter
    this.#definition = definition
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Tells the starter, behind what is under way to it. */
  tell(result: StartResult): void {
    const { starter } = this
    if (starter === null || starter.hears) this.settle(result)
    else starter.resume(() => this.settle(result))
  }

  /** Tells whoever waits, at once. */
  settle(result: StartResult): void {
    if (this.#definition === null) return this.#resolve(result)
    if (result !== 'ignore' && 'ok' in result) return this.#resolve(result.ok)
    const reason = result === 'ignore' ? result : result.error
    this.#reject(new ExitError(reason, undefined, `start of ${this.#definition}`))
  }

  /** The start was not made, for it was wrong: `error` says how. */
  refuse(error: unknown): void {
    this.#reject(error)
  }
}
