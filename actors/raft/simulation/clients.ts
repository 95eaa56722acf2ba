// The clients of a simulated group: each is a node outside the replicas' network, with one session on it.

import type { Ref } from '../../../src/kernel/ref.ts'
import type { SeededRandom } from '../../../src/simulation/random.ts'
import type { RegisterInput } from '../../../src/simulation/register-map.ts'
import type { Json } from '../../../src/simulation/schedule-fields.ts'
import type { StepOf } from '../../../src/simulation/schedule-steps.ts'
import { microseconds } from '../../../src/simulation/virtual-time.ts'
import type { World } from '../../../src/simulation/world.ts'
import type { ReadMode } from '../../consensus/consensus.ts'
import type { OperationOutcome } from '../client-protocol.ts'
import { ClientSession, ClientSessionServer } from '../client-session.ts'
import type { ReplicaProtocol } from '../protocol.ts'
import type { Operations } from './operations.ts'
import { decodeAnswer, encodeRegisterCommand } from './register-machine.ts'

const SESSION = 'session'
const RETRY_MS = 300

export interface ClientsOptions {
  /** All replicas that there may ever be, in order. */
  readonly replicas: readonly string[]
  readonly replica: (id: string) => Ref<ReplicaProtocol> | undefined
  readonly operations: Operations
  /** How the load of a storm departs from what a schedule's says. */
  readonly storm?: StormLoad
}

/** Whoever cannot keep up asks for less, so that all have an end; and in the calm all ask on until enough has happened. */
export interface StormLoad {
  /** A client that is behind by so many operations leaves the next ones out. */
  readonly maxBehind: number
  /** The step whose load goes on for a while if the run has fewer events than this by then. */
  readonly last: number
  readonly leastEvents: number
  readonly moreMs: number
}

export interface Request {
  readonly id?: string | undefined
  readonly to?: string | undefined
  readonly deadlineMs: number
  /** For reads. Default `index`. */
  readonly mode?: ReadMode
}

export class Clients {
  readonly #world: World
  readonly #options: ClientsOptions
  /** Sessions that are open, with how many operations of each have no outcome yet. */
  readonly #open = new Map<string, number>()
  /** What was last written to each key, as far as anybody knows: what a compare-and-set had best expect. */
  readonly #latest = new Map<string, Json>()

  constructor(world: World, options: ClientsOptions) {
    this.#world = world
    this.#options = options
  }

  submit(client: string, input: RegisterInput, { id, to, deadlineMs, mode = 'index' }: Request): void {
    this.#openSession(client)
    this.#open.set(client, this.#behind(client) + 1)
    const number = this.#options.operations.submit(client, input, id)
    const bytes = encodeRegisterCommand({ number: input.op === 'get' ? 0 : number, input })
    const operation =
      input.op === 'get'
        ? ({ type: 'read', question: bytes, mode } as const)
        : ({ type: 'command', command: bytes } as const)
    this.#world.address(ClientSessionServer, client, SESSION).cast('submit', { operation, to, deadlineMs, tag: number })
  }

  /** The id of a client's session, once it is open. */
  sessionOf(client: string): number | undefined {
    const session = this.#open.has(client) ? this.#world.probe(client, SESSION) : undefined
    return session instanceof ClientSession ? session.status.session : undefined
  }

  load(step: StepOf<'load'>, index: number): void {
    const { time, random } = this.#world
    const { storm } = this.#options
    const periodUs = Math.max(1, Math.round(1_000_000 / step.rate))
    const endUs = time.nowUs + microseconds(step.for)
    const lastUs = endUs + (storm?.last === index ? microseconds(storm.moreMs) : 0)
    const isOver = (at: number) => at >= endUs && (at >= lastUs || this.#world.events >= (storm?.leastEvents ?? 0))
    for (let number = 1; number <= step.clients; number++) {
      const client = `load${index}-${number}`
      const own = random.fork(client)
      // Whoever reads under leases alone is not held up by what a deposed leader cannot answer.
      const modes: readonly ReadMode[] = own.chance(1, 3) ? ['lease'] : ['index', 'index', 'lease', 'log']
      const next = (at: number) => {
        if (isOver(at)) return
        time.at(at, () => {
          const input = this.#draw(own, step)
          const mode = own.pick(modes)
          if (this.#behind(client) < (storm?.maxBehind ?? Number.POSITIVE_INFINITY))
            this.submit(client, input, { deadlineMs: 3000, mode })
          next(at + periodUs)
        })
      }
      next(time.nowUs + own.below(periodUs))
    }
  }

  #draw(random: SeededRandom, { keys = 10, mix }: StepOf<'load'>): RegisterInput {
    const [puts = 0, gets = 0, cases = 0] = [mix.put, mix.get, mix.cas].map((share) => Math.round(share * 1000))
    const key = `key${random.below(keys)}`
    const lot = random.below(Math.max(1, puts + gets + cases))
    const value = random.below(1_000_000_000)
    if (lot < puts) return { op: 'put', key, value }
    const expected = random.below(4) === 0 ? random.below(1000) : (this.#latest.get(key) ?? null)
    return lot < puts + gets ? { op: 'get', key } : { op: 'cas', key, expected, value }
  }

  #openSession(name: string): void {
    if (this.#open.has(name)) return
    this.#open.set(name, 0)
    const { replicas, replica, operations } = this.#options
    const { time } = this.#world
    const argument = {
      replicas,
      replica,
      renew: false,
      retryMs: RETRY_MS,
      onSent: (number: number) => operations.sent(number, time.nowMs),
      onOutcome: (number: number, outcome: OperationOutcome) => {
        this.#open.set(name, this.#behind(name) - 1)
        this.#settled(number, outcome)
      },
    }
    this.#world.createNode({ name, boot: (node) => node.start(ClientSessionServer, argument, { name: SESSION }) })
  }

  #behind(client: string): number {
    return this.#open.get(client) ?? 0
  }

  #settled(number: number, outcome: OperationOutcome): void {
    const { operations } = this.#options
    const { nowMs } = this.#world.time
    if (outcome.type === 'answered') {
      const output = decodeAnswer(outcome.answer)
      operations.answered(number, output, nowMs)
      const input = operations.inputOf(number)
      if (input?.op === 'put') this.#latest.set(input.key, input.value)
      else if (input?.op === 'get') this.#latest.set(input.key, output)
      else if (input?.op === 'cas' && output === true) this.#latest.set(input.key, input.value)
    } else if (outcome.type === 'refused') operations.refused(number, outcome.code, outcome.isCertain, nowMs)
    else operations.unknown(number, outcome.isCertain, nowMs)
  }
}
