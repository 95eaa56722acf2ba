// Who the agents are: processes by id, their role and their standing. An agent that ends is taken out by its monitor.
//
// Invariant: an id has at most one living process, and every entry is monitored.

import { Down, defineServer, type Pid, type Ref, type Reference, reply, type Self } from '../../src/index.ts'

/** The name under which the registry of a flow system is registered. */
export const registryName = 'flow_registry'

export interface RegisteredAgent {
  readonly id: string
  readonly role: string
  /** How many tasks it may do at once. */
  readonly concurrency: number
  readonly pid: Pid
}

interface Entry extends RegisteredAgent {
  readonly monitor: Reference
}

interface Agents {
  readonly byId: ReadonlyMap<string, Entry>
}

/** The registry of agents: unique by id, listed by role, in the order of registration. */
export const Registry = defineServer({
  name: 'flow_registry',
  init: (): Agents => ({ byId: new Map() }),
  call: {
    /** False if another living process has this id. */
    register: ({ self, state }, agent: RegisteredAgent) => {
      const present = state.byId.get(agent.id)
      if (present !== undefined && present.pid !== agent.pid && mayLive(self, present.pid)) return reply(false, state)
      if (present !== undefined) self.demonitor(present.monitor, { flush: true })
      return reply(true, withAgent(state, { ...agent, monitor: self.monitor(agent.pid) }))
    },
    find: ({ state }, id: string) => reply(state.byId.get(id), state),
    members: ({ state }, role: string) =>
      reply(
        listed(state).filter((agent) => agent.role === role),
        state,
      ),
    list: ({ state }) => reply(listed(state), state),
  },
  info: ({ state }, message) => (message instanceof Down ? withoutProcess(state, message.target) : state),
})

/** The registry of the flow system whose home is the node of that name: by default, of the asker's own node. */
export function registryAt(self: Self, home: string | undefined): Ref<typeof Registry> {
  return self.at(Registry, home ?? self.pid.nodeName, registryName)
}

/** Of a process on another node the monitor tells, in its time. */
export function mayLive(self: Self, pid: Pid): boolean {
  return pid.nodeName !== self.pid.nodeName || self.isAlive(pid)
}

function listed(state: Agents): readonly RegisteredAgent[] {
  return [...state.byId.values()]
}

function withAgent(state: Agents, entry: Entry): Agents {
  return { byId: new Map([...state.byId, [entry.id, entry]]) }
}

function withoutProcess(state: Agents, target: Pid | string): Agents {
  return { byId: new Map([...state.byId].filter(([, entry]) => entry.pid !== target)) }
}
