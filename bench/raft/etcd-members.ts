// Three members of etcd on this machine's loopback, with the defaults of Debian's package: every write is flushed on a
// majority before it is answered. They die with the process that started them.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dataFolder } from './folder.ts'

const START_LIMIT_MS = 20_000

export interface Member {
  readonly name: string
  readonly port: number
  readonly process: ChildProcess
}

export async function startMembers(): Promise<readonly Member[]> {
  const folder = dataFolder('etcd')
  const places = await Promise.all(
    ['m1', 'm2', 'm3'].map(async (name) => ({ name, port: await freePort(), peerPort: await freePort() })),
  )
  const cluster = places.map(({ name, peerPort }) => `${name}=http://127.0.0.1:${peerPort}`).join(',')
  const members = places.map(({ name, port, peerPort }): Member => {
    const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`]
    const options: Readonly<Record<string, string>> = {
      name,
      'data-dir': join(folder, name),
      'listen-client-urls': client,
      'advertise-client-urls': client,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': cluster,
      'initial-cluster-state': 'new',
      'log-level': 'error',
    }
    const args = Object.entries(options).flatMap(([option, value]) => [`--${option}`, value])
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'etcd', ...args], { stdio: 'ignore' })
    child.on('error', () => {})
    return { name, port, process: child }
  })
  process.on('exit', () => stopMembers(members))
  return members
}

export function stopMembers(members: readonly Member[]): void {
  for (const { process: child } of members) child.kill('SIGKILL')
}

/** The member that says it leads, once one does. */
export async function leaderOf(members: readonly Member[]): Promise<Member> {
  const until = performance.now() + START_LIMIT_MS
  while (performance.now() < until) {
    for (const member of members) if (await leads(member)) return member
    await sleep(20)
  }
  throw new Error(`etcd has no leader after ${START_LIMIT_MS} ms`)
}

async function leads({ port }: Member): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/v3/maintenance/status`, {
      method: 'POST',
      body: '{}',
      signal: AbortSignal.timeout(500),
    })
    const status: unknown = await response.json()
    if (typeof status !== 'object' || status === null || !('header' in status) || !('leader' in status)) return false
    const { header, leader } = status
    return typeof header === 'object' && header !== null && 'member_id' in header && header.member_id === leader
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port on the loopback')
  return address.port
}
