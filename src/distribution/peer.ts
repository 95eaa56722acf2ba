// A node to which we are connected: batches what goes there, applies what comes from there, and tidies up when the
// connection is lost. Items are applied in the order in which they were sent, so the order of every pair is kept.

import { reasonOf } from '../kernel/exit-reason.ts'
import { CALL, INFO, SYSTEM } from '../kernel/messages.ts'
import type { Node } from '../kernel/node.ts'
import type { Pid, Reference } from '../kernel/pid.ts'
import type { Process } from '../kernel/process.ts'
import { bounce, type Signal } from '../kernel/signals.ts'
import type { Connection } from './carrier.ts'
import { decodeAll } from './codec.ts'
import { farCall, type OpenCalls } from './far-call.ts'
import { type KnownPids, referenceKey } from './known-pids.ts'
import { encodeFailure, encodeReply, type Item } from './wire.ts'

/** A batch of this many bytes is sent before the turn is over. */
const BATCH_BYTES = 64 * 1024

/** What the peers of a node share. */
export interface PeerContext {
  readonly node: Node
  readonly pids: KnownPids
  readonly calls: OpenCalls
}

export class Peer {
  readonly name: string
  readonly creation: number
  readonly connection: Connection
  readonly #context: PeerContext
  /** Monitors that processes there hold on processes here: the kernel tells them apart by identity. */
  readonly #monitors = new Map<string, { readonly to: Pid; readonly ref: Reference }>()
  #batch: Uint8Array[] = []
  #batchBytes = 0

  constructor(context: PeerContext, name: string, creation: number, connection: Connection) {
    this.#context = context
    this.name = name
    this.creation = creation
    this.connection = connection
  }

  // ---- there -------------------------------------------------------------------------------------------------------

  /** Sends a signal, which `item` holds. */
  deliver(signal: Signal, item: Uint8Array): void {
    if (signal.kind === 'down') this.#monitors.delete(referenceKey(signal.ref))
    this.#send(item)
  }

  #send(item: Uint8Array): void {
    if (this.#batch.push(item) === 1) this.#context.node.ports.turns.soon(() => this.flush())
    this.#batchBytes += item.length
    if (this.#batchBytes >= BATCH_BYTES) this.flush()
  }

  /** Sends what has been gathered. */
  flush(): void {
    const batch = this.#batch
    if (batch.length === 0) return
    this.#batch = []
    this.#batchBytes = 0
    this.connection.send(batch.length === 1 && batch[0] !== undefined ? batch[0] : Buffer.concat(batch))
  }

  // ---- here --------------------------------------------------------------------------------------------------------

  /** Applies a frame. Throws ERR_FRAME if it is none. */
  received(frame: Uint8Array): void {
    for (const item of decodeAll(frame, this.#context.pids)) this.#apply(item as Item)
  }

  #apply(item: Item): void {
    const { node, calls } = this.#context
    switch (item[0]) {
      case 'message':
        return void node.sendPair(this.#here(item[1]), item[2] ?? INFO, item[3])
      case 'alias':
        if (item[1].nodeName === node.name && item[1].creation === node.creation) node.sendToAlias(item[1], item[2])
        return
      case 'call':
        return this.#called(item)
      case 'reply':
        return calls.take(item[1], this.name)?.answer(item[2])
      case 'failed':
        return calls.take(item[1], this.name)?.fail(item[2])
      case 'link':
      case 'unlink':
        return this.#signal({ kind: item[0], to: item[1], from: item[2] })
      case 'exit':
      case 'link_exit':
        return this.#signal({ kind: item[0], to: item[1], from: item[2], reason: item[3] })
      case 'monitor':
      case 'demonitor':
        return this.#monitor(item)
      case 'down':
        return this.#signal({ kind: 'down', to: item[1], from: item[2], ref: item[3], reason: item[4] })
      default:
        throw new TypeError(`an unknown item: ${String(item[0])}`)
    }
  }

  /** `pid` if it may be one of ours, or a name here; of a former life of this node, one that nobody has. */
  #here(pid: Pid): Pid {
    return this.#context.node.isOwn(pid) ? pid : this.#context.node.deadPid()
  }

  #signal(signal: Signal): void {
    const { node } = this.#context
    if (node.isOwn(signal.to)) node.post(signal.to, signal)
    else bounce(node, signal, 'noproc')
  }

  #monitor([kind, to, from, sent]: readonly ['monitor' | 'demonitor', Pid, Pid, Reference]): void {
    const key = referenceKey(sent)
    if (kind === 'monitor') {
      // Behind a name, it is on whoever has it now.
      const target = this.#context.node.target(to) ?? to
      this.#monitors.set(key, { to: target, ref: sent })
      return this.#signal({ kind, to: target, from, ref: sent })
    }
    const monitor = this.#monitors.get(key)
    this.#monitors.delete(key)
    if (monitor !== undefined) this.#signal({ kind, to: monitor.to, from, ref: monitor.ref })
  }

  #called([, to, from, id, flavour, tag, payload]: Extract<Item, readonly ['call', ...unknown[]]>): void {
    const { node } = this.#context
    const failed = (reason: unknown) => this.#send(encodeFailure(id, reason))
    // A reply that cannot cross fails the call: the caller learns which field it was, and the callee goes on.
    const answered = (value: unknown) => {
      let reply: Uint8Array
      try {
        reply = encodeReply(id, value)
      } catch (error) {
        return failed(reasonOf(error))
      }
      this.#send(reply)
    }
    const call = farCall({ callee: this.#here(to), from, flavour, tag, payload, answered, failed })
    node.open(call, flavour === 'call' ? CALL : SYSTEM, Number.POSITIVE_INFINITY)
  }

  // ---- the end -----------------------------------------------------------------------------------------------------

  /**
   * The connection is lost. Each process learns of it behind the signals that are under way to it: its links to that
   * node break, its monitors fire, and nobody there watches it any more.
   */
  lost(): void {
    const { node, calls } = this.#context
    for (const to of node.processes()) {
      node.post(to, { kind: 'inspect', to, look: (process) => process !== null && this.#cutOff(process) })
    }
    calls.lost(this.name)
  }

  #cutOff(process: Process): void {
    const to = process.pid
    const reason = 'noconnection'
    for (const [ref, watcher] of process.watchers ?? []) if (this.#isThere(watcher)) process.watchers?.delete(ref)
    for (const { ref, pid: from } of [...(process.monitorTable?.values() ?? [])]) {
      if (from !== undefined && this.#isThere(from)) process.handleSignal({ kind: 'down', to, from, ref, reason })
    }
    for (const from of process.linkSet?.list() ?? []) {
      if (this.#isThere(from)) process.handleSignal({ kind: 'link_exit', to, from, reason })
    }
  }

  #isThere(pid: Pid): boolean {
    return pid.nodeName === this.name
  }
}
