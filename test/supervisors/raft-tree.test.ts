// Replicas on real LMDB: a group on threads of its own, and two groups that share a node's environment. Everything from
// the built package: threads run compiled code.

import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Node } from 'espalier'
import type { ReplicaOptions } from 'espalier/raft'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { compiledFolder } from '../storage/compiled.ts'
import { espalier, threads } from '../threads/compiled.ts'

const trees: typeof import('espalier/raft/threads') = await import(
  pathToFileURL(join(compiledFolder('supervisors'), 'raft-tree.js')).href
)
const raft: typeof import('espalier/raft') = await import(
  pathToFileURL(join(compiledFolder('actors'), 'raft', 'index.js')).href
)
const storage: typeof import('espalier/storage') = await import(
  pathToFileURL(join(compiledFolder('src'), 'storage', 'index.js')).href
)

const system: typeof import('../../src/system/system-files.ts') = await import(
  pathToFileURL(join(compiledFolder('src'), 'system', 'system-files.js')).href
)

const NAMES = ['r1', 'r2', 'r3']
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-raft-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
})

describe('a group on threads, an environment each', () => {
  const specs = () =>
    NAMES.map((id) =>
      trees.raftThread({ group: 'g', id, nodes: NAMES, path: join(folder, id), snapshotEvery: 50, raft: {} }),
    )

  async function withGroup<T>(run: (node: Node, all: InstanceType<typeof threads.Threads>) => Promise<T>): Promise<T> {
    const node = espalier.createNode({ name: 'main' })
    const all = new threads.Threads(node)
    await node.start(threads.threadSupervisor(all, specs()))
    try {
      return await run(node, all)
    } finally {
      await node.stop()
      await all.stop()
    }
  }

  function clientOf(node: Node) {
    const replica = (id: string) => trees.raftReplicaAt(node, id, 'g')
    return raft.RaftClient.start(node, { replicas: NAMES, replica, deadlineMs: 20_000 })
  }

  test('keeps what it has acknowledged when a thread dies, and when all are started again', async () => {
    await withGroup(async (node, all) => {
      const client = await clientOf(node)
      for (let i = 0; i < 120; i += 1) await client.put(`k${i % 10}`, i)
      await all.get('r2')?.terminate()
      await client.put('after', 'a thread died')
    })
    await withGroup(async (node) => {
      const client = await clientOf(node)
      expect(await client.get('k9')).toBe(119)
      expect(await client.get('after')).toBe('a thread died')
    })
    for (const id of NAMES) expect(existsSync(join(folder, `${id}.g.founded`))).toBe(true)
  }, 60_000)

  test('takes a replica whose environment was emptied for another member, not for a founder', async () => {
    await withGroup(async (node) => {
      const client = await clientOf(node)
      for (let i = 0; i < 60; i += 1) await client.put('k', i)
    })
    rmSync(join(folder, 'r3'), { recursive: true })
    await withGroup(async (node) => {
      const client = await clientOf(node)
      expect(await client.get('k')).toBe(59)
      const status = await trees.raftReplicaAt(node, 'r3', 'g').call('status', undefined, { timeoutMs: 5000 })
      expect(status.incarnation).toMatch(/^[0-9a-f]{16}$/)
    })
  }, 60_000)
})

describe('groups that share an environment', () => {
  async function start(node: Node, groups: readonly string[]) {
    const { ports } = node
    const store = () => storage.openLmdb({ path: join(folder, 'shared'), lockTimeoutMs: 5000 })
    const replicas = groups.map((group) => {
      const options: ReplicaOptions = {
        group,
        id: 'n1',
        peer: () => undefined,
        store,
        ports,
        machine: raft.keyValueMap,
        founders: ['n1'],
        snapshotEvery: 20,
      }
      return { id: group, type: 'supervisor' as const, start: [raft.raftReplica(options)] as const }
    })
    const founding = trees.fileRecord(system.systemFiles, join(folder, 'shared'))
    await node.start(
      espalier.supervisor({
        strategy: 'rest_for_one',
        children: [raft.raftLogs({ store, ports, founding }), ...replicas],
      }),
    )
    const replica = (group: string) => () => trees.raftReplicaAt(node, node.name, group)
    return Promise.all(
      groups.map((group) => raft.RaftClient.start(node, { replicas: ['n1'], replica: replica(group) })),
    )
  }

  test('keep apart what they hold, over snapshots, compaction and a restart', async () => {
    const groups = ['a', 'b', 'a/b']
    for (const life of [0, 1]) {
      const node = espalier.createNode({ name: 'n1' })
      const clients = await start(node, groups)
      if (life === 0) {
        for (let i = 0; i < 70; i += 1) {
          await Promise.all(clients.map((client, at) => client.put('k', `${groups[at]} ${i}`)))
        }
      }
      const held = await Promise.all(clients.map((client) => client.get('k')))
      expect(held).toEqual(groups.map((group) => `${group} 69`))
      await node.stop()
    }
    expect(readdirSync(folder).filter((name) => !name.endsWith('.founded'))).toEqual(['shared'])
  }, 60_000)
})
