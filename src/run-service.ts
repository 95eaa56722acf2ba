// The end of a program that runs until it is told to end: signals become an ordered shutdown with a deadline. One place for
// what every service needs, so that none forgets the second signal, the step that hangs, or the handle that is left.

import { constants } from 'node:os'
import { OptionError } from './kernel/errors.ts'

/** Something to end, and how. */
export interface ServiceStep {
  /** For people: said of a step that fails or hangs. */
  readonly name: string
  /** Ends it; what it answers is waited for. */
  readonly stop: () => unknown
}

export interface ServiceOptions {
  /** What is ended, in this order, each once the one before has ended: first what lets work in, last what others need. */
  readonly stop: readonly ServiceStep[]
  /** How long the shutdown may take, in milliseconds. Default 10 000. */
  readonly deadlineMs?: number
  /** The signals that ask for it. Default `SIGTERM` and `SIGINT`. */
  readonly signals?: readonly NodeJS.Signals[]
  /** Hears of the shutdown. Must not throw. Default: what goes wrong is written to the standard error. */
  readonly onEvent?: (event: ServiceEvent) => void
}

/** What happens at the end of a service. */
export type ServiceEvent =
  /** `by`: the signal, or `stop` for {@link Service.stop}. */
  | { readonly kind: 'stopping'; readonly by: NodeJS.Signals | 'stop' }
  /** A step has failed: the next ones go on. */
  | { readonly kind: 'step_failed'; readonly step: string; readonly error: unknown }
  | { readonly kind: 'stopped' }
  /**
   * The process is ended here and now. `second_signal`: somebody is impatient. `deadline`: the step `step` has not ended, or,
   * if there is none, every step has, and what `resources` names keeps the process alive.
   */
  | {
      readonly kind: 'forced'
      readonly why: 'second_signal' | 'deadline'
      readonly step: string | undefined
      readonly resources: readonly string[]
    }

/** A service that runs. */
export interface Service {
  /** Shuts down as a signal would. Resolves once every step is over. Idempotent. */
  stop(): Promise<void>
  /** Resolves once every step is over, whoever asked for it. Never rejects. */
  readonly stopped: Promise<void>
}

const DEADLINE_MS = 10_000

/**
 * Ends this process in order when a signal asks for it, or `stop` is called: the steps one after another. Nothing of this
 * keeps the process alive: once all steps are over it ends by itself, with exit code 0, or 1 if a step has failed.
 *
 * It is ended by force, with 128 and the signal's number (143 for `stop`), by a second signal at once, and at the deadline,
 * whether a step hangs or something else keeps the process alive.
 *
 * @throws OptionError
 */
export function runService(options: ServiceOptions): Service {
  const { stop: steps, deadlineMs = DEADLINE_MS, signals = ['SIGTERM', 'SIGINT'], onEvent = tellErrors } = options
  if (!(deadlineMs > 0 && deadlineMs < 2 ** 31)) {
    throw new OptionError('deadlineMs', deadlineMs, 'milliseconds above 0 and below 2^31')
  }
  for (const [i, { name, stop }] of steps.entries()) {
    if (typeof name !== 'string') throw new OptionError(`stop[${i}].name`, name, 'a text')
    if (typeof stop !== 'function') throw new OptionError(`stop[${i}].stop`, stop, 'a function')
  }
  for (const signal of signals) {
    if (!(signal in constants.signals)) throw new OptionError('signals', signal, 'names of signals')
  }
  return new Running(steps, deadlineMs, signals, onEvent)
}

class Running implements Service {
  readonly stopped: Promise<void>
  readonly #steps: readonly ServiceStep[]
  readonly #deadlineMs: number
  readonly #signals: readonly NodeJS.Signals[]
  readonly #onEvent: (event: ServiceEvent) => void
  #by: NodeJS.Signals | 'stop' | undefined
  /** The step under way. */
  #step: string | undefined
  #tellStopped = (): void => {}

  constructor(
    steps: readonly ServiceStep[],
    deadlineMs: number,
    signals: readonly NodeJS.Signals[],
    onEvent: (event: ServiceEvent) => void,
  ) {
    this.#steps = steps
    this.#deadlineMs = deadlineMs
    this.#signals = signals
    this.#onEvent = onEvent
    this.stopped = new Promise((resolve) => {
      this.#tellStopped = resolve
    })
    for (const signal of signals) process.on(signal, this.#signalled)
  }

  stop(): Promise<void> {
    if (this.#by === undefined) void this.#shutDown('stop')
    return this.stopped
  }

  #signalled = (signal: NodeJS.Signals): void => {
    // What `stop` has begun, a first signal does not cut short.
    if (this.#by === undefined) void this.#shutDown(signal)
    else if (this.#by === 'stop') this.#by = signal
    else this.#force('second_signal')
  }

  async #shutDown(by: NodeJS.Signals | 'stop'): Promise<void> {
    this.#by = by
    this.#onEvent({ kind: 'stopping', by })
    // It keeps nothing alive: it strikes where something else does.
    setTimeout(() => this.#force('deadline'), this.#deadlineMs).unref()
    const alive = setInterval(() => {}, this.#deadlineMs)
    for (const { name, stop } of this.#steps) {
      this.#step = name
      try {
        await stop()
      } catch (error) {
        process.exitCode = 1
        this.#onEvent({ kind: 'step_failed', step: name, error })
      }
    }
    this.#step = undefined
    clearInterval(alive)
    this.#onEvent({ kind: 'stopped' })
    this.#tellStopped()
  }

  #force(why: 'second_signal' | 'deadline'): void {
    const resources = this.#step === undefined ? process.getActiveResourcesInfo() : []
    this.#onEvent({ kind: 'forced', why, step: this.#step, resources })
    const signal = this.#by === undefined || this.#by === 'stop' ? 'SIGTERM' : this.#by
    process.exit(128 + constants.signals[signal])
  }
}

function tellErrors(event: ServiceEvent): void {
  if (event.kind === 'step_failed') {
    const { error } = event
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.stderr.write(`stopping: ${event.step} failed: ${text}\n`)
  } else if (event.kind === 'forced') {
    const { why, step, resources } = event
    const what = step === undefined ? `still open: ${resources.join(', ')}` : `${step} has not ended`
    process.stderr.write(
      `stopping: ended by force (${why === 'deadline' ? 'the deadline' : 'a second signal'}): ${what}\n`,
    )
  }
}
