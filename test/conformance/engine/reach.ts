// What a process of kind "signals" does to others that may be on another node: on one node the kernel's own operations,
// over two what Erlang's programs do there (a remote spawn, and for names and `alive` a question to the other node).

import type { Pid, Self } from 'espalier'
import type { SignalsOp } from '../scenario.ts'

export type SpawnOp = Extract<SignalsOp, { readonly op: 'spawn' }>
type Awaitable<T> = T | Promise<T>

export interface Reach {
  isAlive(self: Self, pid: Pid): Awaitable<boolean>
  register(self: Self, name: string, pid: Pid): Awaitable<void>
  unregister(self: Self, name: string): Awaitable<void>
  whereis(self: Self, name: string): Awaitable<Pid | undefined>
  /** What to send to or monitor in place of a name. */
  address(self: Self, name: string): Awaitable<Pid | string>
  /** Starts a process that lives as the operation says. */
  spawn(
    self: Self,
    op: SpawnOp,
  ): Awaitable<{ readonly pid: Pid; readonly ref: ReturnType<Self['monitor']> | undefined }>
}

/** One node. `live`: what a process does. */
export function near(live: (self: Self, op: SpawnOp) => Promise<void>): Reach {
  return {
    isAlive: (self, pid) => self.isAlive(pid),
    register: (self, name, pid) => self.register(name, pid),
    unregister: (self, name) => self.unregister(name),
    whereis: (self, name) => self.whereis(name),
    address: (_, name) => name,
    spawn: (self, op) => {
      const body = (child: Self) => live(child, op)
      if (op.how === 'spawn_monitor') return self.spawnMonitor(body)
      return { pid: self.spawn(body, { link: op.how === 'spawn_link' }), ref: undefined }
    },
  }
}
