// The pid one can talk to. Every pid a node hands out is one of these; `Ref<T>` is its typed face.

import { INFO } from './messages.ts'
import type { Node } from './node.ts'
import { Pid } from './pid.ts'
import type { Process } from './process.ts'
import type { CallOptions } from './ref.ts'

export class ProcessRef extends Pid {
  /** The process, while it lives on the node `home`; null otherwise. */
  process: Process | null = null
  /** The node on whose behalf this object sends. */
  readonly home: Node

  constructor(home: Node, nodeName: string, creation: number, id: number) {
    super(nodeName, creation, id)
    this.home = home
  }

  call(tag: string, argument?: unknown, options?: CallOptions): Promise<unknown> {
    return this.home.call(null, this, tag, argument, options)
  }

  cast(tag: string, argument?: unknown): boolean {
    const { process } = this
    return process !== null ? process.accept(tag, argument) : this.home.sendPair(this, tag, argument)
  }

  send(message: unknown): void {
    this.home.sendPair(this, INFO, message)
  }

  stop(reason: unknown = 'normal', options?: CallOptions): Promise<void> {
    return this.home.stopProcess(null, this, reason, options)
  }
}
