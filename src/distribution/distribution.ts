// The mesh between nodes, as one node sees it: connects on demand or up front, greets, routes signals to peers, and says
// who came and went. Erlang's rules throughout; which carrier moves the bytes makes no difference above it.
//
// A connection is made by one greeting each way. If two nodes dial each other at once, the dial of the one whose name is
// greater stands, as in OTP's handshake. A node that comes back, or dials while we still believe it connected, ends the
// connection before.

import { provideNodeService } from '../behaviours/node-service.ts'
import { Call } from '../kernel/call.ts'
import { OptionError } from '../kernel/errors.ts'
import type { Node } from '../kernel/node.ts'
import type { Pid } from '../kernel/pid.ts'
import type { ModuleLoader } from '../kernel/ports/index.ts'
import { bounce, type Router, type Signal } from '../kernel/signals.ts'
import type { Once } from '../kernel/timers.ts'
import type { Carrier, Connection } from './carrier.ts'
import { decode } from './codec.ts'
import { CarrierError } from './errors.ts'
import { OpenCalls } from './far-call.ts'
import { KnownPids } from './known-pids.ts'
import { NodeEvents } from './node-events.ts'
import { Peer } from './peer.ts'
import { encodeCall, encodeGreeting, encodeSignal, type Greeting, VERSION } from './wire.ts'

/** Signals that ask for something: only these make a connection. */
const connecting = new Set<Signal['kind']>(['message', 'alias_message', 'link', 'monitor', 'exit'])

export interface DistributionOptions {
  readonly carrier: Carrier
  /** Loads what other nodes start here by module and export. Default: none, and such a start fails. */
  readonly modules?: ModuleLoader
  /** Connect when a signal is sent to a node that is not connected. Default true, as in OTP. */
  readonly connectOnDemand?: boolean
  /** How long a connection may take, in milliseconds. Default 7000: OTP's `net_setuptime`. */
  readonly setupTimeoutMs?: number
  /** Signals that may wait for one connection to be made; more fail with `noconnection`. Default 10 000. */
  readonly maxWaiting?: number
}

/** A connection that we are making. */
class Dial {
  readonly name: string
  readonly waiting: { readonly signal: Signal; readonly item: Uint8Array }[] = []
  readonly done: Promise<void>
  timer: Once | null = null
  connection: Connection | null = null
  resolve = (): void => {}
  reject = (_error: Error): void => {}

  constructor(name: string) {
    this.name = name
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    // Whoever sends a signal on demand does not wait for this.
    this.done.catch(() => {})
  }
}

/** What makes a node one of a mesh: its connections, and the way of its signals to other nodes. See `docs/semantics.md`. */
export class Distribution implements Router {
  readonly #node: Node
  readonly #carrier: Carrier
  readonly #connectOnDemand: boolean
  readonly #setupTimeoutMs: number
  readonly #maxWaiting: number
  readonly #pids: KnownPids
  readonly #calls = new OpenCalls()
  readonly #events: NodeEvents
  readonly #peers = new Map<string, Peer>()
  /** Whom the last message went to: often the next one does too. */
  #latest: Peer | undefined
  readonly #dials = new Map<string, Dial>()
  /** Connections that have not said who they are. */
  readonly #strangers = new Set<Connection>()
  readonly #stopListening: () => void
  #closed = false

  /** Makes `node` one of a mesh: it listens under its name. Throws ERR_CARRIER if the name is taken. */
  constructor(node: Node, options: DistributionOptions) {
    const { carrier, connectOnDemand = true, setupTimeoutMs = 7000, maxWaiting = 10_000 } = options
    if (!(setupTimeoutMs > 0 && setupTimeoutMs < 2 ** 31)) {
      throw new OptionError('setupTimeoutMs', setupTimeoutMs, 'milliseconds above 0 and below 2^31')
    }
    if (!Number.isSafeInteger(maxWaiting) || maxWaiting < 0) {
      throw new OptionError('maxWaiting', maxWaiting, 'an integer of at least 0')
    }
    this.#node = node
    this.#carrier = carrier
    this.#connectOnDemand = connectOnDemand
    this.#setupTimeoutMs = setupTimeoutMs
    this.#maxWaiting = maxWaiting
    this.#pids = new KnownPids(node)
    this.#events = new NodeEvents(node)
    this.#stopListening = carrier.listen(node.name, (connection) => this.#accept(connection))
    node.router = this
    provideNodeService(node, options.modules)
  }

  // ---- for users ---------------------------------------------------------------------------------------------------

  /** Connects to a node; resolves once it is connected, at once if it is. Rejects with ERR_CARRIER. */
  connect(name: string): Promise<void> {
    if (this.#closed) return Promise.reject(new CarrierError(`connect: node ${this.#node.name} has left the mesh`))
    if (name === this.#node.name || this.#peers.has(name)) return Promise.resolve()
    return (this.#dials.get(name) ?? this.#dial(name)).done
  }

  /** Ends the connection to a node, for both sides. False if there is none. */
  disconnect(name: string): boolean {
    const peer = this.#peers.get(name)
    if (peer !== undefined) this.#end(peer, 'disconnect')
    return peer !== undefined
  }

  /** The nodes that are connected. */
  nodes(): string[] {
    return [...this.#peers.keys()]
  }

  /**
   * Has the process `pid` sent one {@link NodeDown} when the connection to `name` is lost; connects if need be, and a
   * connection that cannot be made counts as lost: OTP's `monitor_node/2`. The returned function ends it.
   */
  monitorNode(pid: Pid, name: string): () => void {
    const end = this.#events.watch(pid, name)
    if (!this.#peers.has(name) && name !== this.#node.name) {
      this.connect(name).catch((error: Error) => {
        if (this.#closed) this.#events.down(name, error.message, false)
      })
    }
    return end
  }

  /** Has `pid` sent a `NodeUp` and a `NodeDown` for each node that comes and goes: OTP's `monitor_nodes/1`. */
  monitorNodes(pid: Pid): () => void {
    return this.#events.watch(pid, undefined)
  }

  /** The pid of these parts as this node knows it: how the first pid of another node gets here. */
  pid({ nodeName, creation, id }: Pick<Pid, 'nodeName' | 'creation' | 'id'>): Pid {
    return this.#pids.pid(nodeName, creation, id)
  }

  /** @internal What the codec has encoded, its pids as this node knows them. */
  decode(bytes: Uint8Array): unknown {
    return decode(bytes, this.#pids)
  }

  /** Calls to other nodes that have no answer yet; a few that are over may count. */
  get openCalls(): number {
    return this.#calls.size
  }

  /** Leaves the mesh: every connection ends, and other nodes cannot be reached any more. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stopListening()
    for (const dial of [...this.#dials.values()]) this.#fail(dial, 'closed')
    for (const peer of [...this.#peers.values()]) this.#end(peer, 'closed')
    for (const stranger of [...this.#strangers]) stranger.close('closed')
  }

  // ---- routing -----------------------------------------------------------------------------------------------------

  /** @internal */
  deliver(signal: Signal): void {
    const { nodeName } = signal.to
    // Another life of this node is over.
    if (nodeName === this.#node.name) return bounce(this.#node, signal, 'noproc')
    const peer = this.#peers.get(nodeName)
    if (peer !== undefined) return peer.deliver(signal, this.#encode(signal))
    let dial = this.#dials.get(nodeName)
    if (dial === undefined && this.#connectOnDemand && !this.#closed && connecting.has(signal.kind)) {
      dial = this.#dial(nodeName)
    }
    if (dial === undefined || dial.waiting.length >= this.#maxWaiting) return bounce(this.#node, signal, 'noconnection')
    dial.waiting.push({ signal, item: this.#encode(signal) })
  }

  /** @internal */
  message(to: Pid, head: unknown, payload: unknown): boolean {
    const peer = this.#latest?.name === to.nodeName ? this.#latest : this.#peers.get(to.nodeName)
    if (peer === undefined) return false
    this.#latest = peer
    return peer.send(to, head, payload)
  }

  /** The bytes of a signal as it is now. Throws NotPortableError. */
  #encode(signal: Signal): Uint8Array {
    if (signal.kind === 'link') this.#pids.adopt(signal.to)
    if (signal.kind !== 'message' || !(signal.payload instanceof Call)) return encodeSignal(signal)
    const call = signal.payload
    const { nodeName } = signal.to
    const id = this.#calls.add(call)
    try {
      return encodeCall(call, id)
    } catch (error) {
      this.#calls.take(id, nodeName)?.abandon()
      throw error
    }
  }

  // ---- connecting --------------------------------------------------------------------------------------------------

  #dial(name: string): Dial {
    const dial = new Dial(name)
    this.#dials.set(name, dial)
    dial.timer = this.#node.after(this.#setupTimeoutMs, () => this.#fail(dial, 'setup timed out'))
    this.#carrier.dial(name).then(
      (connection) => this.#dialled(dial, connection),
      (error: unknown) => this.#fail(dial, error instanceof Error ? error.message : String(error)),
    )
    return dial
  }

  #dialled(dial: Dial, connection: Connection): void {
    const { name } = dial
    const isOver = () => this.#dials.get(name) !== dial
    if (isOver()) return connection.close('superseded')
    dial.connection = connection
    const { name: own, creation } = this.#node
    connection.send(encodeGreeting(['hello', VERSION, own, creation]))
    this.#open(connection, (greeting) => {
      if (isOver()) {
        connection.close('superseded')
        return undefined
      }
      if (greeting[0] === 'welcome' && greeting[1] === VERSION && greeting[2] === name) {
        return this.#up(name, greeting[3], connection)
      }
      connection.close('refused')
      const reason = greeting[0] === 'refused' ? greeting[1] : 'another node answered'
      // The other's own dial stands: it is on its way here.
      if (reason !== 'duplicate') this.#fail(dial, reason)
      return undefined
    })
  }

  #accept(connection: Connection): void {
    if (this.#closed) return connection.close('closed')
    this.#strangers.add(connection)
    const timer = this.#node.after(this.#setupTimeoutMs, () => connection.close('setup timed out'))
    this.#open(
      connection,
      (greeting) => this.#greeted(greeting, connection),
      () => {
        this.#strangers.delete(connection)
        this.#node.timers.cancel(timer)
      },
    )
  }

  #greeted(greeting: Greeting, connection: Connection): Peer | undefined {
    const { name: own, creation } = this.#node
    const refuse = (reason: string) => {
      connection.send(encodeGreeting(['refused', reason]))
      connection.close('refused')
      return undefined
    }
    if (greeting[0] !== 'hello') return refuse('no greeting')
    const [, version, name, theirCreation] = greeting
    if (version !== VERSION) return refuse(`version ${VERSION} is spoken here`)
    if (name === own) return refuse('the name is taken')
    if (this.#dials.has(name) && own > name) return refuse('duplicate')
    const before = this.#peers.get(name)
    if (before !== undefined) this.#end(before, 'reconnected')
    connection.send(encodeGreeting(['welcome', VERSION, own, creation]))
    return this.#up(name, theirCreation, connection)
  }

  /** Hears a connection: its first frame is a greeting, the others are its peer's. `settled`: no stranger any more. */
  #open(connection: Connection, greeted: (greeting: Greeting) => Peer | undefined, settled = () => {}): void {
    let peer: Peer | undefined
    let isFirst = true
    connection.open({
      received: (frame, moved) => {
        try {
          // What comes on a connection that we have given up is nothing to us.
          if (!isFirst) return peer !== undefined && this.#isUp(peer) ? peer.received(frame, moved) : undefined
          isFirst = false
          settled()
          peer = greeted(decode(frame, this.#pids) as Greeting)
        } catch (error) {
          // What is no frame of ours ends the connection: nothing that follows could be trusted to be in order.
          connection.close(error instanceof Error ? error.message : String(error))
        }
        return undefined
      },
      lost: (reason) => {
        settled()
        if (peer !== undefined) return this.#lost(peer, reason)
        for (const dial of this.#dials.values()) if (dial.connection === connection) this.#abandoned(dial, reason)
        return undefined
      },
    })
  }

  /** The connection of a dial is lost before it stood: for good, unless the other's own dial is to come. */
  #abandoned(dial: Dial, reason: string): void {
    dial.connection = null
    if (reason !== 'refused') this.#fail(dial, reason)
  }

  #up(name: string, creation: number, connection: Connection): Peer {
    const peer = new Peer({ node: this.#node, pids: this.#pids, calls: this.#calls }, name, creation, connection)
    this.#peers.set(name, peer)
    const dial = this.#dials.get(name)
    if (dial !== undefined) {
      this.#settle(dial)
      if (dial.connection !== connection) dial.connection?.close('superseded')
      for (const { signal, item } of dial.waiting) peer.deliver(signal, item)
      dial.resolve()
    }
    this.#events.up(name)
    return peer
  }

  #settle(dial: Dial): void {
    this.#dials.delete(dial.name)
    if (dial.timer !== null) this.#node.timers.cancel(dial.timer)
  }

  #fail(dial: Dial, reason: string): void {
    if (this.#dials.get(dial.name) !== dial) return
    this.#settle(dial)
    dial.connection?.close(reason)
    for (const { signal } of dial.waiting) bounce(this.#node, signal, 'noconnection')
    this.#calls.lost(dial.name)
    dial.reject(new CarrierError(`connect to ${JSON.stringify(dial.name)}: ${reason}`))
    this.#events.down(dial.name, reason, false)
  }

  // ---- the end of a connection -------------------------------------------------------------------------------------

  /** We end a connection: what was sent before still goes. */
  #end(peer: Peer, reason: string): void {
    peer.flush()
    peer.connection.close(reason)
    this.#lost(peer, reason)
  }

  #lost(peer: Peer, reason: string): void {
    if (!this.#isUp(peer)) return
    this.#peers.delete(peer.name)
    this.#latest = undefined
    peer.lost()
    this.#events.down(peer.name, reason, true)
  }

  #isUp(peer: Peer): boolean {
    return this.#peers.get(peer.name) === peer
  }
}
