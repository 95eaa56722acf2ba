// The standing address of a named process on a named node: who has the name when a message arrives is who gets it, in
// whatever life of the node. What Erlang writes as `{Name, Node}`.

import { ExitError } from '../kernel/exit-reason.ts'
import { Pid } from '../kernel/pid.ts'
import { ProcessRef } from '../kernel/process-ref.ts'
import type { CallOptions } from '../kernel/ref.ts'

/** No life of a node has this creation: it counts from 0. */
const ANY_LIFE = -1

/** A pid by name. Its own methods are for the world outside, and reach the process without the network. */
export class Address extends Pid {
  readonly name: string
  readonly #find: (nodeName: string, name: string) => Pid | undefined

  constructor(nodeName: string, name: string, find: (nodeName: string, name: string) => Pid | undefined) {
    super(nodeName, ANY_LIFE, 0)
    this.name = name
    this.#find = find
  }

  override toString(): string {
    return `<${this.nodeName}.${this.name}>`
  }

  call(tag: string, argument?: unknown, options?: CallOptions): Promise<unknown> {
    const process = this.#process()
    if (process === undefined) return Promise.reject(new ExitError('noproc', this, `call ${JSON.stringify(tag)}`))
    return process.call(tag, argument, options)
  }

  cast(tag: string, argument?: unknown): boolean {
    return this.#process()?.cast(tag, argument) ?? true
  }

  send(message: unknown): void {
    this.#process()?.send(message)
  }

  stop(reason: unknown = 'normal', options?: CallOptions): Promise<void> {
    const process = this.#process()
    if (process === undefined) return Promise.reject(new ExitError('noproc', this, 'stop'))
    return process.stop(reason, options)
  }

  #process(): ProcessRef | undefined {
    const pid = this.#find(this.nodeName, this.name)
    return pid instanceof ProcessRef ? pid : undefined
  }
}
