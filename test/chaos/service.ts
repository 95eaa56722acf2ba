// The chaos run of the example service: clients place orders while its order books, its worker threads and the whole
// process are killed in turn. Then every order that was acknowledged is looked for.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { SeededRandom } from 'espalier/testing'

export interface ServiceChaosOptions {
  readonly kills: number
  readonly seed: number
  /** Acknowledgements a second that the run must reach, kills included. */
  readonly leastRate: number
  /** The planted mistake, if any: `ack-before-durable`. */
  readonly sabotage: string | undefined
  readonly print: (line: string) => void
}

const program = fileURLToPath(new URL('../../../examples/service/main.js', import.meta.url))
const shards = ['shard-1', 'shard-2']
/** Clients, each with one order under way. */
const clients = 32
/** What is killed, and how often in a hundred. */
const kinds = { kill: 25, crash: 20, terminate: 15, exit: 12, throw: 10, freeze: 8, exhaust: 5, process: 5 } as const
type Kind = keyof typeof kinds
/** From one kill to the next. */
const pauseMs = { least: 100, most: 350 }

/** Runs the service under kills; true if nothing acknowledged was lost and the rate was kept. */
export async function harmService(options: ServiceChaosOptions): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-service-'))
  const service = new Service(folder, options.sabotage)
  try {
    await service.start()
    return await judge(service, options)
  } finally {
    await service.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function judge(service: Service, { kills, seed, leastRate, print }: ServiceChaosOptions): Promise<boolean> {
  const random = new SeededRandom(seed)
  const load = new Load(service)
  const begun = performance.now()
  const working = load.run()
  const counts = new Map<Kind, number>()
  for (let kill = 0; kill < kills; kill++) {
    await sleep(pauseMs.least + random.below(pauseMs.most - pauseMs.least))
    const kind = drawKind(random)
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
    if (kind === 'process') await service.restart()
    else await service.harm(shards[random.below(shards.length)] ?? '', kind)
  }
  const seconds = (performance.now() - begun) / 1000
  const rate = load.acknowledged.size / seconds
  load.isOver = true
  await working
  const lost = await load.missing()
  print(`kills        ${kills}: ${[...counts].map(([kind, count]) => `${kind} ${count}`).join(', ')}`)
  print(`orders       ${load.acknowledged.size} acknowledged in ${seconds.toFixed(1)} s, ${Math.round(rate)} a second`)
  print(
    `unavailable  ${load.refused} answers 503, ${load.broken} broken connections; longest gap ${load.longestGapMs} ms`,
  )
  print(`lost         ${lost.length}${lost.length === 0 ? '' : `: ${lost.slice(0, 5).join(', ')} …`}`)
  const isFast = rate >= leastRate
  if (!isFast) print(`the rate is below ${leastRate} a second`)
  return lost.length === 0 && isFast
}

function drawKind(random: SeededRandom): Kind {
  let lot = random.below(Object.values(kinds).reduce((sum, share) => sum + share, 0))
  for (const [kind, share] of Object.entries(kinds)) {
    if (lot < share) return kind as Kind
    lot -= share
  }
  return 'kill'
}

/** The service as a process. */
class Service {
  readonly agent = new Agent({ keepAlive: true, maxSockets: 2 * clients })
  readonly #folder: string
  readonly #sabotage: string | undefined
  #child: ChildProcess | undefined
  #port = 0

  constructor(folder: string, sabotage: string | undefined) {
    this.#folder = folder
    this.#sabotage = sabotage
  }

  async start(): Promise<void> {
    const sabotage = this.#sabotage === undefined ? [] : ['--break', this.#sabotage]
    const args = [program, '--data', this.#folder, '--port', String(this.#port), '--chaos', ...sabotage]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    for await (const line of createInterface({ input: child.stdout })) {
      const port = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]
      if (port === undefined) continue
      this.#port = Number(port)
      break
    }
    if (this.#port === 0) throw new Error('the service did not start')
  }

  /** Kill -9, and another start. */
  async restart(): Promise<void> {
    await this.#end('SIGKILL')
    await this.start()
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    this.agent.destroy()
  }

  /** Harms a shard; one that is already away is harmed enough. */
  async harm(shard: string, kind: Kind): Promise<void> {
    await this.ask('POST', `/chaos/${shard}/${kind}`)
  }

  /** Status and body of an answer; status 0 if the connection broke. */
  ask(method: string, path: string, body?: string): Promise<{ readonly status: number; readonly body: string }> {
    return new Promise((resolve) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' }
      const asked = request(
        { port: this.#port, host: '127.0.0.1', method, path, headers, agent: this.agent },
        (answer) => {
          let text = ''
          answer.setEncoding('utf8')
          answer.on('data', (chunk: string) => {
            text += chunk
          })
          answer.on('error', () => resolve({ status: 0, body: '' }))
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }))
        },
      )
      asked.on('error', () => resolve({ status: 0, body: '' }))
      asked.end(body)
    })
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }
}

/** Clients that place orders, each the next once the last is acknowledged, and ask again where it was not. */
class Load {
  readonly acknowledged = new Map<string, number>()
  refused = 0
  broken = 0
  longestGapMs = 0
  isOver = false
  readonly #service: Service
  #lastMs = performance.now()

  constructor(service: Service) {
    this.#service = service
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: clients }, (_, number) => this.#client(number)))
  }

  /** The acknowledged orders that are not there, or are another's. */
  async missing(): Promise<string[]> {
    const lost: string[] = []
    const orders = [...this.acknowledged]
    const look = async () => {
      for (let next = orders.pop(); next !== undefined; next = orders.pop()) {
        const [id, amount] = next
        const { status, body } = await this.#untilAnswered(() => this.#service.ask('GET', `/orders/${id}`))
        if (status !== 200 || JSON.parse(body).amount !== amount) lost.push(id)
      }
    }
    await Promise.all(Array.from({ length: clients }, look))
    return lost
  }

  async #client(number: number): Promise<void> {
    for (let count = 0; !this.isOver; count++) {
      const id = `c${number}-${count}`
      const body = JSON.stringify({ amount: count })
      const { status } = await this.#untilAnswered(() => this.#service.ask('PUT', `/orders/${id}`, body))
      if (status !== 201) throw new Error(`PUT /orders/${id} answered ${status}`)
      this.acknowledged.set(id, count)
      const nowMs = performance.now()
      this.longestGapMs = Math.max(this.longestGapMs, Math.round(nowMs - this.#lastMs))
      this.#lastMs = nowMs
    }
  }

  async #untilAnswered(ask: () => ReturnType<Service['ask']>): ReturnType<Service['ask']> {
    for (;;) {
      const answer = await ask()
      if (answer.status !== 0 && answer.status !== 503) return answer
      if (answer.status === 0) this.broken++
      else this.refused++
      await sleep(20)
    }
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
