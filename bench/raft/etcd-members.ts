// Three members of etcd on this machine's loopback, with the defaults of Debian's package: every write is flushed on a
// majority before it is answered. They die with the process that started them.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dataFolder } from '../harness/folder.ts'
import { runProcess } from '../harness/rounds.ts'

const START_LIMIT_MS = 20_000

/** Whether etcd is there, and which. */
export async function probeEtcd(): Promise<{ readonly version: string } | { readonly absent: string }> {
  const asked = await runProcess('etcd', ['--version'], 10_000)
  const [, version] = /etcd Version: (\S+)/.exec(asked.stdout) ?? []
  if (version === undefined) return { absent: 'no etcd on the path (Debian: apt-get install etcd-server)' }
  return { version: `etcd ${version}, three members` }
}

export class Member {
  readonly port: number
  readonly #args: readonly string[]
  #process: ChildProcess

  constructor(port: number, args: readonly string[]) {
    this.port = port
    this.#args = args
    this.#process = this.#spawn()
  }

  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(signal)
  }

  /** Starts a killed member again, on its old data. */
  async restart(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await once(this.#process, 'exit')
    this.#process = this.#spawn()
  }

  /** Whether it leads; undefined while it knows no leader. */
  async leads(): Promise<boolean | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.port}/v3/maintenance/status`, {
        method: 'POST',
        body: '{}',
        signal: AbortSignal.timeout(500),
      })
      const status = new Map(Object.entries(Object(await response.json())))
      const leader = status.get('leader')
      return leader === undefined ? undefined : leader === Object(status.get('header')).member_id
    } catch {
      return undefined
    }
  }

  #spawn(): ChildProcess {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'etcd', ...this.#args], { stdio: 'ignore' })
    // A member that cannot be started never leads: whoever waits for it says so.
    child.on('error', () => {})
    return child
  }
}

export async function startMembers(): Promise<readonly Member[]> {
  const folder = dataFolder('etcd')
  const places: { readonly name: string; readonly client: number; readonly peer: number }[] = []
  for (const name of ['m1', 'm2', 'm3']) places.push({ name, client: await freePort(), peer: await freePort() })
  const cluster = places.map(({ name, peer }) => `${name}=${loopback(peer)}`).join(',')
  const members = places.map(({ name, client, peer }) => {
    const options: Readonly<Record<string, string>> = {
      name,
      'data-dir': join(folder, name),
      'listen-client-urls': loopback(client),
      'advertise-client-urls': loopback(client),
      'listen-peer-urls': loopback(peer),
      'initial-advertise-peer-urls': loopback(peer),
      'initial-cluster': cluster,
      'log-level': 'error',
    }
    return new Member(
      client,
      Object.entries(options).flatMap(([option, value]) => [`--${option}`, value]),
    )
  })
  process.on('exit', () => {
    for (const member of members) member.signal('SIGKILL')
  })
  return members
}

/** The member that leads, once all of them know one. */
export async function settledLeader(members: readonly Member[]): Promise<Member> {
  const until = performance.now() + START_LIMIT_MS
  while (performance.now() < until) {
    const leads = await Promise.all(members.map((member) => member.leads()))
    const leader = members.find((_, i) => leads[i] === true)
    if (leader && !leads.includes(undefined)) return leader
    await sleep(20)
  }
  throw new Error(`etcd has not settled on a leader in ${START_LIMIT_MS} ms`)
}

function loopback(port: number): string {
  return `http://127.0.0.1:${port}`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port on the loopback')
  return address.port
}
