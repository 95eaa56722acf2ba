// Three replicas in one simulated world, through their clients: writes, reads, crashes, snapshots, membership.
import { describe, expect, it } from 'vitest'
import { TestGroup } from './group.ts'

describe('a group of three', () => {
  it('elects a leader and acknowledges a put', async () => {
    const group = new TestGroup()
    await group.elect()
    const client = await group.client()
    expect(await client.put('a', 1)).toBe('ok')
    expect(await client.get('a')).toBe(1)
    expect(await client.get('a', 'log')).toBe(1)
    expect(await client.get('a', 'lease')).toBe(1)
    expect(await client.get('b')).toBe(null)
  })

  it('answers after its leader has lost its power', async () => {
    const group = new TestGroup()
    const client = await group.client()
    for (let i = 0; i < 5; i += 1) {
      const leader = await group.elect()
      expect(await client.put('a', i)).toBe('ok')
      group.world.crash(leader)
      expect(await client.get('a')).toBe(i)
      group.world.restart(leader)
    }
  })

  it('keeps what it acknowledged over a power cut of all', async () => {
    const group = new TestGroup()
    const client = await group.client()
    expect(await client.put('a', 'kept')).toBe('ok')
    for (const name of group.names) group.world.crash(name)
    for (const name of group.names) group.world.restart(name)
    expect(await client.get('a')).toBe('kept')
  })

  it('says that the outcome is unknown when it has no quorum', async () => {
    const group = new TestGroup()
    const leader = await group.elect()
    const client = await group.client()
    expect(await client.put('a', 1)).toBe('ok')
    for (const name of group.names) if (name !== leader) group.world.crash(name)
    expect(await client.put('a', 2)).toEqual({ type: 'unknown', isCertain: false })
  })
})

describe('snapshots', () => {
  it('are taken by policy, and the log compacted behind them', async () => {
    const group = new TestGroup({ replica: { snapshotEvery: 10 } })
    const client = await group.client()
    for (let i = 0; i < 25; i += 1) await client.put(`k${i % 4}`, i)
    await group.world.advance(500)
    for (const name of group.names) {
      expect(group.host(name)?.storage.snapshot?.last.index).toBeGreaterThanOrEqual(20)
    }
    for (const name of group.names) group.world.crash(name)
    for (const name of group.names) group.world.restart(name)
    expect(await client.get('k0')).toBe(24)
    expect(await client.put('k0', 'after')).toBe('ok')
  })

  it('bring up a replica that was away for longer than the log reaches back', async () => {
    const group = new TestGroup({ replica: { snapshotEvery: 10, snapshotChunkBytes: 64 } })
    const leader = await group.elect()
    const client = await group.client()
    const away = group.names.find((name) => name !== leader) ?? ''
    group.world.crash(away)
    for (let i = 0; i < 40; i += 1) await client.put(`k${i % 20}`, i)
    group.world.restart(away)
    await group.world.eventually('it is up to date', () => {
      const host = group.host(away)
      return host !== undefined && host.counters.snapshotsInstalled > 0 && host.applied >= 41
    })
    // It holds what the others hold: it can lead.
    expect(await group.world.run(group.replica(leader).call('transfer', away))).toEqual({ ok: true })
    await group.world.eventually('it leads', () => group.leader === away)
    expect(await client.get('k19')).toBe(39)
  })
})

describe('membership', () => {
  it('takes in an empty replica and lets go of another', async () => {
    const group = new TestGroup({ spares: 1 })
    const leader = await group.elect()
    const client = await group.client()
    await client.put('a', 1)
    const { world } = group
    const incarnation = await world.run(group.replica('n4').call('incarnation'))
    expect(incarnation).toMatch(/^[0-9a-f]{16}$/)
    const added = await world.run(
      group.replica(leader).call('change', { op: 'add', node: 'n4', incarnation, role: 'voter' }),
    )
    expect(added).toEqual({ ok: true })
    const away = group.names.find((name) => name !== leader && name !== 'n4') ?? ''
    const removed = await world.run(group.replica(leader).call('change', { op: 'remove', node: away }))
    expect(removed).toEqual({ ok: true })
    world.crash(away)
    const status = await world.run(group.replica(leader).call('status'))
    expect(status.configuration?.members.map(({ id }) => id)).toEqual(
      ['n1', 'n2', 'n3', 'n4'].filter((name) => name !== away),
    )
    expect(await client.get('a')).toBe(1)
  })

  it('hands leadership over', async () => {
    const group = new TestGroup()
    const leader = await group.elect()
    const client = await group.client()
    await client.put('a', 1)
    const to = group.names.find((name) => name !== leader) ?? ''
    expect(await group.world.run(group.replica(leader).call('transfer', to))).toEqual({ ok: true })
    await group.world.eventually('it leads', () => group.leader === to)
    expect(await client.put('a', 2)).toBe('ok')
  })
})
