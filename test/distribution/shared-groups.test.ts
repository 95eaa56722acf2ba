import { createNode, GroupEvent, type Node, type Pid, ProcessGroups, PubSub } from 'espalier'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { MemoryCarrier } from '../../src/distribution/carriers/memory-carrier.ts'
import { Distribution } from '../../src/distribution/distribution.ts'
import { sharedGroups } from '../../src/distribution/shared-groups.ts'
import { createSystemPorts } from '../../src/system/index.ts'
import { until } from '../kernel/until.ts'
import { kill, spawnCollector, spawnIdle } from '../processes.ts'

interface Member {
  readonly node: Node
  readonly mesh: Distribution
  readonly groups: ProcessGroups
  readonly topics: PubSub
}

class Net {
  readonly carrier = new MemoryCarrier(createSystemPorts().turns)
  readonly members = new Map<string, Member>()

  async add(name: string): Promise<Member> {
    const node = createNode({ name })
    const mesh = new Distribution(node, { carrier: this.carrier })
    const member = { node, mesh, groups: new ProcessGroups(node), topics: new PubSub(node) }
    this.members.set(name, member)
    await node.start(sharedGroups(mesh, member.groups))
    await node.start(sharedGroups(mesh, member.topics))
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

  /** The members of a group as each node sees them, in any order. */
  views(group: string): string[] {
    return [...this.members.values()].map(({ groups }) => texts(groups.members(group)).join(' '))
  }
}

const texts = (pids: readonly Pid[]) => pids.map((pid) => `${pid}`).sort()

let net: Net
afterEach(() => net.close())

async function three(): Promise<[Member, Member, Member]> {
  net = new Net()
  const members: [Member, Member, Member] = [await net.add('a'), await net.add('b'), await net.add('c')]
  return members
}

describe('groups over nodes', () => {
  test('each node sees the members of all, those who joined before they met too', async () => {
    const [a, b, c] = await three()
    const pids = [a, b, c].map(({ node }) => spawnIdle(node))
    a.groups.join('g', pids[0] ?? [])
    await net.connectAll()
    b.groups.join(
      'g',
      [pids[1], pids[1]].flatMap((pid) => pid ?? []),
    )
    c.groups.join('g', pids[2] ?? [])
    await until(() =>
      net.views('g').every((view) => view === texts([...pids, pids[1]].flatMap((p) => p ?? [])).join(' ')),
    )
    b.groups.leave('g', pids[1] ?? [])
    await kill(c.node, ...pids.slice(2))
    await until(() => net.views('g').every((view) => view === texts(pids.slice(0, 2)).join(' ')))
    expect(a.groups.localMembers('g')).toEqual([pids[0]])
  })

  test('a lost node is purged, its members leave, and come back with it', async () => {
    const [a, b] = await three()
    const far = spawnIdle(b.node)
    const { pid, messages } = spawnCollector(a.node)
    a.groups.monitor(pid, 'g')
    b.groups.join('g', far)
    await net.connectAll()
    await until(() => messages.length === 1)
    a.mesh.disconnect('b')
    await until(() => messages.length === 2)
    expect(a.groups.members('g')).toEqual([])
    await a.mesh.connect('b')
    await until(() => messages.length === 3)
    expect(
      messages.map((event) => event instanceof GroupEvent && [event.kind, event.group, texts(event.pids)]),
    ).toEqual(['join', 'leave', 'join'].map((kind) => [kind, 'g', [`${far}`]]))
  })

  test('another life of a node has nothing of the one before', async () => {
    const [a, b] = await three()
    await net.connectAll()
    b.groups.join('g', spawnIdle(b.node))
    await until(() => a.groups.members('g').length === 1)
    await net.remove('b')
    await until(() => a.groups.members('g').length === 0)
    const again = await net.add('b')
    again.groups.join('g', spawnIdle(again.node))
    await net.connectAll()
    await until(() => a.groups.members('g').length === 1)
    expect(a.groups.members('g')[0]?.creation).toBe(again.node.creation)
  })

  test('while the process of a node does not run, nothing is seen of it; started again, everything is', async () => {
    const [a, b] = await three()
    await net.connectAll()
    b.groups.join('g', spawnIdle(b.node))
    await until(() => a.groups.members('g').length === 1)
    const speaker = b.node.whereis('groups.pg')
    await kill(b.node, ...(speaker === undefined ? [] : [speaker]))
    await until(() => a.groups.members('g').length === 0)
    b.groups.join('h', spawnIdle(b.node))
    await b.node.start(sharedGroups(b.mesh, b.groups))
    await until(() => a.groups.members('g').length === 1 && a.groups.members('h').length === 1)
    expect(b.groups.members('g')).toHaveLength(1)
  })

  test('a broadcast reaches the subscribers on every node, once each', async () => {
    const [a, b, c] = await three()
    await net.connectAll()
    const seen = [a, b, c].map(({ node, topics }) => {
      const collector = spawnCollector(node)
      topics.subscribe(collector.pid, 'news')
      return collector.messages
    })
    await until(() => a.topics.subscribers('news').length === 3)
    expect(a.topics.broadcast(a.node, 'news', 'one')).toBe(3)
    a.topics.broadcast(a.node, 'news', 'two')
    await until(() => seen.every((messages) => messages.length === 2))
    expect(seen).toEqual([
      ['one', 'two'],
      ['one', 'two'],
      ['one', 'two'],
    ])
  })
})

type Op = 'join' | 'leave' | 'kill' | 'crash' | 'cut' | 'wait'
const names = ['a', 'b', 'c']
const step = fc.record({
  op: fc.constantFrom<Op>('join', 'join', 'join', 'leave', 'kill', 'crash', 'cut', 'wait', 'wait'),
  at: fc.constantFrom(...names),
})

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('whatever joins, leaves, dies, is cut or crashes: once connected again, all views are the sum of the local ones', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      net = new Net()
      for (const name of names) await net.add(name)
      await net.connectAll()
      for (const { op, at } of steps) await act(op, at)
      await net.connectAll()
      const truth = () => texts([...net.members.values()].flatMap(({ groups }) => groups.localMembers('g'))).join(' ')
      for (let i = 0; i < 50 && !net.views('g').every((view) => view === truth()); i++) await turn()
      expect(net.views('g')).toEqual(names.map(truth))
      await net.close()
    }),
    { numRuns: 60 },
  )

  async function act(op: Op, name: string): Promise<void> {
    const member = net.members.get(name)
    if (member === undefined) return
    const [first] = member.groups.localMembers('g')
    if (op === 'wait') await turn()
    else if (op === 'cut') net.carrier.sever()
    else if (op === 'join') member.groups.join('g', spawnIdle(member.node))
    else if (op === 'leave' && first !== undefined) member.groups.leave('g', first)
    else if (op === 'kill' && first !== undefined) member.node.sendExit(first, 'kill')
    else if (op === 'crash') {
      await net.remove(name)
      await net.add(name)
    }
  }
})
