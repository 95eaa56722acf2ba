// What happens to a state machine: one event, whatever its source.

import type { From } from '../kernel/self.ts'

export type EventType = 'call' | 'cast' | 'info' | 'internal' | 'state_timeout' | 'event_timeout' | 'timeout' | 'enter'

/** An event as `handleEvent` is given it. */
export class StatemEvent {
  readonly type: EventType
  /** The tag of a call or cast, the name of a generic time-out. */
  readonly tag: string | undefined
  /** What was sent; of an enter call, the state before. */
  readonly content: unknown
  /** Who asks, if it is a call. */
  readonly from: From | null

  constructor(type: EventType, tag: string | undefined, content: unknown, from: From | null) {
    this.type = type
    this.tag = tag
    this.content = content
    this.from = from
  }
}
