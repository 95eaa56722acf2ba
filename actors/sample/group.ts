// The sample register under a schedule: its nodes, its clients, its invariants, and what a schedule may ask of it.

import type { Node } from '../../src/kernel/node.ts'
import type { Ref } from '../../src/kernel/ref.ts'
import { HistoryRecorder } from '../../src/simulation/history.ts'
import { checkLinearizability } from '../../src/simulation/linearizability.ts'
import type { SeededRandom } from '../../src/simulation/random.ts'
import { type RegisterInput, registerMap } from '../../src/simulation/register-map.ts'
import type { Schedule } from '../../src/simulation/schedule.ts'
import type { Expectation } from '../../src/simulation/schedule-expectations.ts'
import type { Json } from '../../src/simulation/schedule-fields.ts'
import type { Group } from '../../src/simulation/schedule-run.ts'
import type { Step, StepOf } from '../../src/simulation/schedule-steps.ts'
import { digestOf } from '../../src/simulation/trace-hash.ts'
import { microseconds } from '../../src/simulation/virtual-time.ts'
import type { World } from '../../src/simulation/world.ts'
import { type Look, sampleInvariants } from './invariants.ts'
import { type Replica, ReplicaServer } from './replica.ts'
import { type SessionProtocol, SessionServer } from './session.ts'

export interface SampleOptions {
  /** The planted bug: the primary answers before any backup has the request. */
  readonly bug?: 'lost-ack' | undefined
  /** Called whenever a replica's node boots, before the replica starts. Default: nothing. */
  readonly onBoot?: ((node: Node) => void) | undefined
}

/** What of a schedule makes the group. */
export interface GroupSize {
  readonly nodes: number
  readonly config: Pick<Schedule['config'], 'electionTimeout' | 'heartbeat'>
}

interface SubmittedOperation {
  readonly id: string | undefined
  readonly client: string
  readonly input: RegisterInput
  /** Its number in the history, once it is sent. */
  call: number | undefined
}

/** The sample register as a group under a schedule. */
export class SampleGroup implements Group {
  readonly history = new HistoryRecorder<RegisterInput, Json>()
  readonly #world: World
  readonly #names: readonly string[]
  readonly #operations: SubmittedOperation[] = []
  readonly #ids = new Map<string, SubmittedOperation>()
  readonly #sessions = new Map<string, Ref<SessionProtocol>>()

  constructor(world: World, schedule: GroupSize, options: SampleOptions = {}) {
    this.#world = world
    this.#names = Array.from({ length: schedule.nodes }, (_, i) => `n${i + 1}`)
    for (const name of this.#names) this.#createReplica(name, schedule.config, options)
    const replicas = this.#names.map((node) => ({ node, look: world.prober(node, 'replica') as Look }))
    for (const [name, holds] of sampleInvariants(replicas)) world.always(name, holds)
  }

  /** What a replica knows now; undefined while it is down or starting. */
  replica(node: string): Replica | undefined {
    return this.#world.probe(node, 'replica') as Replica | undefined
  }

  holderOf(role: string): string | undefined {
    const primary = this.#primary()
    if (role !== 'follower') return primary
    return this.#names.find((name) => name !== primary && this.#world.isUp(name))
  }

  term(): number {
    return Math.max(0, ...this.#names.map((name) => this.replica(name)?.promised ?? 0))
  }

  perform(step: Step): boolean {
    switch (step.op) {
      case 'put':
        this.#submit(step, { op: 'put', key: step.key, value: step.value })
        return true
      case 'get':
        this.#submit(step, { op: 'get', key: step.key })
        return true
      case 'cas':
        this.#submit(step, { op: 'cas', key: step.key, expected: step.expected, value: step.value })
        return true
      case 'load':
        this.#load(step)
        return true
      case 'campaign':
        if (this.#world.isRunning(step.node) && this.replica(step.node)?.role !== 'primary') {
          this.#world.address(ReplicaServer, step.node, 'replica').cast('campaign')
        }
        return true
      default:
        return false
    }
  }

  judge(expectation: Expectation): boolean | string | undefined {
    switch (expectation.op) {
      case 'leader':
        return this.#primary() !== undefined
      case 'leaderIs':
        return this.#primary() === expectation.node
      case 'leaderIsNot':
        return this.#primary() !== expectation.node
      case 'acked':
        return this.#answerOf(expectation.id) !== undefined
      case 'unacked':
        return this.#answerOf(expectation.id) === undefined
      case 'result':
        return this.#result(expectation.id, expectation.equals)
      case 'refused':
        return 'the sample refuses nothing'
      case 'value':
        return this.#value(expectation.key, expectation.equals, expectation.at)
      case 'converged':
        return this.isConverged()
      case 'termAtMost':
        return this.term() <= expectation.value
      case 'progress':
        return this.#progress(expectation) >= expectation.atLeast
      case 'noProgress':
        return this.#progress(expectation) === 0
      default:
        return undefined
    }
  }

  verdict(): { readonly rule: string; readonly why: string } | undefined {
    const judged = checkLinearizability(this.history.operations(), registerMap)
    if (judged.verdict !== 'illegal') return undefined
    const { partition, blocked, state } = judged.conflict
    const [first] = blocked
    const seen =
      first === undefined
        ? ''
        : `: ${first.client} ${JSON.stringify(first.input)} answered ${JSON.stringify(first.answer?.output)}`
    return { rule: 'linearizability', why: `key ${partition} held ${JSON.stringify(state)}${seen}` }
  }

  /** Whether all live replicas hold the same. */
  isConverged(): boolean {
    const chains = this.#names.filter((name) => this.#world.isUp(name)).map((name) => this.replica(name)?.data)
    return chains.every((data) => data !== undefined && data.seq === chains[0]?.seq && data.chain === chains[0]?.chain)
  }

  #createReplica(name: string, config: GroupSize['config'], options: SampleOptions): void {
    const world = this.#world
    const peers = new Map(
      this.#names
        .filter((other) => other !== name)
        .map((other) => [other, world.address(ReplicaServer, other, 'replica')]),
    )
    world.createNode({
      name,
      boot: async (node, { disk }) => {
        const { random } = node.ports
        options.onBoot?.(node)
        const argument = {
          name,
          nodes: this.#names,
          peers,
          open: () => disk.memory.open('replica'),
          electionTimeout: config.electionTimeout,
          heartbeatMs: config.heartbeat,
          between: (least: number, most: number) => least + (random.uint32() % (most - least + 1)),
          bug: options.bug,
        }
        await node.start(ReplicaServer, argument, { name: 'replica' })
      },
    })
  }

  #primary(): string | undefined {
    let highest = -1
    let primary: string | undefined
    for (const name of this.#names) {
      const replica = this.replica(name)
      if (replica?.role !== 'primary' || replica.data.epoch <= highest) continue
      highest = replica.data.epoch
      primary = name
    }
    return primary
  }

  #submit(step: StepOf<'put'> | StepOf<'get'> | StepOf<'cas'>, input: RegisterInput): void {
    const operation: SubmittedOperation = {
      id: step.id,
      client: step.client,
      input,
      call: undefined,
    }
    if (step.id !== undefined) this.#ids.set(step.id, operation)
    this.#hand(operation, step.deadline, step.to)
  }

  #hand(operation: SubmittedOperation, deadlineMs: number, to?: string): void {
    const session = this.#sessions.get(operation.client) ?? this.#openSession(operation.client)
    const number = this.#operations.push(operation) - 1
    session.cast('submit', { input: operation.input, to, deadlineMs, operation: number })
  }

  #load(step: StepOf<'load'>): void {
    const { time, random } = this.#world
    const periodUs = Math.round(1_000_000 / step.rate)
    const endUs = time.nowUs + microseconds(step.for)
    const drawInput = inputs(step)
    for (let number = 1; number <= step.clients; number++) {
      const client = `load${step.at}-${number}`
      const own = random.fork(client)
      const next = (at: number) => {
        if (at >= endUs) return
        time.at(at, () => {
          this.#hand({ id: undefined, client, input: drawInput(own), call: undefined }, 3000)
          next(at + periodUs)
        })
      }
      next(time.nowUs + own.below(periodUs))
    }
  }

  #openSession(name: string): Ref<SessionProtocol> {
    const world = this.#world
    const session = world.address(SessionServer, name, 'session')
    this.#sessions.set(name, session)
    const replicas = new Map(this.#names.map((node) => [node, world.address(ReplicaServer, node, 'replica')]))
    const argument = {
      name,
      replicas,
      onSubmitted: (number: number) => {
        const operation = this.#operations[number]
        if (operation !== undefined) operation.call = this.history.call(name, operation.input, world.time.nowMs)
      },
      onAnswered: (number: number, output: Json) => {
        const operation = this.#operations[number]
        if (operation?.call === undefined) return
        this.history.answer(operation.call, output, world.time.nowMs)
      },
    }
    world.createNode({ name, boot: (node) => node.start(SessionServer, argument, { name: 'session' }) })
    return session
  }

  #answerOf(id: string): { readonly output: Json } | undefined {
    const call = this.#ids.get(id)?.call
    return call === undefined ? undefined : this.history.operation(call)?.answer
  }

  #result(id: string, equals: Json): boolean | string {
    const answer = this.#answerOf(id)
    if (answer === undefined) return 'not answered'
    return digestOf(answer.output) === digestOf(equals) || `answered ${JSON.stringify(answer.output)}`
  }

  #value(key: string, equals: Json, at: number | undefined): boolean | string {
    const primary = this.#primary()
    const asked =
      at === undefined ? this.#names.filter((name) => this.#world.isUp(name)) : primary === undefined ? [] : [primary]
    for (const name of asked) {
      const value = this.replica(name)?.data.registers[key] ?? null
      if (digestOf(value) !== digestOf(equals)) return `${name} holds ${JSON.stringify(value)}`
    }
    return asked.length > 0
  }

  #progress({ from, to }: { readonly from: number; readonly to: number }): number {
    return this.history
      .operations()
      .filter(({ answeredMs }) => answeredMs !== undefined && answeredMs >= from && answeredMs <= to).length
  }
}

function inputs({ keys = 10, mix }: StepOf<'load'>): (random: SeededRandom) => RegisterInput {
  const [puts = 0, gets = 0, cases = 0] = [mix.put, mix.get, mix.cas].map((share) => Math.round(share * 1000))
  const lots = Math.max(1, puts + gets + cases)
  const names = Array.from({ length: keys }, (_, i) => `key${i}`)
  return (random) => {
    const key = names[random.below(keys)] ?? ''
    const lot = random.below(lots)
    const value = random.below(1000)
    if (lot < puts) return { op: 'put', key, value }
    return lot < puts + gets ? { op: 'get', key } : { op: 'cas', key, expected: random.below(1000), value }
  }
}
