// The claims of docs/semantics.md on several nodes.

import {
  checkChildSpecs,
  createNode,
  Down,
  defineServer,
  Exit,
  type Node,
  type Pid,
  ProcessGroups,
  type Report,
  reply,
  type Self,
} from 'espalier'
import { Distribution, GlobalNames, NodeDown, sharedGroups } from 'espalier/distribution'
import { expect } from 'vitest'
import { supervisorOf } from '../../src/behaviours/supervisor.ts'
import { MemoryCarrier } from '../../src/distribution/carriers/memory-carrier.ts'
import { createSystemPorts } from '../../src/system/index.ts'
import { modules } from '../distribution/stages.ts'
import { Counter, Homeless, LastWords } from '../distribution/workers.ts'
import { until } from '../kernel/until.ts'
import { spawnCollector, spawnIdle } from '../processes.ts'

type Claim = (title: string, run: (node: Node, reports: Report[]) => Promise<void>) => void

const Adder = defineServer({
  name: 'adder',
  init: () => 0,
  call: { get: ({ state }) => reply(state, state), never: () => new Promise<never>(() => {}) },
})

/** Two nodes of a mesh, and what breaks and mends it. */
class Pair {
  readonly carrier = new MemoryCarrier(createSystemPorts().turns)
  readonly near = createNode({ name: 'near' })
  far = createNode({ name: 'far' })
  readonly mesh = new Distribution(this.near, { carrier: this.carrier, modules })
  farMesh = new Distribution(this.far, { carrier: this.carrier, modules })

  /** `pid` as the near node knows it. */
  known<P extends Pid>(pid: P): P {
    const there: Pid = this.mesh.pid(pid)
    return there as P
  }

  /** Runs `body` in a process of the near node. */
  within<T>(body: (self: Self) => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.near.spawn(async (self) => {
        try {
          resolve(await body(self))
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  /** The far node ends, and comes back in another life. */
  async reborn(): Promise<void> {
    this.farMesh.close()
    await this.far.stop()
    this.far = createNode({ name: 'far' })
    this.farMesh = new Distribution(this.far, { carrier: this.carrier, modules })
  }

  async close(): Promise<void> {
    this.mesh.close()
    this.farMesh.close()
    await Promise.all([this.near.stop({ timeoutMs: 100 }), this.far.stop({ timeoutMs: 100 })])
  }
}

/** Has the claims of the page on several nodes tested, in its order. */
export function claimBetweenNodes(claim: Claim): void {
  const claimPair = (title: string, run: (pair: Pair) => Promise<void>) =>
    claim(title, async () => {
      const pair = new Pair()
      await run(pair)
      await pair.close()
    })

  claimPair(
    'Messages from one process to another arrive in order and at most once, also between nodes: a broken connection loses the last of them, never one in between.',
    async (pair) => {
      const { pid, messages } = spawnCollector(pair.far)
      const to = pair.known(pid)
      await pair.mesh.connect('far')
      await pair.within(async (self) => {
        for (let i = 0; i < 100; i++) {
          self.send(to, i)
          if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
          if (i === 55) pair.carrier.sever()
        }
      })
      await until(() => messages.at(-1) === 99)
      const numbers = messages.map(Number)
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
      const lost = Array.from({ length: 100 }, (_, i) => i).filter((i) => !numbers.includes(i))
      // What was under way when it broke, and no more: one stretch, and not the first.
      expect(lost.length).toBeLessThan(20)
      expect(lost).toEqual(lost.map((_, i) => (lost[0] ?? 0) + i))
    },
  )

  claimPair('What cannot cross to another node is refused at the send, with the path of the field.', async (pair) => {
    const to = pair.known(spawnIdle(pair.far))
    await expect(pair.within((self) => self.send(to, { on: { done: () => 1 } }))).rejects.toMatchObject({
      code: 'ERR_NOT_PORTABLE',
      field: 'payload.on.done',
    })
  })

  claimPair(
    'When a connection is lost, links to the other node break and monitors fire with noconnection, once each, and calls to it fail.',
    async (pair) => {
      const adder = pair.known(await pair.far.start(Adder))
      const messages: unknown[] = []
      pair.near.spawn(async (self) => {
        self.trapExit = true
        self.link(adder)
        self.monitor(adder)
        for (;;) messages.push(await self.receive())
      })
      await adder.call('get')
      const call = adder.call('never')
      await new Promise((resolve) => setImmediate(resolve))
      pair.carrier.sever()
      await expect(call).rejects.toMatchObject({ reason: 'noconnection' })
      await until(() => messages.length === 2)
      await pair.mesh.connect('far')
      await pair.near.idle()
      expect(messages).toMatchObject([{ reason: 'noconnection' }, { reason: 'noconnection' }])
      expect(messages.map((message) => message instanceof Down || message instanceof Exit)).toEqual([true, true])
    },
  )

  claimPair(
    'A NodeDown comes after all that the lost node has sent, and after the links and monitors to it have told.',
    async (pair) => {
      const { pid, messages } = spawnCollector(pair.near)
      const watcher = pair.near.spawn(async (self) => {
        self.monitor(pair.known(spawnIdle(pair.far)))
        for (;;) self.send(pid, await self.receive())
      })
      await pair.mesh.connect('far')
      pair.mesh.monitorNode(watcher, 'far')
      await pair.near.idle()
      for (let i = 0; i < 3; i++) pair.far.send(pair.farMesh.pid(watcher), i)
      pair.farMesh.disconnect('near')
      await until(() => messages.length === 5)
      expect(messages.slice(0, 3)).toEqual([0, 1, 2])
      expect(messages.slice(3)).toEqual([expect.any(Down), new NodeDown('far', 'disconnect')])
    },
  )

  claimPair(
    'A pid of a node that has been restarted reaches nobody; a name on a node reaches whoever has it when the message arrives.',
    async (pair) => {
      const old = pair.known(await pair.far.start(Adder, undefined, { name: 'adder' }))
      const name = pair.near.at(Adder, 'far', 'adder')
      expect(await name.call('get')).toBe(0)
      await pair.reborn()
      await pair.far.start(Adder, undefined, { name: 'adder' })
      await expect(old.call('get')).rejects.toMatchObject({ reason: 'noproc' })
      expect(await name.call('get')).toBe(0)
    },
  )

  claimPair('Nothing can be linked to a name on a node, nor can an exit signal be sent to one.', async (pair) => {
    const name = pair.near.at('far', 'x')
    await expect(pair.within((self) => self.link(name))).rejects.toMatchObject({ code: 'ERR_BADARG' })
    await expect(pair.within((self) => self.sendExit(name, 'over'))).rejects.toMatchObject({ code: 'ERR_BADARG' })
  })

  claimPair(
    'A process that is started on another node with a link is linked before the start is over, and ends if the connection is lost.',
    async (pair) => {
      const reason = await pair.within(async (self) => {
        self.trapExit = true
        const child = await self.startLink(Counter, 1, { on: 'far' })
        expect(self.links()).toEqual([child])
        pair.carrier.sever()
        const exit = await self.receive()
        return exit instanceof Exit && exit.from === child && exit.reason
      })
      expect(reason).toBe('noconnection')
      await until(() => pair.far.processes().length === 1)
    },
  )

  claim(
    'A start on another node does not take place if the starter is gone before the code has been loaded.',
    async (node) => {
      const { turns } = createSystemPorts()
      const carrier = new MemoryCarrier(turns)
      const far = createNode({ name: 'far' })
      let loaded = () => {}
      const waiting = new Promise<void>((resolve) => {
        loaded = resolve
      })
      let asked = 0
      const load = async () => {
        asked++
        await waiting
        return Counter
      }
      const meshes = [new Distribution(node, { carrier }), new Distribution(far, { carrier, modules: { load } })]
      const starter = node.spawn(async (self) => void (await self.startLink(Counter, 1, { on: 'far' })))
      await until(() => asked === 1)
      node.sendExit(starter, 'kill')
      await node.idle()
      await far.idle()
      loaded()
      await new Promise<void>((resolve) => turns.later(resolve))
      await far.idle()
      expect([far.processes().length, far.counters.started]).toEqual([1, 1])
      for (const mesh of meshes) mesh.close()
      await far.stop()
    },
  )

  claim('A child that cannot be loaded elsewhere is refused when its spec is checked.', async () => {
    expect(checkChildSpecs([{ id: 'x', start: [Homeless], on: 'far' }])).toMatchObject({
      error: { invalid_placement: { field: 'start' } },
    })
  })

  claimPair(
    'A child on another node ends with noconnection when that node is lost, and is restarted as its spec says.',
    async (pair) => {
      const ends: unknown[] = []
      pair.near.onReport((report) => {
        if (report.kind === 'supervisor' && report.event === 'child_terminated') ends.push(report.reason)
      })
      const children = [{ id: 'counter', start: [Counter, 1], on: { node: 'far', whenDown: 'wait' }, name: 'counter' }]
      await pair.near.start(supervisorOf('tree', () => ({ children })))
      await pair.reborn()
      await until(() => pair.far.whereis('counter') !== undefined)
      expect(ends).toEqual(['noconnection'])
    },
  )

  claimPair('Children end in the reverse order of their specs, wherever they run.', async (pair) => {
    const { pid, messages } = spawnCollector(pair.near)
    const places = ['far', 'same', 'far']
    const children = places.map((on, i) => ({ id: `${i}`, start: [LastWords, pid], on }))
    const tree = await pair.near.start(supervisorOf('tree', () => ({ children })))
    await tree.stop()
    await until(() => messages.length === 3)
    expect(messages.map((message) => (message as unknown[])[1])).toEqual(['far', 'near', 'far'])
  })

  claimPair(
    'A node that is lost is out of every process group, and all its members come back with it.',
    async (pair) => {
      const [here, there] = [new ProcessGroups(pair.near), new ProcessGroups(pair.far)]
      await pair.near.start(sharedGroups(pair.mesh, here))
      await pair.far.start(sharedGroups(pair.farMesh, there))
      there.join('g', [spawnIdle(pair.far), spawnIdle(pair.far)])
      await pair.mesh.connect('far')
      await until(() => here.members('g').length === 2)
      pair.mesh.disconnect('far')
      await until(() => here.members('g').length === 0)
      await pair.mesh.connect('far')
      await until(() => here.members('g').length === 2)
    },
  )

  const withNames = async (pair: Pair, connect: boolean) => {
    const names = [new GlobalNames(pair.near, pair.mesh), new GlobalNames(pair.far, pair.farMesh)] as const
    if (connect) await pair.mesh.connect('far')
    await pair.near.start(names[0].server)
    await pair.far.start(names[1].server)
    return names
  }

  claimPair('Among nodes that stay connected, no two processes have one global name at any time.', async (pair) => {
    const [here, there] = await withNames(pair, true)
    const results = await Promise.all([
      here.register(pair.near, 'it', spawnIdle(pair.near)),
      there.register(pair.far, 'it', spawnIdle(pair.far)),
    ])
    expect(results.filter((result) => result === 'ok')).toHaveLength(1)
    expect(`${here.whereis('it')}`).toBe(`${there.whereis('it')}`)
  })

  claimPair(
    'When parts of a mesh that have both given a name away meet again, the process on the node whose name is less keeps it, and the other is killed.',
    async (pair) => {
      const [here, there] = await withNames(pair, false)
      const [near, far] = [spawnIdle(pair.near), spawnIdle(pair.far)]
      expect(await here.register(pair.near, 'it', near)).toBe('ok')
      expect(await there.register(pair.far, 'it', far)).toBe('ok')
      await pair.mesh.connect('far')
      await until(() => !pair.near.isAlive(near))
      expect(pair.far.isAlive(far)).toBe(true)
      await until(() => `${here.whereis('it')}` === `${far}`)
    },
  )

  claimPair('A global name is free once its process has ended or its node is lost.', async (pair) => {
    const [here, there] = await withNames(pair, true)
    const pids = [spawnIdle(pair.far), spawnIdle(pair.far)] as const
    await there.register(pair.far, 'one', pids[0])
    await there.register(pair.far, 'two', pids[1])
    pair.far.sendExit(pids[0], 'kill')
    await until(() => here.whereis('one') === undefined)
    expect(`${here.whereis('two')}`).toBe(`${pids[1]}`)
    pair.farMesh.close()
    await until(() => here.whereis('two') === undefined)
  })
}
