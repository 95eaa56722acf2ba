// What a process notes about itself when asked to: OTP's debug options (sys(3)). A process that nobody looks at has no
// such object, and its turns cost nothing more; one with statistics alone pays two increments a message.

import type { Behaviour, Turn } from './behaviour.ts'
import { type Call, SystemCall } from './call.ts'
import { CALL, tagOf } from './messages.ts'
import type { Pid, Reference } from './pid.ts'
import type { Process } from './process.ts'

/** Something that happened to a process that is traced. `atMs`: monotonic, of its node. */
export type TraceEvent =
  /** It has taken a message and is about to handle it. */
  | {
      readonly kind: 'in'
      readonly atMs: number
      /** The tag of a call or cast; `info`, `exit`, `down` or `timeout`. */
      readonly tag: string
      readonly message: unknown
      /** Who calls, if it is a call by a process. */
      readonly from: Pid | undefined
    }
  /** It has answered a call, called, cast or sent. */
  | {
      readonly kind: 'out'
      readonly atMs: number
      readonly act: 'reply' | 'call' | 'cast' | 'send'
      /** The tag of the call or cast; of a reply, that of the call it answers. */
      readonly tag: string | undefined
      readonly message: unknown
      /** Undefined: the world outside. */
      readonly to: Pid | Reference | string | undefined
    }
  /** It has handled something; this is its state now. */
  | { readonly kind: 'state'; readonly atMs: number; readonly state: unknown }

/** What `sys.statistics` tells. */
export interface Statistics {
  /** When counting began, in milliseconds since the Unix epoch. */
  readonly startEpochMs: number
  readonly currentEpochMs: number
  /** Messages taken and handled, time-outs included; system requests are not counted. */
  readonly messagesIn: number
  /** Replies, calls, casts and plain messages sent. */
  readonly messagesOut: number
}

/** Told of each event, with what it returned for the one before; one that returns `sys.done` is taken out. */
export type TraceHook = (hookState: unknown, event: TraceEvent) => unknown

export class Debug {
  static readonly DONE: unique symbol = Symbol('done')
  /** Whether each event is a report of the node. */
  reporting = false
  readonly #process: Process
  #countedSince: number | undefined
  #in = 0
  #out = 0
  #log: TraceEvent[] = []
  #logCapacity = 0
  readonly #hooks = new Map<string, { readonly hook: TraceHook; state: unknown }>()

  constructor(process: Process) {
    this.#process = process
  }

  /** Nothing is asked for any more. */
  get idle(): boolean {
    return this.#countedSince === undefined && !this.#observed
  }

  get #observed(): boolean {
    return this.reporting || this.#logCapacity > 0 || this.#hooks.size > 0
  }

  // ---- turns -------------------------------------------------------------------------------------------------------

  receive(behaviour: Behaviour, head: unknown, payload: unknown): Turn {
    this.#in++
    if (this.#observed) {
      const call = head === CALL ? (payload as Call) : undefined
      const message = call === undefined ? payload : call.payload
      this.#tell({ kind: 'in', atMs: this.#now(), tag: tagOf(head, payload), message, from: call?.from ?? undefined })
    }
    return this.#after(behaviour, behaviour.receive(head, payload))
  }

  timeout(behaviour: Behaviour): Turn {
    this.#in++
    if (this.#observed) {
      this.#tell({ kind: 'in', atMs: this.#now(), tag: 'timeout', message: 'timeout', from: undefined })
    }
    return this.#after(behaviour, behaviour.timeout())
  }

  advance(behaviour: Behaviour): Turn {
    return this.#after(behaviour, behaviour.advance())
  }

  #after(behaviour: Behaviour, turn: Turn): Turn {
    if (!this.#observed) return turn
    if (turn === undefined) {
      this.#tellState(behaviour)
      return undefined
    }
    return turn.then(() => this.#tellState(behaviour))
  }

  #tellState(behaviour: Behaviour): void {
    if (!this.#process.alive || behaviour.getState === undefined) return
    this.#tell({ kind: 'state', atMs: this.#now(), state: behaviour.getState() })
  }

  // ---- what goes out -----------------------------------------------------------------------------------------------

  replied(call: Call, value: unknown): void {
    if (!(call instanceof SystemCall)) this.sent('reply', call.from ?? undefined, call.tag, value)
  }

  sent(
    act: 'reply' | 'call' | 'cast' | 'send',
    to: Pid | Reference | string | undefined,
    tag: string | undefined,
    message: unknown,
  ): void {
    this.#out++
    if (this.#observed) this.#tell({ kind: 'out', atMs: this.#now(), act, tag, message, to })
  }

  // ---- who is told -------------------------------------------------------------------------------------------------

  #tell(event: TraceEvent): void {
    const { pid, name, node } = this.#process
    if (this.#logCapacity > 0) {
      this.#log.push(event)
      if (this.#log.length > this.#logCapacity) this.#log.shift()
    }
    for (const [id, entry] of this.#hooks) {
      // As in OTP, a hook that fails is taken out, and its process goes on.
      try {
        entry.state = entry.hook(entry.state, event)
      } catch {
        entry.state = Debug.DONE
      }
      if (entry.state === Debug.DONE) this.#hooks.delete(id)
    }
    if (this.reporting) node.report({ kind: 'trace', pid, name, event })
  }

  #now(): number {
    return this.#process.node.now()
  }

  // ---- settings ----------------------------------------------------------------------------------------------------

  /** Begins to count, if it does not. */
  count(): void {
    if (this.#countedSince !== undefined) return
    this.#countedSince = this.#process.node.ports.clock.epochMs()
    this.#in = 0
    this.#out = 0
  }

  stopCounting(): void {
    this.#countedSince = undefined
  }

  get statistics(): Statistics | undefined {
    const startEpochMs = this.#countedSince
    if (startEpochMs === undefined) return undefined
    const currentEpochMs = this.#process.node.ports.clock.epochMs()
    return { startEpochMs, currentEpochMs, messagesIn: this.#in, messagesOut: this.#out }
  }

  /** Keeps the last `capacity` events; 0: none. */
  keep(capacity: number): void {
    this.#logCapacity = capacity
    this.#log = capacity === 0 ? [] : this.#log.slice(-capacity)
  }

  /** The events kept, oldest first. */
  get log(): readonly TraceEvent[] {
    return [...this.#log]
  }

  get logCapacity(): number {
    return this.#logCapacity
  }

  /** False if there is a hook of this id. */
  install(id: string, hook: TraceHook, state: unknown): boolean {
    if (this.#hooks.has(id)) return false
    this.#hooks.set(id, { hook, state })
    return true
  }

  remove(id: string): void {
    this.#hooks.delete(id)
  }

  /** Nothing is noted any more: OTP's `no_debug`. */
  clear(): void {
    this.stopCounting()
    this.keep(0)
    this.reporting = false
    this.#hooks.clear()
  }

  get hooks(): readonly string[] {
    return [...this.#hooks.keys()]
  }
}
