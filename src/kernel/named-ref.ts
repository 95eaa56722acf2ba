// The standing address of a name on a node: who has the name when a message arrives is who gets it, in whatever life of
// the node. What Erlang writes as `{Name, Node}`. It is a pid as far as talking goes, and names no process for ever: so
// nothing can be linked to it, and exit signals need a pid.

import { ProcessError } from './errors.ts'
import { INFO } from './messages.ts'
import type { Node } from './node.ts'
import { ANY_LIFE, Pid } from './pid.ts'
import type { CallOptions } from './ref.ts'

export class NamedRef extends Pid {
  readonly name: string
  readonly #home: () => Node

  /** `home`: the node on whose behalf its own methods send, asked at each. */
  constructor(home: () => Node, nodeName: string, name: string) {
    super(nodeName, ANY_LIFE, 0)
    this.#home = home
    this.name = name
  }

  override toString(): string {
    return `<${this.nodeName}.${this.name}>`
  }

  call(tag: string, argument?: unknown, options?: CallOptions): Promise<unknown> {
    return this.#home().call(null, this, tag, argument, options)
  }

  cast(tag: string, argument?: unknown): boolean {
    return this.#home().sendPair(this, tag, argument)
  }

  send(message: unknown): void {
    this.#home().sendPair(this, INFO, message)
  }

  stop(reason: unknown = 'normal', options?: CallOptions): Promise<void> {
    return this.#home().stopProcess(null, this, reason, options)
  }
}

/** Refuses a name where only a pid will do: Erlang's `badarg`. */
export function refuseName(to: Pid, what: string): void {
  if (to instanceof NamedRef) throw new ProcessError('badarg', `${what} ${to}: a pid is needed, not a name`)
}
