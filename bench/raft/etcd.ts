// The peer of this room: three members of etcd, driven over the loopback from this process at its leader.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Run, Task } from '../harness/contender.ts'
import { EtcdClient } from './etcd-client.ts'
import { type Member, settledLeader, startMembers } from './etcd-members.ts'
import { concurrent, keyFor, sequential, valueFor } from './load.ts'

let started: Promise<readonly Member[]> | undefined
let connected: EtcdClient | undefined

/** Three members, started by the first run of this process and used by all. */
function members(): Promise<readonly Member[]> {
  started ??= startMembers()
  return started
}

/** A client of the leader's. */
async function leaderClient(): Promise<EtcdClient> {
  connected ??= await EtcdClient.connect((await settledLeader(await members())).port)
  return connected
}

/** What is completed is what etcd's own revision says. */
async function puts<T extends Run>(load: (put: (number: number) => Promise<number>) => Promise<T>): Promise<T> {
  const client = await leaderClient()
  const before = await client.get('revision', false)
  const run = await load((number) => client.put(keyFor(number), valueFor(number)))
  return { ...run, completed: (await client.get('revision', false)) - before }
}

async function gets(count: number, outstanding: number): Promise<Run> {
  const client = await leaderClient()
  return concurrent(count, outstanding, (number) => client.get(keyFor(number), false))
}

/** From each end of a leader to a put that another one has answered. The clients of the other two try all the time. */
async function failovers(count: number, signal: 'SIGKILL' | 'SIGSTOP'): Promise<Run> {
  const all = await members()
  const latenciesMs = new Float64Array(count)
  for (let at = 0; at < count; at += 1) {
    const leader = await settledLeader(all)
    const others = all.filter((member) => member !== leader)
    const clients = await Promise.all(others.map(({ port }) => EtcdClient.connect(port)))
    await clients[0]?.put('before', valueFor(at))
    const begun = performance.now()
    leader.signal(signal)
    await Promise.any(clients.map((client) => untilPut(client)))
    latenciesMs[at] = performance.now() - begun
    for (const client of clients) client.close()
    if (signal === 'SIGKILL') await leader.restart()
    else leader.signal('SIGCONT')
  }
  return { completed: count, latenciesMs }
}

/**
 * A put that a leaderless member has taken in may wait for its own time-out of seconds, so a new one is sent every few
 * milliseconds.
 */
async function untilPut(client: EtcdClient): Promise<void> {
  let isDone = false
  while (!isDone) {
    client.put('after', valueFor(1)).then(
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
    const client = await leaderClient()
    return sequential(count, (number) => client.get(keyFor(number), true))
  },
  'failover-killed': (count) => failovers(count, 'SIGKILL'),
  'failover-frozen': (count) => failovers(count, 'SIGSTOP'),
}
