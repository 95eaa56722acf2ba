// Collect, then commit: what the callbacks of one event (its handler, then the enter handlers) ask for. Replies take
// effect at once, everything else when the last callback has returned.

import { Call } from '../kernel/call.ts'
import type { Node } from '../kernel/node.ts'
import { MAX_DELAY_MS } from '../kernel/timers.ts'
import { StatemEvent } from './statem-event.ts'
import type { Action, ReplyAction, TimeoutAction } from './statem-results.ts'

/** One event on its way through its callbacks. A machine handles one at a time and uses one `Step` for all. */
export class Step {
  event: StatemEvent = new StatemEvent('internal', undefined, 'init_state', null)
  /** Where the callbacks so far lead; the machine is there only after the last of them. */
  state: unknown
  data: unknown
  stateChanged = false
  /** The callback under way is an enter call. */
  entering = false
  postpone = false
  inserted: StatemEvent[] = []
  timeouts: TimeoutAction[] = []
  readonly #node: Node

  constructor(node: Node) {
    this.#node = node
  }

  begin(event: StatemEvent, state: unknown, data: unknown): void {
    this.event = event
    this.state = state
    this.data = data
    this.stateChanged = false
    this.entering = false
    this.postpone = false
    if (this.inserted.length > 0) this.inserted = []
    if (this.timeouts.length > 0) this.timeouts = []
  }

  /** Notes what `action` asks for. False if it is no action. */
  collect(action: Action): boolean {
    if (typeof action !== 'object' || action === null) return false
    switch (action.kind) {
      case 'reply':
        return answer(action)
      case 'postpone':
        this.postpone = action.value
        return true
      case 'next_event':
        this.inserted.push(action.event)
        return true
      case 'timeout':
        if (action.abs && Number(action.time) - this.#node.now() > MAX_DELAY_MS && Number.isFinite(action.time)) {
          return false
        }
        this.timeouts.push(action)
        return true
      case 'hibernate':
        return true
      default:
        return false
    }
  }
}

/** Carries out a reply. False if there is nobody whom it could reach. */
export function answer(action: ReplyAction): boolean {
  if (typeof action !== 'object' || action === null || !(action.from instanceof Call)) return false
  action.from.answer(action.value)
  return true
}

/** True for actions that may not stand in the result of an enter call. Changes of the definition may not either. */
export function isForbiddenInEnter(action: Action): boolean {
  if (typeof action !== 'object' || action === null) return false
  return action.kind === 'next_event' || (action.kind === 'postpone' && action.value)
}
