// Our contender in room `raft`: see group.ts for what it is made of.

import { createNode, defineServer, reply } from 'espalier'
import type { RaftClient } from 'espalier/raft'
import { type ThreadContext, Threads } from 'espalier/threads'
import type { Run, Task } from '../harness/contender.ts'
import { proposals } from './core.ts'
import { ThreadGroup } from './group.ts'
import { concurrent, keyFor, sequential, valueFor } from './load.ts'

let started: Promise<ThreadGroup> | undefined
const clients = new Map<number, Promise<RaftClient>>()

/** Started by the first run of this process, and used by all. */
function group(disk: 'lmdb' | 'memory' = 'lmdb'): Promise<ThreadGroup> {
  started ??= ThreadGroup.start({ disk })
  return started
}

async function clientOf(of: ThreadGroup, window: number): Promise<RaftClient> {
  const client = clients.get(window) ?? of.client({ window })
  clients.set(window, client)
  return client
}

/** What is completed is what the leader's log has grown by. */
async function puts<T extends Run>(
  disk: 'lmdb' | 'memory',
  window: number,
  load: (put: (number: number) => Promise<unknown>) => Promise<T>,
): Promise<T> {
  const of = await group(disk)
  const client = await clientOf(of, window)
  // The client's session is an entry too.
  await client.put('session', 0)
  const before = await of.leader()
  const run = await load((number) => client.put(keyFor(number), valueFor(number)))
  const after = await of.leader()
  if (after.term !== before.term) throw new Error(`the leader changed amid the load: term ${after.term}`)
  return { ...run, completed: after.last.index - before.last.index }
}

async function reads(count: number, outstanding: number): Promise<Run> {
  const client = await clientOf(await group(), outstanding)
  await client.put(keyFor(0), valueFor(0))
  return concurrent(count, outstanding, (number) => client.get(keyFor(number)))
}

/** Entries of the leader's for each of its writes, which is a flush. */
async function entriesPerFlush(count: number, outstanding: number): Promise<Run> {
  const of = await group()
  const before = (await of.leader()).counters
  await puts('lmdb', outstanding, (put) => concurrent(count, outstanding, put))
  const { counters } = await of.leader()
  const writes = counters.writes - before.writes
  return { completed: count, value: (counters.entriesWritten - before.entriesWritten) / writes }
}

/** From each end of a leader to a put that another one has answered. The clients try all the time. */
async function failovers(count: number, end: (group: ThreadGroup, leader: string) => void): Promise<Run> {
  const of = await group()
  const client = await of.client({ window: 1024, retryMs: 10 })
  const latenciesMs = new Float64Array(count)
  for (let at = 0; at < count; at += 1) {
    const { id } = await of.leader()
    await client.put('before', at)
    const begun = performance.now()
    end(of, id)
    await client.put('after', at)
    latenciesMs[at] = performance.now() - begun
  }
  return { completed: count, latenciesMs }
}

const Echo = defineServer({
  init: () => null,
  call: { get: ({ state }, key: string) => reply(key, state) },
})

/** Boots the thread of the round trip. */
export async function bootEcho({ node }: ThreadContext): Promise<void> {
  await node.start(Echo, undefined, { name: 'echo' })
}

/** A call to another thread and back, by the same carrier as a put. */
async function roundTrip(count: number): Promise<Run> {
  const node = createNode({ name: 'client' })
  const threads = new Threads(node)
  await threads.start('replica', { boot: { module: import.meta.url, export: 'bootEcho' } })
  const echo = node.at(Echo, 'replica', 'echo')
  const run = await sequential(count, (number) => echo.call('get', keyFor(number)))
  await threads.stop()
  return run
}

export const tasks: Readonly<Record<string, Task>> = {
  put: (count) => puts('lmdb', 1, (put) => sequential(count, put)),
  'put-64': (count) => puts('lmdb', 64, (put) => concurrent(count, 64, put)),
  'put-256': (count) => puts('lmdb', 256, (put) => concurrent(count, 256, put)),
  'put-1024': (count) => puts('lmdb', 1024, (put) => concurrent(count, 1024, put)),
  'memory-put': (count) => puts('memory', 1, (put) => sequential(count, put)),
  'memory-put-1024': (count) => puts('memory', 1024, (put) => concurrent(count, 1024, put)),
  read: (count) => reads(count, 1024),
  'flush-64': (count) => entriesPerFlush(count, 64),
  'flush-256': (count) => entriesPerFlush(count, 256),
  'flush-1024': (count) => entriesPerFlush(count, 1024),
  core: proposals,
  'round-trip': roundTrip,
  'failover-killed': (count) => failovers(count, (of, leader) => of.kill(leader)),
  'failover-frozen': (count) => failovers(count, (of, leader) => of.freeze(leader)),
}
