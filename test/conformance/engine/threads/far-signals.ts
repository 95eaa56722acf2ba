// Kind "signals" over two nodes: how a process reaches those of the other thread, and what the sites tell each other.
// An agent on each node answers for it, as `erpc` would be asked in Erlang.

import {
  defineServer,
  definitionAt,
  type Node,
  type Pid,
  ProcessError,
  type Ref,
  reply,
  type Self,
  spawnOn,
} from 'espalier'
import type { Reach, SpawnOp } from '../reach.ts'
import type { Beyond, KnownReference, SignalsSite } from '../signals-site.ts'

const AGENT = 'agent'
/** Said to a spawned process once whoever spawned it monitors it. */
const GO = 'go'

const sites = new Map<string, SignalsSite>()

/** What the agent of a node does for the other node. */
interface Agent {
  readonly call: {
    isAlive(pid: Pid): boolean
    whereis(name: string): Pid | undefined
    /** What is raised, or null. */
    register(request: { readonly name: string; readonly pid: Pid }): string | null
    unregister(name: string): string | null
  }
  readonly cast: {
    born(known: { readonly name: string; readonly pid: Pid }): void
    named(known: KnownReference): void
    died(name: string): void
  }
}

/** What a spawned process runs: loaded by the other node's name of it. */
export async function liveHere(self: Self, op: Omit<SpawnOp, 'op' | 'how'>): Promise<void> {
  const site = sites.get(self.nodeName)
  site?.born(op.name, self.pid)
  await self.receive((message) => message === GO)
  await site?.live(self, op)
}

/** Makes `site` the one of its node, and starts its agent. */
export async function provideAgent(site: SignalsSite): Promise<void> {
  sites.set(site.node.name, site)
  await site.node.start(agentOf(site), undefined, { name: AGENT, priority: 'high' })
}

export function forget(nodeName: string): void {
  sites.delete(nodeName)
}

function agentOf(site: SignalsSite) {
  return defineServer({
    init: () => null,
    call: {
      isAlive: ({ self, state }, pid: Pid) => reply(self.isAlive(pid), state),
      whereis: ({ self, state }, name: string) => reply(self.whereis(name), state),
      register: ({ self, state }, { name, pid }: { readonly name: string; readonly pid: Pid }) =>
        reply(
          raised(() => self.register(name, pid)),
          state,
        ),
      unregister: ({ self, state }, name: string) =>
        reply(
          raised(() => self.unregister(name)),
          state,
        ),
    },
    cast: {
      born: ({ state }, { name, pid }: { readonly name: string; readonly pid: Pid }) => {
        site.learn(name, pid)
        return state
      },
      named: ({ state }, known: KnownReference) => {
        site.learnReference(known)
        return state
      },
      died: ({ state }, name: string) => {
        site.gone(name)
        return state
      },
    },
  })
}

function raised(act: () => void): string | null {
  try {
    act()
    return null
  } catch (error) {
    if (error instanceof ProcessError) return error.reason
    throw error
  }
}

/** What a site of `node` has beyond it: the node `other`. */
export function beyond(node: Node, other: string, count: Beyond['count']): Beyond {
  const agent = node.at(definitionAt(import.meta.url, AGENT), other, AGENT) as Ref<Agent>
  return {
    count,
    reach: reachOver(node, other, agent),
    tell: {
      born: (name, pid) => void agent.cast('born', { name, pid }),
      named: (known) => void agent.cast('named', known),
      died: (name) => void agent.cast('died', name),
    },
  }
}

function reachOver(node: Node, other: string, agent: Ref<Agent>): Reach {
  const isThere = (self: Self, name: string) => self.call(agent, 'whereis', name)
  const refuse = (reason: string | null, what: string) => {
    if (reason !== null) throw new ProcessError('badarg', what)
  }
  return {
    isAlive: (self, pid) => (pid.nodeName === node.name ? self.isAlive(pid) : self.call(agent, 'isAlive', pid)),
    register: async (self, name, pid) => {
      const holder = self.whereis(name) ?? (await isThere(self, name))
      if (holder !== undefined) throw new ProcessError('badarg', `register ${name}: it is taken`)
      if (pid.nodeName === node.name) self.register(name, pid)
      else refuse(await self.call(agent, 'register', { name, pid }), `register ${name}`)
    },
    unregister: async (self, name) => {
      if (self.whereis(name) !== undefined) self.unregister(name)
      else refuse(await self.call(agent, 'unregister', name), `unregister ${name}`)
    },
    whereis: async (self, name) => self.whereis(name) ?? (await isThere(self, name)),
    address: async (self, name) => {
      if (self.whereis(name) !== undefined || (await isThere(self, name)) === undefined) return name
      return self.at(other, name)
    },
    spawn: async (self, { how, ...rest }) => {
      const { op: _, ...op } = rest
      const command = { module: import.meta.url, export: 'liveHere', args: [op] }
      const pid = await spawnOn(self, other, command, { link: how === 'spawn_link' })
      const ref = how === 'spawn_monitor' ? self.monitor(pid) : undefined
      self.send(pid, GO)
      return { pid, ref }
    },
  }
}
