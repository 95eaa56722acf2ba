// The client of a group: exactly once over lost answers, sessions that end, windows, redirects, and honest errors.
import { describe, expect, it } from 'vitest'
import { keyValue } from '../../../actors/consensus/machines/key-value.ts'
import type { StateMachine } from '../../../actors/consensus/state-machine.ts'
import { RaftAdmin } from '../../../actors/raft/raft-admin.ts'
import { RaftClient } from '../../../actors/raft/raft-client.ts'
import { TestGroup } from './group.ts'

/** Counts what is applied; a question answers the count. */
const counter: StateMachine<{ count: number }> = {
  name: 'counter',
  version: 1,
  init: () => ({ count: 0 }),
  apply(state) {
    state.count += 1
    return Uint8Array.of(state.count)
  },
  query: ({ count }) => Uint8Array.of(count),
  snapshot: ({ count }) => [Uint8Array.of(count)],
  restore: (bytes) => ({ count: bytes[0] ?? 0 }),
}

const command = { type: 'command', command: new Uint8Array() } as const

describe('a session', () => {
  it('has a command applied once, however often its answer is lost', async () => {
    const group = new TestGroup({ machine: counter })
    await group.elect()
    const client = await group.client()
    await group.world.run(client.submit(command, undefined, undefined))
    group.world.network.dropNext({ kind: 'reply' }, 3)
    expect(await group.world.run(client.submit(command, undefined, undefined))).toEqual({
      type: 'answered',
      answer: Uint8Array.of(2),
    })
    group.world.network.duplicateNext({ kind: 'request' }, 3)
    expect(await group.world.run(client.submit(command, undefined, undefined))).toMatchObject({
      answer: Uint8Array.of(3),
    })
  })

  it('follows redirects, whomever it asks first', async () => {
    const group = new TestGroup()
    const leader = await group.elect()
    const client = await group.client()
    for (const to of group.names) {
      const operation = { type: 'command', command: keyValue.put('a', to) } as const
      expect(await client.run(operation, to)).toBe('ok')
    }
    expect(group.leader).toBe(leader)
  })

  it('that was expired is refused, and stays so unless it may be renewed', async () => {
    const group = new TestGroup()
    const stubborn = await group.client('c1', { renew: false })
    const flexible = await group.client('c2')
    for (const client of [stubborn, flexible]) {
      expect(await client.put('a', 1)).toBe('ok')
      await group.world.run(client.submit({ type: 'expire' }, undefined, undefined))
    }
    const refused = { type: 'refused', code: 'sessionExpired', isCertain: true }
    expect(await stubborn.put('a', 2)).toMatchObject(refused)
    expect(await stubborn.get('a')).toBe(1)
    expect(await flexible.put('a', 3)).toBe('ok')
  })

  it('ends by the log’s time when it is idle', async () => {
    const group = new TestGroup({ replica: { sessionTtlMs: 1000 } })
    const idle = await group.client('c1', { renew: false })
    const busy = await group.client('c2', { renew: false })
    await idle.put('a', 1)
    for (let i = 0; i < 4; i += 1) {
      await group.world.advance(500)
      expect(await busy.put('b', i)).toBe('ok')
    }
    expect(await idle.put('a', 2)).toMatchObject({ type: 'refused', code: 'sessionExpired' })
    expect(await idle.get('a')).toBe(1)
  })

  it('may have a window of operations under way, each applied once', async () => {
    const group = new TestGroup({ machine: counter, network: { drop: 0.1, duplicate: 0.1 } })
    await group.elect()
    const client = await group.client('c1', { window: 16, deadlineMs: 30_000 })
    group.world.network.dropNext({ kind: 'reply' }, 2)
    const outcomes = Array.from({ length: 100 }, () => client.submit(command, undefined, undefined))
    const answers = await group.world.run(Promise.all(outcomes))
    const counts = answers.map((outcome) => (outcome.type === 'answered' ? outcome.answer[0] : undefined))
    expect([...counts].sort((a, b) => (a ?? 0) - (b ?? 0))).toEqual(Array.from({ length: 100 }, (_, at) => at + 1))
  })

  it('survives in a snapshot: a retry behind it is answered, not applied', async () => {
    const group = new TestGroup({ machine: counter, replica: { snapshotEvery: 3 } })
    const leader = await group.elect()
    const client = await group.client('c1', { retryMs: 2000, deadlineMs: 20_000 })
    for (let i = 0; i < 5; i += 1) await group.world.run(client.submit(command, undefined, undefined))
    group.world.network.dropNext({ kind: 'reply' })
    const outcome = client.submit(command, undefined, undefined)
    await group.world.advance(500)
    group.world.crash(leader)
    group.world.restart(leader)
    expect(await group.world.run(outcome)).toEqual({ type: 'answered', answer: Uint8Array.of(6) })
  })
})

describe('RaftClient', () => {
  it('answers with promises, and says by code what did not happen', async () => {
    const group = new TestGroup()
    await group.elect()
    const { world } = group
    const node = world.createNode({ name: 'c1' })
    const client = await world.run(
      RaftClient.start(node, { replicas: group.names, replica: (id) => group.replica(id) }),
    )
    await world.run(client.put('a', { x: 1 }))
    expect(await world.run(client.get('a'))).toEqual({ x: 1 })
    expect(await world.run(client.cas('a', { x: 1 }, 2))).toBe(true)
    expect(await world.run(client.delete('a'))).toBe(true)
    const tooLarge = client.put('a', new Uint8Array(2 * 1024 * 1024))
    await expect(world.run(tooLarge)).rejects.toMatchObject({
      code: 'ERR_CONSENSUS_REFUSED',
      refusal: 'tooLarge',
      outcome: 'none',
    })
    expect(await world.run(client.view())).toMatchObject({ members: ['n1', 'n2', 'n3'], isSettled: true })
    for (const name of group.names.slice(1)) world.crash(name)
    await expect(world.run(client.put('a', 1))).rejects.toMatchObject({
      code: 'ERR_CONSENSUS_UNKNOWN_OUTCOME',
      outcome: 'unknown',
    })
    await world.run(client.close())
    await expect(world.run(client.put('a', 1))).rejects.toMatchObject({ code: 'ERR_CONSENSUS_CLOSED' })
  })

  it('tells who leads, now and when it changes', async () => {
    const group = new TestGroup()
    const leader = await group.elect()
    const { world } = group
    const node = world.createNode({ name: 'c1' })
    const client = await world.run(
      RaftClient.start(node, { replicas: group.names, replica: (id) => group.replica(id) }),
    )
    const leaders: (string | undefined)[] = []
    const stop = client.watch((view) => leaders.push(view.leader))
    await world.eventually('the first view', () => leaders.includes(leader))
    const others: (string | undefined)[] = []
    client.watch((view) => others.push(view.leader))
    expect(others).toEqual([leader])
    stop()
    world.crash(leader)
    await world.eventually('a new leader', () => others.some((other) => other !== undefined && other !== leader))
    expect(leaders.every((other) => other === undefined || other === leader)).toBe(true)
  })
})

describe('RaftAdmin', () => {
  it('changes members, hands leadership over, and takes snapshots', async () => {
    const group = new TestGroup({ spares: 1 })
    await group.elect()
    const { world } = group
    const admin = new RaftAdmin({ replicas: group.names, replica: (id) => group.replica(id) })
    const client = await group.client()
    // A leader changes nothing before an entry of its term is committed.
    await expect(world.run(admin.add('n4'))).rejects.toMatchObject({ refusal: 'notReady', outcome: 'none' })
    await client.put('a', 1)
    await world.run(admin.add('n4'))
    await world.run(admin.transfer('n4'))
    expect(group.leader).toBe('n4')
    await client.put('a', 2)
    await world.run(admin.remove('n1'))
    await world.run(admin.snapshot('n4'))
    const status = await world.run(admin.status('n4'))
    expect(status.configuration?.members.map(({ id }) => id)).toEqual(['n2', 'n3', 'n4'])
    expect(status.snapshot?.index).toBe(status.applied)
    await expect(world.run(admin.remove('n1'))).rejects.toMatchObject({ refusal: 'notMember' })
    await expect(world.run(admin.expireSession(99))).rejects.toMatchObject({ refusal: 'sessionExpired' })
  })
})
