// The behaviour of a raw process: its body runs once, and reads its own mailbox with `self.receive`.

import type { Behaviour, Turn } from './behaviour.ts'
import { type ExitReason, reasonOf } from './exit-reason.ts'
import type { Process } from './process.ts'
import type { Body, Self } from './self.ts'
import { isThenable } from './thenable.ts'

export class RawBehaviour implements Behaviour {
  readonly pending = false
  readonly name: string
  readonly #process: Process
  readonly #self: Self
  readonly #body: Body

  constructor(process: Process, self: Self, body: Body) {
    this.#process = process
    this.#self = self
    this.#body = body
    this.name = body.name === '' ? 'process' : body.name
  }

  init(): Turn {
    const process = this.#process
    // Busy but for the time it waits in `receive`, which its first steps may do already.
    process.setBusy(true)
    try {
      const result = this.#body(this.#self)
      if (!isThenable(result)) {
        process.end('normal')
        return undefined
      }
      result.then(
        () => process.end('normal'),
        (error: unknown) => this.#crash(error),
      )
    } catch (error) {
      this.#crash(error)
    }
    return undefined
  }

  #crash(error: unknown): void {
    const process = this.#process
    if (!process.alive) return
    const reason = reasonOf(error)
    process.node.reportCrash(process, this.name, reason, undefined)
    process.end(reason)
  }

  // A raw process is never handed messages: it is busy until it ends.
  receive(): Turn {
    return undefined
  }

  advance(): Turn {
    return undefined
  }

  timeout(): Turn {
    return undefined
  }

  stop(reason: ExitReason): Turn {
    this.#process.end(reason)
    return undefined
  }
}
