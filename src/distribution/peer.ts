// A node to which we are connected: batches what goes there, applies what comes from there, and tidies up when the
// connection is lost. Items are applied in the order in which they were sent, so the order of every pair is kept.

import type { Call } from '../kernel/call.ts'
import { reasonOf } from '../kernel/exit-reason.ts'
import { CALL, INFO, SYSTEM } from '../kernel/messages.ts'
import type { Node } from '../kernel/node.ts'
import type { Pid, Reference } from '../kernel/pid.ts'
import type { Process } from '../kernel/process.ts'
import { bounce, type Signal } from '../kernel/signals.ts'
import type { Connection } from './carrier.ts'
import { FrameError } from './errors.ts'
import { farCall, type OpenCalls } from './far-call.ts'
import { CALL_ITEM, CAST, GENERAL, MESSAGE, REPLY } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import { FrameWriter } from './frame-writer.ts'
import { type KnownPids, referenceKey } from './known-pids.ts'
import { encodeFailure, type Item } from './wire.ts'

/** A batch of this many bytes is sent before the turn is over. */
const BATCH_BYTES = 64 * 1024
/** So is one of so many calls and answers: where the threads have a CPU each, both work on what is under way. */
const BATCH_CALLS = 64
/** Callers of one peer that are remembered beside {@link KnownPids}. */
const MAX_CALLERS = 4096

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
  ended = false
  readonly #context: PeerContext
  /** Monitors that processes there hold on processes here: the kernel tells them apart by identity. */
  readonly #monitors = new Map<string, { readonly to: Pid; readonly ref: Reference }>()
  readonly #writer: FrameWriter
  readonly #reader: FrameReader
  /** Who has called from there, by id: these pids are met again and again. */
  readonly #callers = new Map<number, Pid>()
  #generation = 0
  #flushing = false
  /** Calls and answers that wait to be sent. */
  #batched = 0

  constructor(context: PeerContext, name: string, creation: number, connection: Connection) {
    this.#context = context
    this.name = name
    this.creation = creation
    this.connection = connection
    this.#writer = new FrameWriter(connection.moves)
    this.#reader = new FrameReader(context.pids)
  }

  // ---- there -------------------------------------------------------------------------------------------------------

  /** Sends a plain message, a cast or a call to a pid there. False if it is none. Throws NotPortableError. */
  send(to: Pid, head: unknown, payload: unknown): boolean {
    if (to.creation !== this.creation) return false
    if (head === CALL) return this.#sendCall(to, payload as Call)
    if (typeof head === 'string') {
      if (!this.#writer.cast(to.id, head, payload)) return false
    } else if (head === INFO) this.#writer.message(to.id, payload)
    else return false
    this.#added()
    return true
  }

  #sendCall(to: Pid, call: Call): boolean {
    const { calls } = this.#context
    const { from } = call
    const id = calls.add(call)
    try {
      if (this.#writer.call(to.id, from === null ? 0 : from.id, id, call.tag, call.payload)) {
        this.#batched++
        this.#added()
        return true
      }
      calls.take(id, this.name)
      return false
    } catch (error) {
      calls.take(id, this.name)?.abandon()
      throw error
    }
  }

  /** Sends a signal, which `item` holds. */
  deliver(signal: Signal, item: Uint8Array): void {
    if (signal.kind === 'down') this.#monitors.delete(referenceKey(signal.ref))
    this.#add(item)
  }

  #add(item: Uint8Array): void {
    this.#writer.general(item)
    this.#added()
  }

  #added(): void {
    // What is moved is gone here once it has been sent, not some time later.
    if (this.#writer.length >= BATCH_BYTES || this.#writer.moves || this.#batched >= BATCH_CALLS) this.flush()
    else if (!this.#flushing) {
      this.#flushing = true
      this.#context.node.ports.turns.soon(this.#flushSoon)
    }
  }

  #flushSoon = (): void => {
    this.#flushing = false
    this.flush()
  }

  /** Sends what has been gathered. */
  flush(): void {
    this.#batched = 0
    if (this.#writer.length > 0) this.connection.send(this.#writer.take(), this.#writer.takeMoved())
  }

  // ---- here --------------------------------------------------------------------------------------------------------

  /** Applies a frame. Throws ERR_FRAME if it is none. */
  received(frame: Uint8Array, moved?: readonly ArrayBuffer[]): void {
    const reader = this.#reader
    reader.begin(frame, moved)
    while (reader.more) {
      const kind = reader.byte()
      if (kind === GENERAL) this.#apply(reader.general() as Item)
      else this.#applyPlain(kind, reader)
    }
  }

  #applyPlain(kind: number, reader: FrameReader): void {
    const { node, calls } = this.#context
    switch (kind) {
      case CAST: {
        const to = this.#own(reader.uint())
        const tag = reader.text()
        return void node.sendPair(to, tag, reader.value())
      }
      case MESSAGE:
        return void node.sendPair(this.#own(reader.uint()), INFO, reader.value())
      case CALL_ITEM: {
        const callee = this.#own(reader.uint())
        const from = this.#caller(reader.uint())
        const id = reader.uint()
        const tag = reader.text()
        const payload = reader.value()
        const call = farCall({ callee, from, flavour: 'call', tag, payload, peer: this, id })
        return node.open(call, CALL, Number.POSITIVE_INFINITY)
      }
      case REPLY: {
        const call = calls.take(reader.uint(), this.name)
        const value = reader.value()
        return call?.answer(value)
      }
      default:
        throw new FrameError(`an unknown kind of item: ${kind}`)
    }
  }

  #own(id: number): Pid {
    return this.#context.node.processRef(id) ?? this.#context.node.deadPid()
  }

  #caller(id: number): Pid | null {
    if (id === 0) return null
    const { pids } = this.#context
    if (this.#generation !== pids.aged || this.#callers.size > MAX_CALLERS) {
      this.#callers.clear()
      this.#generation = pids.aged
    }
    const known = this.#callers.get(id)
    if (known !== undefined) return known
    const pid = pids.pid(this.name, this.creation, id)
    this.#callers.set(id, pid)
    return pid
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
    const call = farCall({ callee: this.#here(to), from, flavour, tag, payload, peer: this, id })
    node.open(call, flavour === 'call' ? CALL : SYSTEM, Number.POSITIVE_INFINITY)
  }

  /** Answers a call from there. */
  answered(id: number, value: unknown): void {
    try {
      this.#writer.reply(id, value)
    } catch (error) {
      // A reply that cannot cross fails the call: the caller learns which field it was, and the callee goes on.
      return this.failed(id, reasonOf(error))
    }
    this.#batched++
    this.#added()
  }

  /** Fails a call from there. */
  failed(id: number, reason: unknown): void {
    this.#add(encodeFailure(id, reason))
  }

  // ---- the end -----------------------------------------------------------------------------------------------------

  /**
   * The connection is lost. Each process learns of it behind the signals that are under way to it: its links to that
   * node break, its monitors fire, and nobody there watches it any more.
   */
  lost(): void {
    this.ended = true
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
