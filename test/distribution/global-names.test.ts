// Global names over a mesh: the face, and the rules of global-core.test.ts over the memory carrier.

import { createNode, defineServer, type Node, type Pid, reply } from 'espalier'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MemoryCarrier } from '../../src/distribution/carriers/memory-carrier.ts'
import { Distribution } from '../../src/distribution/distribution.ts'
import { GlobalNames, type GlobalNamesOptions, NameConflict } from '../../src/distribution/global-names.ts'
import { createSystemPorts } from '../../src/system/index.ts'
import { until } from '../kernel/until.ts'
import { kill, spawnCollector, spawnIdle } from '../processes.ts'

interface Member {
  readonly node: Node
  readonly mesh: Distribution
  readonly names: GlobalNames
}

class Net {
  readonly carrier = new MemoryCarrier(createSystemPorts().turns)
  readonly members = new Map<string, Member>()

  async add(name: string, options?: GlobalNamesOptions): Promise<Member> {
    const node = createNode({ name })
    const mesh = new Distribution(node, { carrier: this.carrier })
    const member = { node, mesh, names: new GlobalNames(node, mesh, options) }
    this.members.set(name, member)
    await node.start(member.names.server)
    return member
  }

  async remove(name: string): Promise<void> {
    const member = this.members.get(name)
    this.members.delete(name)
    member?.mesh.close()
    await member?.node.stop()
  }

  async connectAll(): Promise<void> {
    for (const { mesh } of this.members.values()) {
      for (const other of this.members.keys()) await mesh.connect(other)
    }
  }

  async close(): Promise<void> {
    for (const name of [...this.members.keys()]) await this.remove(name)
  }

  views(): string[] {
    return [...this.members.values()].map(({ names }) =>
      names
        .list()
        .map(([key, pid]) => `${key}=${pid}`)
        .sort()
        .join(' '),
    )
  }
}

let net: Net
let a: Member
let b: Member
let c: Member
beforeEach(async () => {
  net = new Net()
  a = await net.add('a')
  b = await net.add('b')
  c = await net.add('c')
})
afterEach(() => net.close())

const Echo = defineServer({ init: () => 0, call: { echo: ({ state }, value: number) => reply(value, state) } })

describe('a global name', () => {
  test('is known on every node once it is given, is unique, and leads to its process', async () => {
    await net.connectAll()
    const echo = await b.node.start(Echo)
    expect(await b.names.register(b.node, 'echo', echo)).toBe('ok')
    const found = [a, b, c].map(({ names }) => names.whereis(Echo, 'echo'))
    expect(await Promise.all(found.map((ref) => ref?.call('echo', 7)))).toEqual([7, 7, 7])
    const taken = await a.names.register(a.node, 'echo', spawnIdle(a.node))
    expect(taken).toMatchObject({ error: { already_registered: { nodeName: 'b', id: echo.id } } })
    expect(await b.names.register(b.node, 'echo', echo)).toBe('ok')
    expect(a.names.counts()).toEqual(new Map([['b', 1]]))
  })

  test('may be given from another node than that of the process, and taken from any', async () => {
    await net.connectAll()
    const pid = spawnIdle(b.node)
    const known: Pid = a.mesh.pid(pid)
    expect(await a.names.register(a.node, 'it', known)).toBe('ok')
    expect(`${c.names.whereis('it')}`).toBe(`${pid}`)
    expect(await c.names.unregister(c.node, 'it')).toBe('ok')
    expect(net.views()).toEqual(['', '', ''])
    expect(await c.names.unregister(c.node, 'it')).toEqual({ error: 'not_registered' })
  })

  test('is free once its process has ended or its node is lost; one that has ended gets none', async () => {
    await net.connectAll()
    const [one, two] = [spawnIdle(b.node), spawnIdle(c.node)]
    await b.names.register(b.node, 'one', one)
    await c.names.register(c.node, 'two', two)
    await kill(b.node, one)
    await until(() => a.names.whereis('one') === undefined)
    expect(await b.names.register(b.node, 'one', one)).toEqual({ error: 'noproc' })
    await net.remove('c')
    await until(() => a.names.whereis('two') === undefined)
    expect(await a.names.register(a.node, 'two', spawnIdle(a.node))).toBe('ok')
  })

  test('at most one of many who want it at once gets it', async () => {
    await net.connectAll()
    const results = await Promise.all(
      [a, b, c, a, b, c].map(({ node, names }) => names.register(node, 'it', spawnIdle(node))),
    )
    expect(results.filter((result) => result === 'ok')).toHaveLength(1)
    expect(new Set(net.views()).size).toBe(1)
  })

  test('nodes find each other: one that is connected to some is connected to all', async () => {
    await b.mesh.connect('a')
    await c.mesh.connect('b')
    await until(() => [a, b, c].every(({ mesh }) => mesh.nodes().length === 2))
    expect(a.mesh.nodes()).toContain('c')
  })

  test('that two parts have given away: when they meet, the node whose name is less keeps it', async () => {
    const [mine, theirs] = [spawnIdle(a.node), spawnIdle(b.node)]
    expect(await a.names.register(a.node, 'it', mine)).toBe('ok')
    expect(await b.names.register(b.node, 'it', theirs)).toBe('ok')
    await net.connectAll()
    await until(() => !b.node.isAlive(theirs))
    await until(() => new Set(net.views()).size === 1)
    expect(net.views()[0]).toBe(`it=${mine}`)
  })

  test('with onConflict notify, the loser is told and lives', async () => {
    const d = await net.add('d', { onConflict: 'notify' })
    const { pid, messages } = spawnCollector(d.node)
    const mine = spawnIdle(a.node)
    await a.names.register(a.node, 'it', mine)
    await d.names.register(d.node, 'it', pid)
    await net.connectAll()
    await until(() => messages.length === 1)
    expect(messages[0]).toBeInstanceOf(NameConflict)
    expect(messages[0]).toMatchObject({ name: 'it', winner: { nodeName: 'a', id: mine.id } })
    expect(d.node.isAlive(pid)).toBe(true)
  })

  test('outlives the process that speaks for its node, and is told anew by the next', async () => {
    await net.connectAll()
    const pid = spawnIdle(b.node)
    await b.names.register(b.node, 'it', pid)
    const speaker = b.node.whereis('names.global')
    await kill(b.node, ...(speaker === undefined ? [] : [speaker]))
    await until(() => a.names.whereis('it') === undefined)
    await expect(a.names.register(a.node, 'other', a.mesh.pid(pid))).rejects.toMatchObject({ reason: 'noproc' })
    await b.node.start(b.names.server)
    await until(() => `${a.names.whereis('it')}` === `${pid}`)
  })

  test('onConflict is checked, and so is a key', () => {
    const wrong: unknown = { onConflict: 'cry' }
    expect(() => new GlobalNames(a.node, a.mesh, wrong as GlobalNamesOptions)).toThrow(/^onConflict: /)
    const key: unknown = {}
    expect(() => a.names.register(a.node, key as string, spawnIdle(a.node))).toThrow(/^key: /)
  })
})

const step = fc.record({
  op: fc.constantFrom('register', 'register', 'register', 'kill', 'cut', 'part', 'crash', 'wait', 'wait'),
  at: fc.constantFrom('a', 'b', 'c'),
  key: fc.constantFrom('x', 'y'),
})

test('whatever is cut, dies and crashes: once all are connected again they agree, and each name has one living process', async () => {
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
  await net.close()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      net = new Net()
      for (const name of ['a', 'b', 'c']) await net.add(name)
      await net.connectAll()
      const asked: Promise<unknown>[] = []
      for (const { op, at, key } of steps) {
        const member = net.members.get(at)
        if (member === undefined) continue
        const { node, names, mesh } = member
        const mine = names.list().find(([, pid]) => pid.nodeName === at)?.[1]
        if (op === 'register') asked.push(names.register(node, key, spawnIdle(node)).catch((error: unknown) => error))
        else if (op === 'kill' && mine !== undefined) node.sendExit(mine, 'kill')
        else if (op === 'cut') net.carrier.sever()
        else if (op === 'part') for (const other of mesh.nodes()) mesh.disconnect(other)
        else if (op === 'wait') await turn()
        else if (op === 'crash') {
          await net.remove(at)
          await net.add(at)
        }
      }
      await net.connectAll()
      await Promise.all(asked)
      const agree = () => new Set(net.views()).size === 1
      for (let i = 0; i < 200 && !agree(); i++) await turn()
      expect(agree() ? [] : net.views()).toEqual([])
      for (const [, pid] of net.members.get('a')?.names.list() ?? []) {
        const owner = net.members.get(pid.nodeName)
        expect(owner?.node.processes().map((living) => `${living}`)).toContain(`${pid}`)
      }
      await net.close()
    }),
    { numRuns: 60 },
  )
})
