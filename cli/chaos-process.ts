// The process of a chaos run: three replicas on worker threads, clients that never rest, and whoever torments them. It is
// killed by the command that has started it, at any moment: `node chaos-process.js START`.

import { join } from 'node:path'
import { RaftClient } from '../actors/raft/raft-client.ts'
import { createNode, type Node } from '../src/index.ts'
import { type RegisterInput, type RegisterOutput, SeededRandom } from '../src/simulation/index.ts'
import { systemClock } from '../src/system/index.ts'
import { Threads, threadSupervisor } from '../src/threads/index.ts'
import { type RaftThreadOptions, raftReplicaAt } from '../supervisors/raft-tree.ts'
import { type Order, SABOTEUR } from './chaos-replica.ts'
import type { ChaosStart, Fault, Said } from './chaos-words.ts'

const GROUP = 'chaos'
const REPLICAS = ['r1', 'r2', 'r3'] as const
const CLIENTS = 6
/** Clients that ask every replica, and do not wait. */
const PATIENT = 2
const FROZEN_MS = 1000
const FROZEN_GRACE_MS = 500
const READ_DEADLINE_MS = 60_000

const sleep = (ms: number) => new Promise<void>((resolve) => systemClock.setAlarm(ms, resolve))

/** A pipe is written before this returns: what was said stays said, whatever happens to this process. */
function say(said: Said): void {
  process.stdout.write(`${JSON.stringify(said)}\n`)
}

class Group {
  readonly #start: ChaosStart
  readonly #node: Node
  readonly #threads: Threads
  #calls: number
  #loadedSinceMs: number | undefined

  constructor(start: ChaosStart) {
    this.#start = start
    this.#node = createNode({ name: 'chaos' })
    this.#threads = new Threads(this.#node, { watchdog: { frozenAfterMs: FROZEN_MS, graceMs: FROZEN_GRACE_MS } })
    this.#calls = start.round * 10_000_000
  }

  async open(): Promise<void> {
    const bug = this.#start.sabotage === 'unconfirmed-reads' ? 'stale-read' : undefined
    const specs = REPLICAS.map((id) => {
      const options: RaftThreadOptions = {
        group: GROUP,
        id,
        nodes: REPLICAS,
        path: join(this.#start.data, id),
        snapshotEvery: 2000,
        raft: { bug },
      }
      const boot = {
        module: new URL('./chaos-replica.js', import.meta.url),
        export: 'bootChaosReplica',
        args: [options],
      }
      return { name: id, options: { storage: true, boot } }
    })
    await this.#node.start(threadSupervisor(this.#threads, specs, { intensity: 1000, periodMs: 1000 }))
    const observer = await this.#client({})
    observer.watch(({ leader, term }) => {
      if (leader !== undefined) say({ kind: 'leader', leader, term })
    })
  }

  /** A client that mixes puts, reads and comparisons, on keys that many share and on keys of its own. */
  async load(name: string, random: SeededRandom): Promise<void> {
    const client = await this.#client({ retryMs: 100, deadlineMs: 2000 })
    for (let at = 0; ; at += 1) {
      const key = this.#key(random)
      const value = this.#start.round * 10_000_000 + random.below(10_000_000)
      const choice = random.below(10)
      if (choice < 3) await this.#do(name, client, { op: 'get', key })
      else if (choice < 6) await this.#do(name, client, { op: 'put', key, value })
      else if (choice < 7) await this.#do(name, client, { op: 'cas', key, expected: value - 1, value })
      // A key for one write alone: it must be there at the end.
      else await this.#do(name, client, { op: 'put', key: `once.${this.#start.round}.${name}.${at}`, value })
      await sleep(random.below(8))
    }
  }

  /**
   * A client that reads at the replicas in turn, never waits before it asks again, and takes each one's word, however
   * late: a leader that was is asked too, and must not answer with what it knew.
   */
  async patience(name: string, random: SeededRandom): Promise<void> {
    const client = await this.#client({ window: 1024, retryMs: 3000, deadlineMs: 2500 })
    for (let at = 0; ; at += 1) {
      void this.#do(name, client, { op: 'get', key: this.#key(random) }, REPLICAS[at % REPLICAS.length])
      await sleep(5 + random.below(10))
    }
  }

  /** One fault after the other; each is over, and the group whole, before the next. */
  async torment(random: SeededRandom): Promise<void> {
    // What a deposed leader says is seen only where others have moved on while it still leads: nothing else is in its way.
    const isDeposing = this.#start.sabotage === 'unconfirmed-reads'
    const faults: readonly Fault[] = isDeposing ? ['disconnected'] : ['paused', 'killed', 'disconnected', 'frozen']
    for (let at = this.#start.round; ; at += 1) {
      await sleep(200 + random.below(400))
      const fault = faults[at % faults.length] ?? 'killed'
      // The leader more often than not: the others' faults are harmless.
      const leader = isDeposing || random.below(4) > 0 ? await this.#leader() : undefined
      const replica = leader ?? REPLICAS[random.below(REPLICAS.length)] ?? 'r1'
      say({ kind: 'fault', fault, replica })
      await this.#strike(fault, replica, random)
      await this.#whole()
    }
  }

  /** Reads every key, until each is answered. */
  async readAll(keys: readonly string[]): Promise<void> {
    const client = await this.#client({ window: 64, deadlineMs: READ_DEADLINE_MS })
    let next = 0
    const reader = async (_: unknown, at: number) => {
      for (let key = keys[next++]; key !== undefined; key = keys[next++])
        await this.#do(`end-${at}`, client, { op: 'get', key })
    }
    await Promise.all(Array.from({ length: 64 }, reader))
  }

  async #strike(fault: Fault, replica: string, random: SeededRandom): Promise<void> {
    const thread = this.#threads.get(replica)
    if (fault === 'killed') await thread?.terminate()
    else if (fault === 'frozen') {
      this.#order(replica, { hangMs: Number.POSITIVE_INFINITY })
      await thread?.ended
    } else if (fault === 'paused') {
      const hangMs = 500 + random.below(700)
      this.#order(replica, { hangMs })
      await sleep(hangMs)
    } else {
      const others = REPLICAS.filter((other) => other !== replica)
      this.#order(replica, { cut: others })
      for (const other of others) this.#order(other, { cut: [replica] })
      await sleep(300 + random.below(700))
      for (const id of REPLICAS) this.#order(id, { cut: [] })
    }
  }

  /** Others every second: the judge's work grows with the operations on one key. */
  #key(random: SeededRandom): string {
    return `k${this.#start.round}.${Math.floor(systemClock.now() / 1000)}.${random.below(2)}`
  }

  #order(replica: string, order: Order): void {
    this.#node.at(replica, SABOTEUR).send(order)
  }

  async #leader(): Promise<string | undefined> {
    for (const id of REPLICAS) {
      const status = await this.#status(id)
      if (status?.role === 'leader') return id
    }
    return undefined
  }

  /** Waits until all three are there. */
  async #whole(): Promise<void> {
    for (;;) {
      const known = await Promise.all(REPLICAS.map((id) => this.#status(id)))
      if (known.every((status) => status?.leader !== undefined)) return
      await sleep(20)
    }
  }

  #status(id: string) {
    const call = raftReplicaAt(this.#node, id, GROUP).call('status', undefined, { timeoutMs: 300 })
    return call.catch(() => undefined)
  }

  /** What was acknowledged too early is not on the disk in this moment. */
  #answered({ op }: RegisterInput): void {
    const { killAfterMs } = this.#start
    if (op !== 'put' || killAfterMs === undefined) return
    this.#loadedSinceMs ??= systemClock.now()
    if (systemClock.now() - this.#loadedSinceMs >= killAfterMs) process.kill(process.pid, 'SIGKILL')
  }

  #client(options: { readonly retryMs?: number; readonly deadlineMs?: number; readonly window?: number }) {
    const replica = (id: string) => raftReplicaAt(this.#node, id, GROUP)
    return RaftClient.start(this.#node, { replicas: REPLICAS, replica, ...options })
  }

  async #do(name: string, client: RaftClient, input: RegisterInput, to?: string): Promise<void> {
    const number = this.#calls++
    say({ kind: 'call', number, client: name, input })
    if (this.#start.sabotage === 'early-acknowledgement' && input.op === 'put') {
      say({ kind: 'answer', number, output: 'ok' })
      this.#answered(input)
    }
    try {
      const output = await run(client, input, to)
      say({ kind: 'answer', number, output })
      this.#answered(input)
    } catch {
      // Refused, or nobody knows: it stays open, as if it might take effect yet.
    }
  }
}

async function run(client: RaftClient, input: RegisterInput, to: string | undefined): Promise<RegisterOutput> {
  const { key } = input
  switch (input.op) {
    case 'put':
      await client.put(key, input.value)
      return 'ok'
    case 'get': {
      const value = await client.get(key, to === undefined ? {} : { to })
      return value instanceof Uint8Array ? null : value
    }
    case 'cas':
      return client.cas(key, input.expected, input.value)
  }
}

async function main(start: ChaosStart): Promise<void> {
  const group = new Group(start)
  await group.open()
  if (start.read !== undefined) {
    await group.readAll(start.read)
    say({ kind: 'done' })
    process.exit(0)
  }
  const random = new SeededRandom(start.seed).fork(`round ${start.round}`)
  const busy = Array.from({ length: CLIENTS }, (_, at) => group.load(`c${at}`, random.fork(`client ${at}`)))
  const patient = Array.from({ length: PATIENT }, (_, at) => group.patience(`p${at}`, random.fork(`patient ${at}`)))
  await Promise.all([...busy, ...patient, group.torment(random.fork('faults'))])
}

/** The keys to read come by standard input: there may be many. */
async function startOf(text: string): Promise<ChaosStart> {
  const start: ChaosStart = JSON.parse(text)
  if (start.read === undefined) return start
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return { ...start, read: JSON.parse(Buffer.concat(chunks).toString('utf8')) }
}

await main(await startOf(process.argv[2] ?? ''))
