// From a definition to the handler of an event: what a machine's author wrote, made ready once, when it is defined.

import type { ExitReason } from '../kernel/exit-reason.ts'
import type { Definition } from '../kernel/ref.ts'
import type { From, Self } from '../kernel/self.ts'
import type { StatemEvent } from './statem-event.ts'
import type { Action } from './statem-results.ts'

/** What a handler is given. One object an event: a handler may keep it across an await. */
export class StatemContext {
  readonly self: Self
  readonly state: never
  readonly data: never
  readonly from: From

  constructor(self: Self, state: unknown, data: unknown, from: From | null) {
    this.self = self
    this.state = state as never
    this.data = data as never
    this.from = from as From
  }
}

type Handler = (context: never, content: never) => unknown
type Handlers = { readonly [tag: string]: Handler | undefined }

/** The handlers of one state, types erased. */
export interface AnyStateHandlers {
  readonly enter?: Handler
  readonly call?: Handlers
  readonly cast?: Handlers
  readonly info?: Handler
  readonly internal?: Handler
  readonly stateTimeout?: Handler
  readonly eventTimeout?: Handler
  readonly timeout?: Handlers
}

/** A definition's parts, types erased. Either `states` (and `any`) or `handleEvent`. */
export interface AnyMachine {
  readonly name?: string
  readonly init: (argument: never, context: { readonly self: Self }) => unknown
  readonly states?: { readonly [state: string]: AnyStateHandlers }
  readonly any?: AnyStateHandlers
  readonly handleEvent?: (context: never, event: never) => unknown
  readonly stateEnter?: boolean
  readonly terminate?: (context: never, reason: ExitReason) => unknown
}

/** Returned where a definition has no handler. */
export const UNHANDLED = Symbol('no handler')

/** A definition made ready: OTP's callback module. */
export interface Callbacks {
  readonly name: string
  readonly machine: AnyMachine
  /** Whether enter calls are made. */
  readonly stateEnter: boolean
  /** Runs the handler of `event`. */
  readonly handle: (context: StatemContext, event: StatemEvent) => unknown
}

const callbacksOf = new WeakMap<Definition<never, unknown>, Callbacks>()

/** Notes what is behind a definition, for {@link changeOf}. */
export function remember(definition: Definition<never, unknown>, callbacks: Callbacks): void {
  callbacksOf.set(definition, callbacks)
}

/** The definitions in force after `action`, or undefined if that does not change them or cannot be carried out. */
export function changeOf(callbacks: readonly Callbacks[], action: Action): readonly Callbacks[] | undefined {
  switch (action?.kind) {
    case 'pop_callback_module':
      return callbacks.length > 1 ? callbacks.slice(0, -1) : undefined
    case 'push_callback_module': {
      const pushed = callbacksOf.get(action.definition)
      return pushed === undefined ? undefined : [...callbacks, pushed]
    }
    case 'change_callback_module': {
      const changed = callbacksOf.get(action.definition)
      return changed === undefined ? undefined : [...callbacks.slice(0, -1), changed]
    }
    default:
      return undefined
  }
}

/** Makes a definition ready. */
export function compile(machine: AnyMachine): Callbacks {
  const name = machine.name ?? 'statem'
  const { handleEvent } = machine
  if (handleEvent !== undefined) {
    const handle = (context: StatemContext, event: StatemEvent) => handleEvent(context as never, event as never)
    return { name, machine, stateEnter: machine.stateEnter ?? false, handle }
  }
  const any = new HandlerTable([machine.any ?? {}])
  const tables = new Map<unknown, HandlerTable>()
  for (const [state, handlers] of Object.entries(machine.states ?? {})) {
    tables.set(state, new HandlerTable([machine.any ?? {}, handlers]))
  }
  return {
    name,
    machine,
    stateEnter: [any, ...tables.values()].some((table) => table.enters),
    handle: (context, event) => {
      const handler = (tables.get(context.state) ?? any).find(event)
      return handler === undefined ? UNHANDLED : handler(context as never, event.content as never)
    },
  }
}

/** The handlers that are in force in one state. Of several layers, the last that has one wins. */
class HandlerTable {
  readonly #calls = new Map<string, Handler>()
  readonly #casts = new Map<string, Handler>()
  readonly #timeouts = new Map<string, Handler>()
  readonly #single: AnyStateHandlers

  constructor(layers: readonly AnyStateHandlers[]) {
    this.#single = Object.assign({}, ...layers)
    for (const layer of layers) {
      addAll(this.#calls, layer.call)
      addAll(this.#casts, layer.cast)
      addAll(this.#timeouts, layer.timeout)
    }
  }

  get enters(): boolean {
    return this.#single.enter !== undefined
  }

  find(event: StatemEvent): Handler | undefined {
    const tag = event.tag ?? ''
    switch (event.type) {
      case 'call':
        return this.#calls.get(tag)
      case 'cast':
        return this.#casts.get(tag)
      case 'timeout':
        return this.#timeouts.get(tag)
      case 'info':
        return this.#single.info
      case 'internal':
        return this.#single.internal
      case 'state_timeout':
        return this.#single.stateTimeout
      case 'event_timeout':
        return this.#single.eventTimeout
      case 'enter':
        return this.#single.enter
    }
  }
}

function addAll(map: Map<string, Handler>, handlers: Handlers | undefined): void {
  for (const [tag, handler] of Object.entries(handlers ?? {})) if (handler !== undefined) map.set(tag, handler)
}
