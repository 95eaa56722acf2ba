// The time-outs of one state machine: at most one of the state, one of the event, and one for each name.
//
// A time-out 0 never touches the timer wheel: it goes into the event queue and is delivered before any message. One that
// has run out on the wheel becomes an entry of the mailbox, in its turn; cancelled there, it is skipped when it is read.

import { TIMEOUT } from '../kernel/messages.ts'
import type { Process } from '../kernel/process.ts'
import { Timer } from '../kernel/timers.ts'
import type { StatemEvent } from './statem-event.ts'
import type { EventQueue } from './statem-queue.ts'
import type { TimeoutAction } from './statem-results.ts'

/** A time-out that has been started and not yet handled. */
export class RunningTimeout extends Timer {
  readonly type: TimeoutAction['type']
  readonly name: string | undefined
  content: unknown
  /** Waits in the event queue rather than on the wheel. */
  readonly zero: boolean
  readonly #process: Process

  constructor(action: TimeoutAction, zero: boolean, process: Process) {
    super()
    this.type = action.type
    this.name = action.name
    this.content = action.content
    this.zero = zero
    this.#process = process
  }

  // Unlike messages of others, one's own time-outs are not bounded.
  override expire(): void {
    const { pid } = this.#process
    this.#process.handleSignal({ kind: 'message', to: pid, head: TIMEOUT, payload: this })
  }
}

export class Timeouts {
  readonly #process: Process
  readonly #queue: EventQueue<StatemEvent, RunningTimeout>
  readonly #named = new Map<string, RunningTimeout>()
  #ofState: RunningTimeout | undefined
  #ofEvent: RunningTimeout | undefined

  constructor(process: Process, queue: EventQueue<StatemEvent, RunningTimeout>) {
    this.#process = process
    this.#queue = queue
  }

  /** An event has been handled: the event time-out is over, and after a change of state that of the state too. */
  eventHandled(stateChanged: boolean): void {
    if (this.#ofEvent !== undefined) this.#stop(this.#ofEvent)
    if (stateChanged && this.#ofState !== undefined) this.#stop(this.#ofState)
  }

  /** Carries out the time-out actions of one event: of several on one time-out, the last. */
  apply(actions: readonly TimeoutAction[]): void {
    if (actions.length === 1) return this.#apply(actions[0] as TimeoutAction)
    const last = new Map<string, TimeoutAction>()
    for (const action of actions) {
      const key = `${action.type} ${action.name ?? ''}`
      last.delete(key)
      last.set(key, action)
    }
    for (const action of last.values()) this.#apply(action)
  }

  /** False if a time-out found in the mailbox has been cancelled since. Otherwise it is over now. */
  take(timeout: RunningTimeout): boolean {
    if (this.#running(timeout) !== timeout) return false
    this.#forget(timeout)
    return true
  }

  /** Takes everything off the wheel. */
  clear(): void {
    for (const timeout of this.#named.values()) this.#process.node.timers.cancel(timeout)
    if (this.#ofState !== undefined) this.#process.node.timers.cancel(this.#ofState)
    if (this.#ofEvent !== undefined) this.#process.node.timers.cancel(this.#ofEvent)
  }

  #apply(action: TimeoutAction): void {
    const running = this.#running(action)
    if (action.time === 'update') {
      if (running === undefined) this.#startZero(action)
      else running.content = action.content
      return
    }
    if (running !== undefined) this.#stop(running)
    if (action.time === Number.POSITIVE_INFINITY) return
    if (action.time === 0) return this.#startZero(action)
    const timeout = new RunningTimeout(action, false, this.#process)
    const { node } = this.#process
    this.#remember(timeout)
    node.timers.set(timeout, action.abs ? Math.max(0, action.time - node.now()) : action.time)
  }

  #startZero(action: TimeoutAction): void {
    const timeout = new RunningTimeout(action, true, this.#process)
    this.#remember(timeout)
    this.#queue.addDue(timeout)
  }

  #stop(timeout: RunningTimeout): void {
    this.#forget(timeout)
    if (timeout.zero) this.#queue.removeDue(timeout)
    else this.#process.node.timers.cancel(timeout)
  }

  #running(of: {
    readonly type: TimeoutAction['type']
    readonly name: string | undefined
  }): RunningTimeout | undefined {
    if (of.type === 'state_timeout') return this.#ofState
    return of.type === 'event_timeout' ? this.#ofEvent : this.#named.get(of.name ?? '')
  }

  #remember(timeout: RunningTimeout): void {
    if (timeout.type === 'state_timeout') this.#ofState = timeout
    else if (timeout.type === 'event_timeout') this.#ofEvent = timeout
    else this.#named.set(timeout.name ?? '', timeout)
  }

  #forget(timeout: RunningTimeout): void {
    if (timeout.type === 'state_timeout') this.#ofState = undefined
    else if (timeout.type === 'event_timeout') this.#ofEvent = undefined
    else this.#named.delete(timeout.name ?? '')
  }
}
