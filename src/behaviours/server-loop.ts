// The life of one server process: init, then one handler at a time, then terminate. The rules are gen_server's; where
// the manual is silent, the recorded scenarios of real OTP decide.

import type { Behaviour, Turn } from '../kernel/behaviour.ts'
import type { Call } from '../kernel/call.ts'
import { EspalierError } from '../kernel/errors.ts'
import { type ExitReason, reasonOf } from '../kernel/exit-reason.ts'
import { CALL, EXIT, type Exit } from '../kernel/messages.ts'
import type { Process } from '../kernel/process.ts'
import type { From, Self } from '../kernel/self.ts'
import { isThenable } from '../kernel/thenable.ts'
import { Ignored, isResult, Next, type NextOption, NotReplied, Replied, Stopped, StoppedReplied } from './results.ts'
import type { AnyHandlers } from './server.ts'

/** What a handler is given. One object a message: a handler may keep it across an await. */
class ServerContext {
  readonly self: Self
  readonly state: never
  readonly from: From

  constructor(self: Self, state: unknown, from: From | null) {
    this.self = self
    this.state = state as never
    this.from = from as From
  }
}

type Handler = ((context: ServerContext, argument: never) => unknown) | undefined

const NOTHING = Symbol('nothing to continue with')

export class ServerLoop implements Behaviour {
  readonly #handlers: AnyHandlers
  readonly #process: Process
  readonly #self: Self
  /** The argument of init until it has run, the state from then on. */
  #state: unknown
  #continue: unknown = NOTHING
  #timed = false

  constructor(handlers: AnyHandlers, process: Process, self: Self, argument: unknown) {
    this.#handlers = handlers
    this.#process = process
    this.#self = self
    this.#state = argument
  }

  get name(): string {
    return this.#handlers.name ?? 'server'
  }

  get pending(): boolean {
    return this.#continue !== NOTHING
  }

  // ---- start -------------------------------------------------------------------------------------------------------

  init(): Turn {
    let result: unknown
    try {
      result = this.#handlers.init(this.#state as never, { self: this.#self })
    } catch (error) {
      return this.#initFailed(reasonOf(error), true)
    }
    if (!isThenable(result)) return this.#initialised(result)
    return result.then(
      (value) => this.#initialised(value),
      (error) => this.#initFailed(reasonOf(error), true),
    )
  }

  #initialised(result: unknown): undefined {
    const process = this.#process
    if (!process.alive) return
    if (result instanceof Ignored) {
      this.#unname()
      process.started('ignore')
      process.end('normal')
      return
    }
    if (result instanceof Stopped) return this.#initFailed(result.reason, false)
    if (isCallResult(result)) return this.#initFailed({ bad_return_value: result }, true)
    this.#state = result instanceof Next ? result.state : result
    process.started({ ok: process.pid })
    if (result instanceof Next) this.#apply(result.option)
  }

  // The name is free again before the starter hears of the failure.
  #initFailed(reason: ExitReason, crashed: boolean): undefined {
    const process = this.#process
    if (!process.alive) return
    this.#unname()
    process.started({ error: reason })
    if (crashed) process.node.reportCrash(process, this.name, reason, 'init')
    process.end(reason)
  }

  #unname(): void {
    const { name, node } = this.#process
    if (name !== undefined) node.unregister(name)
  }

  // ---- messages ----------------------------------------------------------------------------------------------------

  receive(head: unknown, payload: unknown): Turn {
    if (this.#timed) {
      this.#timed = false
      this.#process.cancelTimeout()
    }
    if (typeof head === 'string') {
      const handler: Handler = this.#handlers.cast?.[head]
      return handler === undefined ? this.#unhandled('cast', head) : this.#run(handler, payload, null, head)
    }
    if (head === CALL) {
      // A caller that has given up is served all the same, as in OTP: there, the server cannot know.
      const call = payload as Call
      const handler: Handler = this.#handlers.call?.[call.tag]
      if (handler === undefined) return this.#unhandled('call', call.tag)
      return this.#run(handler, call.payload, call, call.tag)
    }
    if (head === EXIT && (payload as Exit).from === this.#process.parent) {
      return this.#terminate((payload as Exit).reason, undefined)
    }
    return this.#info(payload)
  }

  advance(): Turn {
    const argument = this.#continue
    this.#continue = NOTHING
    const handler: Handler = this.#handlers.continue
    if (handler === undefined) return this.#unhandled('continue', 'continue')
    return this.#run(handler, argument, null, 'continue')
  }

  timeout(): Turn {
    this.#timed = false
    return this.#info('timeout')
  }

  stop(reason: ExitReason): Turn {
    return this.#terminate(reason, undefined)
  }

  getState(): unknown {
    return this.#state
  }

  replaceState(replace: (state: unknown) => unknown): unknown {
    this.#state = replace(this.#state)
    return this.#state
  }

  #info(message: unknown): Turn {
    const handler = this.#handlers.info as Handler
    if (handler !== undefined) return this.#run(handler, message, null, 'info')
    this.#process.node.deadLetter(this.#process.pid, undefined, message, 'unhandled')
    return undefined
  }

  #unhandled(kind: string, tag: string): Turn {
    const error = new EspalierError('ERR_UNHANDLED', `${this.name} has no handler for ${kind} ${JSON.stringify(tag)}`)
    return this.#terminate(reasonOf(error), tag)
  }

  #run(handler: NonNullable<Handler>, argument: unknown, call: Call | null, tag: string): Turn {
    let result: unknown
    try {
      result = handler.call(this.#handlers, new ServerContext(this.#self, this.#state, call), argument as never)
    } catch (error) {
      return this.#terminate(reasonOf(error), tag)
    }
    if (call === null) {
      // The usual case, a bare state, is told from the rest by one test.
      if (isResult(result)) return this.#next(result, tag)
      if (!isThenable(result)) return this.#keep(result, tag)
    } else if (isResult(result) || !isThenable(result)) return this.#replied(result, call)
    return result.then(
      (value) => {
        if (!this.#process.alive) return undefined
        if (call !== null) return this.#replied(value, call)
        return isResult(value) ? this.#next(value, tag) : this.#keep(value, tag)
      },
      (error) => this.#terminate(reasonOf(error), tag),
    )
  }

  #replied(result: unknown, call: Call): Turn {
    if (result instanceof Replied) {
      this.#state = result.state
      call.answer(result.value)
      if (result.option !== undefined) this.#apply(result.option)
      return undefined
    }
    if (result instanceof NotReplied) {
      this.#state = result.state
      if (result.option !== undefined) this.#apply(result.option)
      return undefined
    }
    if (result instanceof StoppedReplied) {
      this.#state = result.state
      return this.#terminate(result.reason, call.tag, () => call.answer(result.value))
    }
    return result instanceof Stopped ? this.#stopped(result, call.tag) : this.#bad(result, call.tag)
  }

  #next(result: unknown, tag: string): Turn {
    if (result instanceof Next) {
      this.#state = result.state
      if (result.option !== undefined) this.#apply(result.option)
      return undefined
    }
    if (result instanceof Stopped) return this.#stopped(result, tag)
    return this.#bad(result, tag)
  }

  // A forgotten return would lose the state: undefined is a state only where it was one before.
  #keep(state: unknown, tag: string): Turn {
    if (state === undefined && this.#state !== undefined) return this.#bad(state, tag)
    this.#state = state
    return undefined
  }

  #stopped(result: Stopped<unknown>, tag: string): Turn {
    if (result.state !== undefined) this.#state = result.state
    return this.#terminate(result.reason, tag)
  }

  #bad(value: unknown, tag: string): Turn {
    return this.#terminate({ bad_return_value: value }, tag)
  }

  #apply(option: NextOption | undefined): void {
    if (option === undefined || option === 'hibernate') return
    if ('continue' in option) {
      this.#continue = option.continue
      return
    }
    this.#timed = true
    this.#process.timeoutAfter(option.timeoutMs)
  }

  // ---- end ---------------------------------------------------------------------------------------------------------

  #terminate(reason: ExitReason, tag: string | undefined, before?: () => void): Turn {
    if (!this.#process.alive) return undefined
    const { terminate } = this.#handlers
    if (terminate === undefined) return this.#end(reason, tag, before)
    let result: unknown
    try {
      result = terminate(new ServerContext(this.#self, this.#state, null), reason)
    } catch (error) {
      return this.#end(reasonOf(error), tag, before)
    }
    if (!isThenable(result)) return this.#end(reason, tag, before)
    return result.then(
      () => this.#end(reason, tag, before),
      (error) => this.#end(reasonOf(error), tag, before),
    )
  }

  #end(reason: ExitReason, tag: string | undefined, before: (() => void) | undefined): undefined {
    const process = this.#process
    if (!process.alive) return
    before?.()
    process.node.reportCrash(process, this.name, reason, tag)
    process.end(reason)
  }
}

function isCallResult(value: unknown): boolean {
  return value instanceof Replied || value instanceof NotReplied || value instanceof StoppedReplied
}
