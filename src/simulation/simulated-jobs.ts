// What a simulated node has under way outside its own code: child processes, modules being loaded, offloaded work. Each job ends at an
// instant the seed decides, as an event of its node; a power cut ends them all, and nobody hears of it.

import { OptionError } from '../kernel/errors.ts'
import type { Alarm } from '../kernel/ports/index.ts'
import type { SeededRandom } from './random.ts'
import { microseconds, type VirtualTime } from './virtual-time.ts'
import type { EventKind } from './world-trace.ts'

/** Milliseconds: so many, or uniform between two. Infinity: it does not end by itself. */
export type Span = number | readonly [least: number, most: number]

/** What a job has to do with the node it belongs to. */
export interface JobHost {
  readonly time: VirtualTime
  readonly random: SeededRandom
  /** Something happened that nobody waits for: a line in the trace. */
  noted(kind: EventKind, who: string, what: string, payload: unknown): void
  /** A job is done: writes it down and calls `act` when the node runs; never, if it is down. */
  completed(kind: EventKind, who: string, what: string, payload: unknown, act: () => void): void
  /** The scenario itself is wrong: the run fails. */
  broken(who: string, error: unknown): void
}

/** The jobs of one kind on one node. */
export class SimulatedJobs {
  readonly host: JobHost
  readonly #pending = new Set<Alarm>()

  constructor(host: JobHost) {
    this.host = host
  }

  /** How many jobs are under way, also those that do not end by themselves. */
  get pending(): number {
    return this.#pending.size
  }

  /** Calls `due` after a time that the seed draws. Cancelling the answer takes it back. */
  after(span: Span, due: () => void): Alarm {
    const { time } = this.host
    const afterUs = this.#draw(span)
    let alarm: Alarm | undefined
    const pending: Alarm = {
      cancel: () => {
        this.#pending.delete(pending)
        alarm?.cancel()
      },
    }
    this.#pending.add(pending)
    if (afterUs === Number.POSITIVE_INFINITY) return pending
    alarm = time.at(time.nowUs + afterUs, () => {
      this.#pending.delete(pending)
      due()
    })
    return pending
  }

  /** The power goes: nothing under way comes to its end. */
  cutPower(): void {
    for (const alarm of [...this.#pending]) alarm.cancel()
  }

  #draw(span: Span): number {
    if (span === Number.POSITIVE_INFINITY) return span
    const [least, most] = typeof span === 'number' ? [span, span] : span
    if (!(least >= 0 && most >= least)) {
      throw new OptionError('forMs', span, 'milliseconds from 0 on, or [least, most] of them')
    }
    return this.host.random.between(microseconds(least, 'forMs'), microseconds(most, 'forMs'))
  }
}
