// What a replica's host does when its disk, its applier or its own processes fail.

import { MemoryDisk } from 'espalier/storage'
import { describe, expect, it } from 'vitest'
import { keyValue } from '../../../actors/consensus/machines/key-value.ts'
import type { Entry, LogPosition } from '../../../actors/raft/core/entry.ts'
import { unsafeRecover } from '../../../actors/raft/unsafe-recover.ts'
import { LogKeys } from '../../../src/storage/log-records.ts'
import { TestGroup } from './group.ts'

const keys = new LogKeys('raft/test')

describe('a disk', () => {
  it('that is full makes its leader hand over, and works again when there is room', async () => {
    const group = new TestGroup()
    const leader = await group.elect()
    const client = await group.client()
    expect(await client.put('a', 1)).toBe('ok')
    group.world.disk(leader).setFull(true)
    expect(await client.put('a', 2)).toBe('ok')
    await group.world.eventually('another leads', () => group.leader !== undefined && group.leader !== leader)
    expect(group.host(leader)?.status.hasDiskTrouble).toBe(true)
    expect(group.host(leader)?.counters.failedWrites).toBeGreaterThan(0)
    group.world.disk(leader).setFull(false)
    await group.world.eventually('it has caught up', () => {
      const host = group.host(leader)
      return host?.isInTrouble === false && host.core.durableIndex === group.host(group.leader ?? '')?.core.durableIndex
    })
    expect(await client.get('a')).toBe(2)
  })

  it('that stalls makes its leader hand over', async () => {
    const group = new TestGroup()
    const leader = await group.elect()
    const client = await group.client()
    expect(await client.put('a', 1)).toBe('ok')
    group.world.disk(leader).gate()
    await client.put('a', 2)
    await group.world.eventually('another leads', () => group.leader !== undefined && group.leader !== leader)
    expect(await client.put('a', 3)).toBe('ok')
    group.world.disk(leader).release()
    await group.world.eventually('the trouble is over', () => group.host(leader)?.isInTrouble === false)
    expect(await client.get('a')).toBe(3)
  })

  it('with rot below its head is repaired by the others, and nothing acknowledged is lost', async () => {
    const group = new TestGroup()
    const client = await group.client()
    for (let i = 0; i < 10; i += 1) expect(await client.put('a', i)).toBe('ok')
    await group.world.advance(200)
    const rotten = group.leader ?? ''
    group.world.crash(rotten)
    group.world.disk(rotten).memory.damage('raft', keys.entry(6), (value) => value.map((byte) => byte ^ 1))
    group.world.restart(rotten)
    await group.world.eventually('it is as far as before', () => (group.host(rotten)?.core.durableIndex ?? 0) >= 12)
    expect(group.host(rotten)?.core.voteFloor).toBeUndefined()
    expect(await client.get('a')).toBe(9)
  })

  it('that was wiped makes its replica another member, under an incarnation of its own', async () => {
    const group = new TestGroup()
    const leader = await group.elect()
    const client = await group.client()
    expect(await client.put('a', 1)).toBe('ok')
    const wiped = group.names.find((name) => name !== leader) ?? ''
    group.world.crash(wiped)
    group.world.disk(wiped).wipe()
    group.world.restart(wiped)
    await group.world.advance(1000)
    const incarnation = group.host(wiped)?.storage.incarnation ?? ''
    expect(incarnation).toMatch(/^[0-9a-f]{16}$/)
    const members = group.host(leader)?.core.configuration.configuration.members ?? []
    expect(members.filter(({ id }) => id === wiped).every((member) => member.incarnation === incarnation)).toBe(true)
    group.world.crash(wiped)
    group.world.restart(wiped)
    await group.world.advance(1000)
    expect(group.host(wiped)?.storage.incarnation).toBe(incarnation)
    expect(await client.get('a')).toBe(1)
  })

  it('that is asked for committed entries is asked for no others, though it has them', async () => {
    const group = new TestGroup({ replica: { raft: { maxCachedBytes: 1 } } })
    const leader = await group.elect()
    const [near = '', far = ''] = group.names.filter((name) => name !== leader)
    const { network } = group.world
    const clients = [await group.client('c1'), await group.client('c2')]
    for (const client of clients) expect(await client.put('a', 1)).toBe('ok')
    network.cut({ from: leader, to: far })
    network.hold({ kind: 'appendReply', from: near })
    for (const client of clients) {
      void client.submit({ type: 'command', command: keyValue.put('a', 2) }, leader, undefined)
      await group.world.advance(30)
    }
    const committed = group.host(leader)?.core.commitIndex ?? 0
    expect(group.host(leader)?.core.durableIndex).toBe(committed + 2)
    network.release({ kind: 'appendReply', from: near }, { count: 1 })
    await group.world.eventually('the first is applied', () => (group.host(leader)?.applied ?? 0) > committed)
    expect(group.host(leader)?.applied).toBe(committed + 1)
  })
})

describe('an applier that stands still', () => {
  it('does not keep the others from committing, and catches up', async () => {
    const group = new TestGroup()
    const leader = await group.elect()
    const client = await group.client()
    expect(await client.put('a', 1)).toBe('ok')
    const still = group.names.find((name) => name !== leader) ?? ''
    group.replica(still).cast('holdApply')
    for (let i = 0; i < 5; i += 1) expect(await client.put('a', i)).toBe('ok')
    await group.world.advance(200)
    const { commitIndex = 0 } = group.host(leader)?.core ?? {}
    expect(group.host(still)?.core.commitIndex).toBe(commitIndex)
    expect(group.host(still)?.applied).toBeLessThan(commitIndex)
    group.replica(still).cast('releaseApply')
    await group.world.eventually('it has applied all', () => group.host(still)?.applied === commitIndex)
  })
})

describe('processes of a replica', () => {
  it('stand and fall together, and come back on the same disk', async () => {
    const group = new TestGroup()
    await group.elect()
    const client = await group.client()
    expect(await client.put('a', 1)).toBe('ok')
    for (const process of ['raft/test', 'raft/test/applier']) {
      const victim = group.leader ?? ''
      const node = group.world.node(victim)
      const before = node.whereis('raft/test')
      const pid = node.whereis(process)
      if (pid !== undefined) node.sendExit(pid, 'kill')
      await group.world.eventually('both are new', () => {
        const now = node.whereis('raft/test')
        return now !== undefined && now !== before && group.host(victim)?.applier !== undefined
      })
      await group.elect()
      expect(await client.put('a', process)).toBe('ok')
    }
    expect(await client.get('a')).toBe('raft/test/applier')
  })
})

describe('unsafeRecover', () => {
  it('gives a survivor a group of its own, with all that it holds', async () => {
    let isLost = false
    let recovered: LogPosition | undefined
    const group = new TestGroup({
      prepare: async (id, open) => {
        if (!isLost) return
        const store = await open()
        recovered = await unsafeRecover(store, { group: 'test', id })
        await store.close()
      },
    })
    const survivor = await group.elect()
    const client = await group.client()
    for (let i = 0; i < 5; i += 1) expect(await client.put('a', i)).toBe('ok')
    await group.world.advance(200)
    for (const name of group.names) group.world.crash(name)
    isLost = true
    group.world.restart(survivor)
    await group.elect()
    const { at, configuration } = group.host(survivor)?.core.configuration ?? {}
    expect(at).toBe(recovered?.index)
    expect(configuration?.members).toEqual([{ id: survivor, incarnation: '', role: 'voter' }])
    expect(await client.get('a')).toBe(4)
    expect(await client.put('a', 'alone')).toBe('ok')
  })

  it('refuses a disk that holds no such group', async () => {
    const store = await new MemoryDisk().open('empty')
    await expect(unsafeRecover(store, { group: 'other', id: 'n1' })).rejects.toMatchObject({ code: 'ERR_OPTION' })
  })
})

describe('observe', () => {
  it('hears every step with its effects, and first what the disk held', async () => {
    const entries: Entry[] = []
    const starts: (string | undefined)[] = []
    const group = new TestGroup({
      replica: {
        observe: ({ input, effects, recovered, incarnation }) => {
          if (input === undefined) starts.push(incarnation)
          if (recovered !== undefined) expect(input).toBeUndefined()
          for (const effect of effects) if (effect.type === 'apply') entries.push(...effect.entries)
        },
      },
    })
    const client = await group.client()
    expect(await client.put('a', 1)).toBe('ok')
    expect(starts).toEqual(['', '', ''])
    expect(entries.some(({ kind }) => kind === 'command')).toBe(true)
  })
})
