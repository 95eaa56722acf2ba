// The queue discipline of gen_statem, and nothing else: which event comes next. Pure; it knows neither states nor time.
//
// After each event: first the events that its actions inserted, in list order; then, if the state has changed, the
// postponed ones, oldest first; then what was queued before; then the time-outs 0, in the order of their start. Only
// when all are used up does the machine read its mailbox.

export class EventQueue<E, T> {
  /** Events to handle; the next one is the last of the array. */
  readonly #events: E[] = []
  /** Oldest first. */
  readonly #postponed: E[] = []
  /** Time-outs 0 that have not been delivered. */
  readonly #due: T[] = []

  /** True while there is something to do before the mailbox. */
  get pending(): boolean {
    return this.#events.length > 0 || this.#due.length > 0
  }

  /** How many events are held back from the mailbox: postponed, or waiting for their turn. */
  get held(): number {
    return this.#events.length + this.#postponed.length
  }

  /** What follows the handling of `event`: it is postponed or not, the state has changed or not, events were inserted. */
  settle(event: E, postpone: boolean, stateChanged: boolean, inserted: readonly E[]): void {
    if (postpone) this.#postponed.push(event)
    if (stateChanged && this.#postponed.length > 0) {
      this.#putFirst(this.#postponed)
      this.#postponed.length = 0
    }
    if (inserted.length > 0) this.#putFirst(inserted)
  }

  #putFirst(events: readonly E[]): void {
    for (let i = events.length - 1; i >= 0; i--) this.#events.push(events[i] as E)
  }

  /** The next event, or undefined if only time-outs 0 are left. */
  takeEvent(): E | undefined {
    return this.#events.pop()
  }

  /** Queues a time-out 0 behind those that wait. */
  addDue(timeout: T): void {
    this.#due.push(timeout)
  }

  /** The oldest time-out 0. */
  takeDue(): T | undefined {
    return this.#due.shift()
  }

  /** Takes back a time-out 0 that was cancelled or started anew. */
  removeDue(timeout: T): void {
    const index = this.#due.indexOf(timeout)
    if (index >= 0) this.#due.splice(index, 1)
  }
}
