// Where claims on several nodes are shown: over a mesh of a memory carrier, and in a simulated world. The same program
// must do the same in both.

import { createNode, Down, type ModuleLoader, type Node, type Pid, type Self } from 'espalier'
import { createWorld } from 'espalier/testing'
import { MemoryCarrier } from '../../src/distribution/carriers/memory-carrier.ts'
import { Distribution } from '../../src/distribution/distribution.ts'
import { createSystemPorts } from '../../src/system/index.ts'
import * as workers from './workers.ts'

/** Two nodes, which may be one. */
export interface Stage {
  readonly near: Node
  readonly far: Node
  run<T>(outcome: Promise<T>): Promise<T>
  /** What is under way arrives. */
  settle(): Promise<void>
  /** Breaks the connection, and lets a new one be made. */
  cut(): Promise<void>
  close(): Promise<void>
}

/** The modules of these tests, which are loaded already. */
export const modules: ModuleLoader = {
  async load(url, name) {
    if (url === workers.here && Object.hasOwn(workers, name)) return Reflect.get(workers, name)
    throw Object.assign(new Error(`no ${name} in ${url}`), { code: 'ERR_TEST_MISSING' })
  },
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

export function ownNode(): Stage {
  const node = createNode({ name: 'far' })
  return {
    near: node,
    far: node,
    run: (outcome) => outcome,
    settle: () => node.idle(),
    cut: async () => {},
    close: () => node.stop(),
  }
}

export function mesh(): Stage {
  const carrier = new MemoryCarrier(createSystemPorts().turns)
  const [near, far] = [createNode({ name: 'near' }), createNode({ name: 'far' })]
  const meshes = [near, far].map((node) => new Distribution(node, { carrier, modules }))
  return {
    near,
    far,
    run: (outcome) => outcome,
    settle: async () => {
      for (let i = 0; i < 8; i++) await turn()
    },
    cut: async () => {
      carrier.sever('cut')
      await turn()
    },
    close: async () => {
      for (const one of meshes) one.close()
      await Promise.all([near.stop(), far.stop()])
    },
  }
}

export function world(): Stage {
  const simulated = createWorld({ seed: 1, network: { drop: 0, duplicate: 0, reorder: 0 } })
  const [near, far] = [simulated.createNode({ name: 'near', modules }), simulated.createNode({ name: 'far', modules })]
  return {
    near,
    far,
    run: (outcome) => simulated.run(outcome),
    settle: () => simulated.advance(100),
    cut: async () => {
      simulated.network.partition([['near'], ['far']])
      await simulated.advance(1100)
      simulated.network.heal()
    },
    close: async () => {},
  }
}

/** Runs `body` in a process of the near node, and answers what it returns. */
export function inNear<T>({ near, run }: Stage, body: (self: Self) => T | Promise<T>): Promise<T> {
  return run(
    new Promise((resolve, reject) => {
      near.spawn(async (self) => {
        try {
          resolve(await body(self))
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      })
    }),
  )
}

/** Why a monitor of `target` fires. */
export async function down(self: Self, target: Pid): Promise<unknown> {
  self.monitor(target)
  const message = await self.receive((it) => it instanceof Down)
  return message instanceof Down ? message.reason : message
}
