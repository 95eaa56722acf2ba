// What is on its way between the nodes of a world. A packet is an event of the world's time itself: there are so many
// that neither a signal nor a closure is made for a message. It knows how to arrive; the router decides whether it does.

import type { Pid } from '../kernel/pid.ts'
import { ProcessRef } from '../kernel/process-ref.ts'
import { bounce } from '../kernel/signals.ts'
import type { GatedMessage } from './message-gate.ts'
import type { SimulatedNode } from './simulated-node.ts'
import type { Happening } from './virtual-time.ts'

/** What outlives the lives of a node. */
export interface Home {
  readonly node: SimulatedNode
}

/** One direction between two nodes. */
export interface Lane {
  readonly from: string
  readonly to: string
  /** Where the present life of the node at its end is found; undefined if there was none of that name. */
  readonly home: Home | undefined
  /** One end stands outside of weather and partitions. */
  readonly outside: boolean
  /** When the last reliable packet arrives: nothing sent after it may come before. */
  floorUs: number
}

/** Where a packet goes when the instant of its arrival has come. */
export interface Destination {
  arrived(packet: Packet): void
}

export abstract class Packet implements GatedMessage, Happening {
  readonly lane: Lane
  /** What holds and strikes know it by. */
  readonly kind: string
  /** Lost only with the connection. */
  readonly reliable: boolean
  /** For the trace: what it carries. */
  readonly content: unknown
  readonly #destination: Destination

  constructor(destination: Destination, lane: Lane, kind: string, reliable: boolean, content: unknown) {
    this.#destination = destination
    this.lane = lane
    this.kind = kind
    this.reliable = reliable
    this.content = content
  }

  get from(): string {
    return this.lane.from
  }

  get to(): string {
    return this.lane.to
  }

  happen(): void {
    this.#destination.arrived(this)
  }

  abstract arrive(node: SimulatedNode): void
}

export class MessagePacket extends Packet {
  /** Who it is for, set by whoever makes it. */
  pid: Pid | undefined
  head: unknown
  payload: unknown

  arrive(node: SimulatedNode): void {
    const { pid, head, payload } = this
    if (pid === undefined) return
    const to = node.target(pid)
    if (to instanceof ProcessRef && to.process !== null) node.sendPair(to, head, payload)
    else if (to !== undefined && node.isLocal(to)) node.post(to, { kind: 'message', to, head, payload })
    else bounce(node, { kind: 'message', to: pid, head, payload }, 'noproc')
  }
}

/** Whatever else: signals, answers, messages to aliases. */
export class ActPacket extends Packet {
  readonly #act: (node: SimulatedNode) => void

  constructor(
    destination: Destination,
    lane: Lane,
    { kind, reliable, content }: { readonly kind: string; readonly reliable: boolean; readonly content: unknown },
    act: (node: SimulatedNode) => void,
  ) {
    super(destination, lane, kind, reliable, content)
    this.#act = act
  }

  arrive(node: SimulatedNode): void {
    this.#act(node)
  }
}
