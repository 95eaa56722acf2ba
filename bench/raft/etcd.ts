// The peer of this room: three members of etcd, driven over the loopback from this process at its leader.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Run, Task } from '../harness/contender.ts'
import { EtcdClient } from './etcd-client.ts'
import { leaderOf, type Member, startMembers } from './etcd-members.ts'
import { concurrent, keyOf, sequential, valueOf } from './load.ts'

interface Group {
  readonly members: readonly Member[]
  readonly leader: Member
  readonly client: EtcdClient
}

let group: Promise<Group> | undefined

/** Started by the first run of this process, and used by all. */
function started(): Promise<Group> {
  group ??= start()
  return group
}

async function start(): Promise<Group> {
  const members = await startMembers()
  const leader = await leaderOf(members)
  return { members, leader, client: await EtcdClient.connect(leader.port) }
}

/** What is completed is what etcd's own revision says. */
async function puts<T extends Run>(load: (put: (number: number) => Promise<number>) => Promise<T>): Promise<T> {
  const { client } = await started()
  const before = await client.get('revision', false)
  const run = await load((number) => client.put(keyOf(number), valueOf(number)))
  return { ...run, completed: (await client.get('revision', false)) - before }
}

async function gets(count: number, outstanding: number): Promise<Run> {
  const { client } = await started()
  return concurrent(count, outstanding, (number) => client.get(keyOf(number), false))
}

/** From the leader's end to a put that another leader has answered. The clients of the other two try all the time. */
async function failover(signal: 'SIGKILL' | 'SIGSTOP'): Promise<Run> {
  const { members, leader, client } = await started()
  await client.put('before', valueOf(0))
  const rest = members.filter((member) => member !== leader)
  const clients = await Promise.all(rest.map(({ port }) => EtcdClient.connect(port)))
  const begun = performance.now()
  leader.process.kill(signal)
  await Promise.any(clients.map((other) => untilPut(other)))
  return { completed: 1, latenciesMs: Float64Array.of(performance.now() - begun) }
}

/**
 * A put that a leaderless member has taken in may wait for its own time-out of seconds, so a new one is sent every few
 * milliseconds.
 */
async function untilPut(client: EtcdClient): Promise<void> {
  let isDone = false
  while (!isDone) {
    client.put('after', valueOf(1)).then(
      () => {
        isDone = true
      },
      () => {},
    )
    await sleep(5)
  }
}

export const tasks: Readonly<Record<string, Task>> = {
  put: (count) => puts((put) => sequential(count, put)),
  'put-64': (count) => puts((put) => concurrent(count, 64, put)),
  'put-256': (count) => puts((put) => concurrent(count, 256, put)),
  'put-1024': (count) => puts((put) => concurrent(count, 1024, put)),
  read: (count) => gets(count, 1024),
  'round-trip': async (count) => {
    const { client } = await started()
    return sequential(count, (number) => client.get(keyOf(number), true))
  },
  'failover-killed': () => failover('SIGKILL'),
  'failover-frozen': () => failover('SIGSTOP'),
}
