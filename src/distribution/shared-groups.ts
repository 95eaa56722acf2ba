// Process groups over a mesh: one process per scope and node tells the others of its scope what the groups of its node
// are, and tells the groups what it hears. As OTP's pg: whole state once, then changes; what a lost node had joined is
// gone with it.
//
// Whoever has the scope's name on a node speaks for it. Two of them meet when their nodes connect, or when the later one
// starts; each then monitors the other, and a Down purges what came from there.

import { defineServer } from '../behaviours/server.ts'
import type { GroupUpdate, ProcessGroups } from '../groups/process-groups.ts'
import { PubSub } from '../groups/pub-sub.ts'
import type { Key } from '../kernel/key.ts'
import { Down } from '../kernel/messages.ts'
import type { Node } from '../kernel/node.ts'
import { actorOf } from '../kernel/own.ts'
import type { Pid } from '../kernel/pid.ts'
import type { Definition, Ref } from '../kernel/ref.ts'
import type { Self } from '../kernel/self.ts'
import { type NodeDown, NodeUp } from './node-events.ts'

/** What of a mesh is needed to find the others: a {@link Distribution}. */
export interface NodeWatch {
  /** The nodes that are connected. */
  nodes(): string[]
  /** Has a process sent a NodeUp and a {@link NodeDown} for each node that comes and goes. */
  monitorNodes(pid: Pid): () => void
}

/** What those who speak for a scope tell each other. */
interface ScopeProtocol {
  readonly cast: {
    /** Somebody asks for everything, and for what changes from now on. */
    discover(from: Pid): void
    /** Everything, or a change. */
    update(told: readonly [from: Pid, update: GroupUpdate<Key>]): void
  }
}

/** How many peers are known, and the members they have told: for people. */
interface ScopeState {
  /** By the text of their pids: they come and go with their lives. */
  readonly peers: Map<string, Ref<ScopeProtocol>>
}

/**
 * The process that joins the groups of one node, or the subscriptions of a {@link PubSub}, to those of the same scope on
 * the other nodes of a mesh. Put it under a supervisor: `{ id: 'groups', start: [sharedGroups(mesh, groups)] }`. While it
 * does not run, the groups are those of the own node.
 */
export function sharedGroups<G extends Key>(
  mesh: NodeWatch,
  shared: ProcessGroups<G> | PubSub<G>,
): Definition<undefined> {
  const typed: unknown = shared instanceof PubSub ? shared.groups : shared
  const groups = typed as ProcessGroups<Key>
  const name = `groups.${groups.scope}`

  /** Notes a peer and watches it. False if it was known. */
  function meet(self: Self, { peers }: ScopeState, pid: Pid): boolean {
    if (peers.has(`${pid}`)) return false
    peers.set(`${pid}`, pid as Ref<ScopeProtocol>)
    self.monitor(pid)
    return true
  }

  const call = (self: Self, nodeName: string) =>
    self.cast(self.at(nodeName, name) as Ref<ScopeProtocol>, 'discover', self.pid)

  return defineServer<ScopeProtocol>()({
    name: 'shared groups',
    init: (_argument: undefined, { self }): ScopeState => {
      const state: ScopeState = { peers: new Map() }
      self.register(name)
      const stop = groups.onLocalChange((update) => {
        for (const peer of state.peers.values()) self.cast(peer, 'update', [self.pid, update])
      })
      nodeOf(self).watchEnd(self.pid, {
        ended: () => {
          stop()
          for (const peer of state.peers.keys()) groups.purge(peer)
        },
      })
      mesh.monitorNodes(self.pid)
      for (const node of mesh.nodes()) call(self, node)
      return state
    },
    cast: {
      discover: ({ self, state }, from) => {
        if (meet(self, state, from)) self.cast(from as Ref<ScopeProtocol>, 'discover', self.pid)
        self.cast(from as Ref<ScopeProtocol>, 'update', [self.pid, groups.localState()])
        return state
      },
      update: ({ self, state }, [from, update]) => {
        meet(self, state, from)
        groups.applyUpdate(`${from}`, update)
        return state
      },
    },
    info: ({ self, state }, message) => {
      if (message instanceof NodeUp) call(self, message.nodeName)
      else if (message instanceof Down) {
        state.peers.delete(`${message.target}`)
        groups.purge(`${message.target}`)
      }
      return state
    },
  })
}

function nodeOf(self: Self): Node {
  return actorOf(self).node
}
