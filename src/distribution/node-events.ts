// Who wants to know which nodes are connected: OTP's `monitor_node/2` and `net_kernel:monitor_nodes/2`.

import type { EndListener } from '../kernel/end-listeners.ts'
import type { Node } from '../kernel/node.ts'
import type { Pid } from '../kernel/pid.ts'

/** A node is connected: Erlang's `{nodeup, Node}`. */
export class NodeUp {
  readonly nodeName: string
  constructor(nodeName: string) {
    this.nodeName = nodeName
  }
}

/** The connection to a node is lost, or could not be made: Erlang's `{nodedown, Node}`. */
export class NodeDown {
  readonly nodeName: string
  /** For people and logs: the carrier's own word. */
  readonly reason: string
  constructor(nodeName: string, reason: string) {
    this.nodeName = nodeName
    this.reason = reason
  }
}

interface Watch extends EndListener {
  readonly pid: Pid
  /** Undefined: every node, and coming as well as going. */
  readonly nodeName: string | undefined
}

export class NodeEvents {
  readonly #node: Node
  readonly #watches = new Set<Watch>()

  constructor(node: Node) {
    this.#node = node
  }

  /** Watches one node, once, or (undefined) all of them, until the process ends or the returned function is called. */
  watch(pid: Pid, nodeName: string | undefined): () => void {
    const watch: Watch = { pid, nodeName, ended: () => void this.#watches.delete(watch) }
    if (this.#node.watchEnd(pid, watch)) this.#watches.add(watch)
    return () => this.#remove(watch)
  }

  up(nodeName: string): void {
    for (const watch of this.#watches) {
      if (watch.nodeName === undefined) this.#node.send(watch.pid, new NodeUp(nodeName))
    }
  }

  /** `known`: it was up, so those who watch all nodes have heard of it. */
  down(nodeName: string, reason: string, known: boolean): void {
    for (const watch of [...this.#watches]) {
      if (watch.nodeName === undefined ? !known : watch.nodeName !== nodeName) continue
      if (watch.nodeName !== undefined) this.#remove(watch)
      this.#node.send(watch.pid, new NodeDown(nodeName, reason))
    }
  }

  #remove(watch: Watch): void {
    this.#watches.delete(watch)
    this.#node.unwatchEnd(watch.pid, watch)
  }
}
