// Publish and subscribe by topic, over process groups: what the distribution layer tells the groups of other nodes,
// broadcasts reach too. Topics are whole keys; there are no patterns.

import type { Key } from '../kernel/key.ts'
import type { Node } from '../kernel/node.ts'
import type { Pid } from '../kernel/pid.ts'
import { MAX_ENTRIES } from './owned-entries.ts'
import { ProcessGroups } from './process-groups.ts'
import { type BroadcastOptions, type Sender, sendToAll } from './sender.ts'

export interface PubSubOptions {
  /** Names the scope of the groups beneath: PubSubs of one name on different nodes are one. Default `pubsub`. */
  readonly name?: string
  /** Most subscriptions of this node's processes at a time. Default 1 000 000. */
  readonly maxSubscriptions?: number
}

/** Topics and their subscribers. T: the topics. */
export class PubSub<T extends Key = string> {
  /** @internal */
  readonly groups: ProcessGroups<T>

  /** @throws OptionError for a wrong option. */
  constructor(node: Node, options: PubSubOptions = {}) {
    this.groups = new ProcessGroups(node, {
      scope: options.name ?? 'pubsub',
      maxMembers: options.maxSubscriptions ?? MAX_ENTRIES,
    })
  }

  /**
   * From now on, sends what is broadcast on `topic` to a process of this node, as plain messages, until it ends.
   * Idempotent, unlike Phoenix's: nobody gets a message twice. False if it was subscribed already, or has ended.
   *
   * @throws ProcessError ERR_BADARG if it lives on another node; CapacityError at `maxSubscriptions`.
   */
  subscribe(pid: Pid, topic: T): boolean {
    if (this.groups.joined(topic, pid) > 0) return false
    this.groups.join(topic, pid)
    return this.groups.joined(topic, pid) > 0
  }

  /** Ends a subscription. What has been sent already still arrives. False if there was none. */
  unsubscribe(pid: Pid, topic: T): boolean {
    return this.groups.leave(topic, pid)
  }

  /** The subscribers of a topic, oldest first. */
  subscribers(topic: T): Pid[] {
    return this.groups.members(topic)
  }

  /** The topics that have subscribers. */
  topics(): T[] {
    return this.groups.groups()
  }

  /**
   * Sends `message` to every subscriber of `topic`. Two broadcasts of one sender arrive in their order. Nothing is
   * kept for those who come later. A subscriber whose mailbox is full does what its bound says.
   *
   * @param from a process's `self`, or the node.
   * @returns to how many it was sent.
   */
  broadcast(from: Sender, topic: T, message: unknown, options?: BroadcastOptions): number {
    return sendToAll(from, this.subscribers(topic), message, options)
  }
}
