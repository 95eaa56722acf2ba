import { createNode, GroupEvent, type Node, type Pid, ProcessGroups, type Reference } from 'espalier'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { kill, spawnCollector, spawnIdle } from '../processes.ts'

const node = createNode({ name: 'groups' })
const idle = () => spawnIdle(node)

describe('membership', () => {
  test('a process that joins twice is a member twice, and leaves twice', () => {
    const groups = new ProcessGroups(node)
    const [a, b] = [idle(), idle()]
    groups.join('x', a)
    groups.join('x', [b, a])
    expect(groups.members('x')).toEqual([a, a, b])
    expect(groups.leave('x', a)).toBe(true)
    expect(groups.members('x')).toEqual([a, b])
    expect([groups.leave('x', a), groups.leave('x', a)]).toEqual([true, false])
    expect(groups.localMembers('x')).toEqual([b])
  })

  test('a group is there while it has members', async () => {
    const groups = new ProcessGroups<string | number>(node)
    const [a, b] = [idle(), idle()]
    groups.join('x', a)
    groups.join(1, [a, b])
    expect(groups.groups()).toEqual(['x', 1])
    await kill(node, a)
    expect(groups.groups()).toEqual([1])
    expect(groups.members('x')).toEqual([])
  })

  test('scopes know nothing of each other', () => {
    const [a, b] = [new ProcessGroups(node, { scope: 'a' }), new ProcessGroups(node, { scope: 'b' })]
    a.join('x', idle())
    expect(b.members('x')).toEqual([])
  })

  test('what has ended does not join, what lives elsewhere is refused, and the bound holds for all joins', async () => {
    const groups = new ProcessGroups(node, { maxMembers: 2 })
    const dead = idle()
    await kill(node, dead)
    groups.join('x', dead)
    expect(groups.groups()).toEqual([])
    const foreign = spawnIdle(createNode({ name: 'other' }))
    expect(() => groups.join('x', foreign)).toThrow(/lives on another node/)
    expect(groups.leave('x', foreign)).toBe(false)
    const pid = idle()
    expect(() => groups.join('x', [pid, pid, pid])).toThrow('groups pg: full (maxMembers is 2)')
    groups.join('x', [pid, pid])
    await kill(node, pid)
    groups.join('x', [idle(), idle()])
    expect(groups.members('x')).toHaveLength(2)
  })
})

describe('monitors', () => {
  test('tell each join and leave of one group, from a known state on', async () => {
    const groups = new ProcessGroups(node)
    const [a, b, watcher] = [idle(), idle(), spawnCollector(node)]
    groups.join('x', a)
    const { ref, members } = groups.monitor(watcher.pid, 'x')
    expect(members).toEqual([a])
    groups.join('x', [b, a])
    groups.join('y', b)
    groups.leave('x', [idle(), b])
    await node.idle()
    expect(watcher.messages).toEqual([new GroupEvent(ref, 'join', 'x', [b, a]), new GroupEvent(ref, 'leave', 'x', [b])])
  })

  // As recorded from pg of OTP 25: one leave for each join, the groups joined last first.
  test('a death is a leave from every group, once for each join', async () => {
    const groups = new ProcessGroups(node)
    const [a, watcher] = [idle(), spawnCollector(node)]
    const { ref, groups: before } = groups.monitorScope(watcher.pid)
    expect(before).toEqual([])
    groups.join('a', a)
    groups.join('b', a)
    groups.join('c', [a, a])
    await node.idle()
    watcher.messages.length = 0
    await kill(node, a)
    expect(watcher.messages).toEqual(['c', 'c', 'b', 'a'].map((group) => new GroupEvent(ref, 'leave', group, [a])))
  })

  test('end with demonitor, and with their process, whose other monitors they leave alone', async () => {
    const groups = new ProcessGroups(node)
    const [stays, goes] = [spawnCollector(node), spawnCollector(node)]
    const first = groups.monitor(stays.pid, 'x').ref
    const second = groups.monitor(stays.pid, 'x').ref
    groups.monitor(goes.pid, 'x')
    expect([groups.demonitor(first), groups.demonitor(first)]).toEqual([true, false])
    await kill(node, goes.pid)
    const before = node.counters.deadLetters
    groups.join('x', idle())
    await node.idle()
    expect(stays.messages.map((message) => (message as GroupEvent).ref)).toEqual<Reference[]>([second])
    expect(node.counters.deadLetters).toBe(before)
    await kill(node, stays.pid)
    expect(groups.demonitor(second)).toBe(false)
    expect(() => groups.monitor(stays.pid, 'x')).toThrow(/no living process/)
  })
})

describe('peers', () => {
  const joined = (from: Node) => {
    const there = new ProcessGroups(from)
    const here = new ProcessGroups(node)
    here.applyUpdate('peer', there.localState())
    there.onLocalChange((update) => here.applyUpdate('peer', update))
    return { there, here }
  }

  test('members elsewhere are members, after those of the own node; a lost peer is purged', async () => {
    const far = createNode({ name: 'far' })
    const { there, here } = joined(far)
    const [remote, local, watcher] = [spawnIdle(far), idle(), spawnCollector(node)]
    const { ref } = here.monitorScope(watcher.pid)
    there.join('x', [remote, remote])
    here.join('x', local)
    expect(here.members('x')).toEqual([local, remote, remote])
    expect([here.localMembers('x'), here.localGroups()]).toEqual([[local], ['x']])
    here.purge('peer')
    expect(here.members('x')).toEqual([local])
    await node.idle()
    expect(watcher.messages).toEqual([
      new GroupEvent(ref, 'join', 'x', [remote, remote]),
      new GroupEvent(ref, 'join', 'x', [local]),
      new GroupEvent(ref, 'leave', 'x', [remote, remote]),
    ])
    there.join('x', remote)
    expect(here.members('x')).toEqual([local])
  })

  test('a second sync tells what has changed, and no more', async () => {
    const far = createNode({ name: 'far' })
    const there = new ProcessGroups(far)
    const here = new ProcessGroups(node)
    const [a, b, watcher] = [spawnIdle(far), spawnIdle(far), spawnCollector(node)]
    there.join('x', [a, a])
    there.join('y', b)
    here.applyUpdate('peer', there.localState())
    const { ref } = here.monitorScope(watcher.pid)
    there.leave('x', a)
    there.leave('y', b)
    there.join('x', b)
    here.applyUpdate('peer', there.localState())
    await node.idle()
    expect(watcher.messages).toEqual([
      new GroupEvent(ref, 'leave', 'x', [a]),
      new GroupEvent(ref, 'leave', 'y', [b]),
      new GroupEvent(ref, 'join', 'x', [b]),
    ])
  })

  test('a peer that says too much is refused, and changes nothing', () => {
    const here = new ProcessGroups(node, { maxMembers: 1 })
    const [a, b] = [idle(), idle()]
    here.applyUpdate('peer', { kind: 'sync', groups: [['x', [a]]] })
    expect(() => here.applyUpdate('peer', { kind: 'join', group: 'x', pids: [b] })).toThrow(/maxMembers is 1/)
    expect(() => here.applyUpdate('peer', { kind: 'sync', groups: [['y', [a, b]]] })).toThrow(/maxMembers is 1/)
    here.applyUpdate('peer', { kind: 'leave', group: 'x', pids: [b] })
    expect(here.members('x')).toEqual([a])
  })

  test('convergence: a peer that hears every change sees what the node itself sees', async () => {
    const operation = fc.tuple(
      fc.constantFrom('join', 'join', 'leave', 'kill', 'sync'),
      fc.nat(2),
      fc.constantFrom('x', 'y'),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 30 }), async (operations) => {
        const far = createNode({ name: 'far' })
        const { there, here } = joined(far)
        const processes = Array.from({ length: 3 }, () => spawnIdle(far))
        for (const [kind, i, group] of operations) {
          const pid = processes[i] as Pid
          if (kind === 'join') there.join(group, pid)
          else if (kind === 'leave') there.leave(group, pid)
          else if (kind === 'sync') here.applyUpdate('peer', there.localState())
          else {
            await kill(far, pid)
            processes[i] = spawnIdle(far)
          }
          const texts = (groups: ProcessGroups) => groups.members(group).map(String).sort()
          expect(texts(here)).toEqual(texts(there))
          expect(here.groups().sort()).toEqual(there.groups().sort())
        }
        await kill(far, ...processes)
        expect(here.groups()).toEqual([])
      }),
      { numRuns: 100 },
    )
  })
})
