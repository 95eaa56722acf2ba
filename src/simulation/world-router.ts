// The way between the nodes of a world, with Erlang's rules: signals between two processes stay in order, a lost
// connection fires monitors and breaks links with `noconnection`, and fails the calls under way. A stand-in for a
// distribution layer, which will put its own carrier on the same network model.
//
// Calls, monitors, links and exit signals are never lost but with the connection: where the weather drops one it comes
// late, as over TCP. Plain sends and casts take the weather as it is: lost, doubled, overtaken, as it says.

import { Call, StopCall } from '../kernel/call.ts'
import { ExitError, type ExitReason } from '../kernel/exit-reason.ts'
import { INFO } from '../kernel/messages.ts'
import type { Pid, Reference } from '../kernel/pid.ts'
import { bounce, type Signal } from '../kernel/signals.ts'
import { copyMessage } from './message-copy.ts'
import { MessageGate, type MessagePattern } from './message-gate.ts'
import { type LinkPattern, NetworkModel, type Weather } from './network-model.ts'
import type { SeededRandom } from './random.ts'
import type { SimulatedNode } from './simulated-node.ts'
import { microseconds, type VirtualTime } from './virtual-time.ts'
import { ActPacket, type Destination, type Home, type Lane, MessagePacket, type Packet } from './world-packet.ts'

/** What a dropped signal of a reliable kind loses: one retransmission. */
const RETRANSMIT_US = 200_000
const OUTSIDE_US = 1000

export interface WorldNetworkOptions extends Partial<Weather> {
  /** How long two nodes that cannot reach each other stay connected, in milliseconds. Default 1000. */
  readonly disconnectMs?: number
  /** Nodes that stand outside: no weather, no partition; 1 ms, in order. Default: none. */
  readonly isOutside?: (node: string) => boolean
  /** What a message counts as for holds and strikes. Default: the tag of a cast or call, the `kind` of a plain one. */
  readonly kindOf?: (tag: string | undefined, message: unknown) => string
}

interface Request {
  readonly from: SimulatedNode
  readonly to: string
  readonly call: Call
  /** The same call as the callee's node has it. */
  far: Call | null
}

export interface RouterHost {
  readonly time: VirtualTime
  readonly random: SeededRandom
  /** Where the current life of a node is, also when it is down; undefined if there is none of that name. */
  find(name: string): Home | undefined
  names(): readonly string[]
  /** A message was lost, or doubled. */
  noted(what: 'lost' | 'doubled' | 'held', from: string, to: string, kind: string, content: unknown): void
}

/** The network between the nodes, as scenarios command it: `world.network`. */
export class WorldRouter {
  readonly #host: RouterHost
  readonly #model: NetworkModel
  readonly #gate = new MessageGate<Packet>()
  readonly #disconnectUs: number
  readonly #isOutside: (node: string) => boolean
  readonly #kindOf: (tag: string | undefined, message: unknown) => string
  readonly #requests = new Set<Request>()
  /** Reliable packets that cannot pass, by connection, until that breaks or heals. */
  readonly #parked = new Map<string, Packet[]>()
  /** By where they come from and where they go. */
  readonly #lanes = new Map<string, Map<string, Lane>>()
  #gated = false
  readonly #destination: Destination = { arrived: (packet) => this.#arrived(packet) }

  /** @internal */
  constructor(host: RouterHost, options: WorldNetworkOptions = {}) {
    const { disconnectMs = 1000, isOutside = () => false, kindOf = kindOfMessage, ...weather } = options
    this.#host = host
    this.#model = new NetworkModel(weather)
    this.#disconnectUs = microseconds(disconnectMs, 'disconnectMs')
    this.#isOutside = isOutside
    this.#kindOf = kindOf
  }

  // ---- commands ----------------------------------------------------------------------------------------------------

  /** Changes the weather, everywhere or on some links. See {@link NetworkModel.setWeather}. */
  setWeather(change: Partial<Weather>, pattern: LinkPattern = {}): void {
    this.#model.setWeather(change, pattern)
  }

  /** Splits the network, in place of the partition before; nodes not named form one more group. */
  partition(groups: readonly (readonly string[])[]): void {
    this.#model.partition(groups)
    this.#watchConnections()
  }

  /** Closes one direction; a side that is left out means any node. */
  cut(pattern: LinkPattern): void {
    this.#model.cut(pattern)
    this.#watchConnections()
  }

  /** Ends the partition and every cut. The weather, and what is held, stay. */
  heal(): void {
    this.#model.heal()
    for (const [key, packets] of [...this.#parked]) {
      this.#parked.delete(key)
      for (const packet of packets) this.#launch(packet)
    }
  }

  /** From now on messages that match wait. */
  hold(pattern: MessagePattern): void {
    this.#gate.hold(pattern)
    this.#gated = true
  }

  /** Delivers what waits and matches, at once. See {@link MessageGate.release}. */
  release(pattern: MessagePattern = {}, options: { readonly count?: number; readonly reverse?: boolean } = {}): void {
    for (const packet of this.#gate.release(pattern, options)) this.#schedule(packet, this.#host.time.nowUs)
  }

  /** The next `count` messages that match are lost. */
  dropNext(pattern: MessagePattern, count = 1): void {
    this.#gate.dropNext(pattern, count)
    this.#gated = true
  }

  /** The next `count` messages that match arrive twice. */
  duplicateNext(pattern: MessagePattern, count = 1): void {
    this.#gate.duplicateNext(pattern, count)
    this.#gated = true
  }

  /** Whether both nodes are there and messages pass from one to the other. */
  isOpen(from: string, to: string): boolean {
    return this.#host.find(to)?.node.state !== 'down' && this.#passes(from, to)
  }

  // ---- for nodes ---------------------------------------------------------------------------------------------------

  /** @internal Sends a signal; it comes back as `noconnection` if there is no such node. */
  deliver(from: SimulatedNode, signal: Signal): void {
    if (this.#host.find(signal.to.nodeName) === undefined) return bounce(from, signal, 'noconnection')
    if (signal.kind === 'message') {
      const { to, head, payload } = signal
      const copy = payload instanceof Call ? payload : copyMessage(payload)
      return this.#post(this.#lane(from.name, to.nodeName), to, head, payload, copy)
    }
    const isAlias = signal.kind === 'alias_message'
    const kind = isAlias ? this.#kindOf(undefined, signal.payload) : signal.kind
    const content = isAlias ? signal.payload : undefined
    const sent = copySignal(signal)
    this.#act(from.name, signal.to.nodeName, { kind, reliable: true, content }, (node) => {
      const to = sent.kind === 'demonitor' ? (monitored(node, sent.ref) ?? sent.to) : node.target(sent.to)
      if (to === undefined) bounce(node, sent, 'noproc')
      else if (node.isLocal(to)) node.post(to, to === sent.to ? sent : { ...sent, to })
      else bounce(node, sent, 'noproc')
    })
  }

  /** @internal Sends a message or a cast as it is; false, and nothing has happened, if there is no such node. */
  message(from: SimulatedNode, to: Pid, head: unknown, payload: unknown): boolean {
    if (payload instanceof Call) return false
    const lane = this.#lane(from.name, to.nodeName)
    if (lane.home === undefined) return false
    this.#post(lane, to, head, payload, copyMessage(payload))
    return true
  }

  /** @internal Sends a plain message to an alias, which only the life of the node that made it knows. */
  sendToAlias(from: SimulatedNode, ref: Reference, message: unknown): void {
    const content = copyMessage(message)
    const kind = this.#kindOf(undefined, message)
    this.#act(from.name, ref.nodeName, { kind, reliable: false, content }, (node) => {
      if (node.creation === ref.creation) node.sendToAlias(ref, content)
    })
  }

  /** @internal Sends a call. Its answer comes back as a `reply`. */
  request(from: SimulatedNode, head: unknown, call: Call): void {
    const to = call.callee.nodeName
    const request: Request = { from, to, call, far: null }
    this.#requests.add(request)
    const settle = (content: unknown, act: () => void) => {
      if (!this.#requests.delete(request)) return
      this.#act(to, from.name, { kind: 'reply', reliable: true, content }, (node) => {
        if (node === from) act()
      })
    }
    const Kind = call instanceof StopCall ? FarStop : FarCall
    const far = new Kind(
      call,
      copyMessage(call.payload),
      (value) => {
        const answer = copyMessage(value)
        settle(answer, () => call.answer(answer))
      },
      (error) => {
        const reason: ExitReason = error instanceof ExitError ? error.reason : error
        settle(reason, () => call.fail(reason))
      },
    )
    request.far = far
    this.deliver(from, { kind: 'message', to: call.callee, head, payload: far })
  }

  /** @internal The power of a node is gone: its connections break in their time. */
  lost(_node: SimulatedNode): void {
    this.#watchConnections()
  }

  /** @internal A node has come back: what was connected to its former life learns of it now. */
  returned(node: SimulatedNode): void {
    for (const other of this.#host.names()) if (other !== node.name) this.#disconnect(node.name, other)
  }

  // ---- packets -----------------------------------------------------------------------------------------------------

  #post(lane: Lane, to: Pid, head: unknown, payload: unknown, copy: unknown): void {
    const tag = typeof head === 'string' ? head : undefined
    const content = payload instanceof Call ? payload.payload : payload
    const kind = this.#kindOf(payload instanceof Call ? payload.tag : tag, content)
    const reliable = tag === undefined && head !== INFO
    const packet = new MessagePacket(this.#destination, lane, kind, reliable, content)
    packet.pid = to
    packet.head = head
    packet.payload = copy
    this.#send(packet)
  }

  #act(
    from: string,
    to: string,
    what: { readonly kind: string; readonly reliable: boolean; readonly content: unknown },
    act: (node: SimulatedNode) => void,
  ): void {
    this.#send(new ActPacket(this.#destination, this.#lane(from, to), what, act))
  }

  #lane(from: string, to: string): Lane {
    let lanes = this.#lanes.get(from)
    if (lanes === undefined) {
      lanes = new Map()
      this.#lanes.set(from, lanes)
    }
    let lane = lanes.get(to)
    if (lane === undefined) {
      const home = this.#host.find(to)
      lane = { from, to, home, outside: this.#isOutside(from) || this.#isOutside(to), floorUs: 0 }
      if (home !== undefined) lanes.set(to, lane)
    }
    return lane
  }

  #send(packet: Packet): void {
    if (!this.#gated) return this.#launch(packet)
    // What is held was sent all the same: a closed link loses it now.
    if (!packet.reliable && !this.#passes(packet.from, packet.to)) {
      return this.#host.noted('lost', packet.from, packet.to, packet.kind, packet.content)
    }
    const copies = this.#gate.admit(packet)
    if (copies === 0) this.#host.noted('lost', packet.from, packet.to, packet.kind, packet.content)
    for (let copy = 0; copy < copies; copy++) this.#launch(packet)
  }

  #launch(packet: Packet): void {
    const { lane } = packet
    const { from, to } = lane
    const { time, random } = this.#host
    if (lane.outside) return this.#schedule(packet, time.nowUs + OUTSIDE_US)
    const arrivals = this.#model.send(from, to, time.nowUs, random)
    if (packet.reliable) {
      if (!this.#model.isOpen(from, to)) return this.#park(packet)
      lane.floorUs = Math.max(arrivals[0] ?? time.nowUs + RETRANSMIT_US, lane.floorUs)
      return this.#schedule(packet, lane.floorUs)
    }
    if (arrivals.length === 0) return this.#host.noted('lost', from, to, packet.kind, packet.content)
    if (arrivals.length > 1) this.#host.noted('doubled', from, to, packet.kind, packet.content)
    for (const at of arrivals) this.#schedule(packet, Math.max(at, lane.floorUs))
  }

  #schedule(packet: Packet, atUs: number): void {
    this.#host.time.at(atUs, packet)
  }

  #arrived(packet: Packet): void {
    const { from, to, home, outside } = packet.lane
    const node = (home ?? this.#host.find(to))?.node
    if (node === undefined || node.state === 'down' || !(outside || this.#model.isOpen(from, to))) {
      if (packet.reliable && node !== undefined) this.#park(packet)
      else this.#host.noted('lost', from, to, packet.kind, packet.content)
      return
    }
    if (node.state === 'up') packet.arrive(node)
    else node.arrive(() => packet.arrive(node))
  }

  #passes(from: string, to: string): boolean {
    return this.#isOutside(from) || this.#isOutside(to) || this.#model.isOpen(from, to)
  }

  // ---- connections -------------------------------------------------------------------------------------------------

  #park(packet: Packet): void {
    const key = [packet.from, packet.to].sort().join(' ')
    const parked = this.#parked.get(key)
    if (parked !== undefined) parked.push(packet)
    else {
      this.#parked.set(key, [packet])
      this.#breakLater(packet.from, packet.to)
    }
  }

  #watchConnections(): void {
    const names = this.#host.names()
    for (const [index, a] of names.entries()) {
      for (const b of names.slice(index + 1)) if (!this.#isConnected(a, b)) this.#breakLater(a, b)
    }
  }

  #isConnected(a: string, b: string): boolean {
    return this.isOpen(a, b) && this.isOpen(b, a)
  }

  #breakLater(a: string, b: string): void {
    const { time } = this.#host
    time.at(time.nowUs + this.#disconnectUs, () => {
      if (!this.#isConnected(a, b)) this.#disconnect(a, b)
    })
  }

  /** Both ends learn that the other cannot be reached. */
  #disconnect(a: string, b: string): void {
    this.#parked.delete([a, b].sort().join(' '))
    this.#tellLost(this.#host.find(a)?.node, b)
    this.#tellLost(this.#host.find(b)?.node, a)
    for (const request of [...this.#requests]) {
      const { from, to, call } = request
      if (!((from.name === a && to === b) || (from.name === b && to === a))) continue
      this.#requests.delete(request)
      request.far?.abandon()
      from.arrive(() => call.fail('noconnection'))
    }
  }

  #tellLost(node: SimulatedNode | undefined, other: string): void {
    if (node === undefined || node.state === 'down') return
    node.arrive(() => {
      for (const process of node.living()) {
        const to = process.pid
        for (const { ref, pid } of process.monitorTable?.values() ?? []) {
          if (pid?.nodeName === other) node.post(to, { kind: 'down', to, from: pid, ref, reason: 'noconnection' })
        }
        for (const from of process.linkSet?.list() ?? []) {
          if (from.nodeName === other) node.post(to, { kind: 'link_exit', to, from, reason: 'noconnection' })
        }
        for (const [ref, watcher] of process.watchers ?? []) {
          if (watcher.nodeName === other) process.watchers?.delete(ref)
        }
      }
    })
  }
}

/** A call as the callee's node sees it. */
class FarCall extends Call {
  override readonly from: Pid | null

  constructor(origin: Call, payload: unknown, resolve: (value: unknown) => void, reject: (error: unknown) => void) {
    super(origin.tag, payload, null, origin.callee, resolve, reject)
    this.from = origin.from
  }
}

class FarStop extends StopCall {
  override readonly from: Pid | null

  constructor(origin: Call, payload: unknown, resolve: (value: unknown) => void, reject: (error: unknown) => void) {
    super(origin.tag, payload, null, origin.callee, resolve, reject)
    this.from = origin.from
  }
}

/** Who is monitored by `ref`: behind a name, whoever had it when the monitor came. */
function monitored(node: SimulatedNode, ref: Reference): Pid | undefined {
  return node.living().find((process) => process.watchers?.has(ref))?.pid
}

function copySignal(signal: Signal): Signal {
  switch (signal.kind) {
    case 'alias_message':
      return { ...signal, payload: copyMessage(signal.payload) }
    case 'exit':
    case 'link_exit':
    case 'down':
      return { ...signal, reason: copyMessage(signal.reason) }
    default:
      return signal
  }
}

function kindOfMessage(tag: string | undefined, message: unknown): string {
  if (tag !== undefined) return tag
  if (typeof message !== 'object' || message === null || !('kind' in message)) return 'send'
  return typeof message.kind === 'string' ? message.kind : 'send'
}
