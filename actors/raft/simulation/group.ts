// A Raft group under a fault schedule: its replicas, clients and operators, its invariants, and what a schedule may ask
// of it.

import { OptionError } from '../../../src/kernel/errors.ts'
import type { Node } from '../../../src/kernel/node.ts'
import type { Self } from '../../../src/kernel/self.ts'
import { checkLinearizability } from '../../../src/simulation/linearizability.ts'
import { registerMap } from '../../../src/simulation/register-map.ts'
import type { Schedule } from '../../../src/simulation/schedule.ts'
import type { Expectation } from '../../../src/simulation/schedule-expectations.ts'
import type { Group } from '../../../src/simulation/schedule-run.ts'
import type { Step, StepOf } from '../../../src/simulation/schedule-steps.ts'
import type { World } from '../../../src/simulation/world.ts'
import type { Incarnation } from '../core/entry.ts'
import type { MembershipChange } from '../core/input.ts'
import type { AdminAnswer } from '../protocol.ts'
import type { ObservedStep } from '../replica-options.ts'
import { Clients } from './clients.ts'
import { RaftChecker } from './invariants.ts'
import { highestTerm, judge } from './judgement.ts'
import { Operations } from './operations.ts'
import { Operators } from './operators.ts'
import type { Surroundings } from './promise-check.ts'
import { Replicas } from './replicas.ts'
import { RAFT_INVARIANTS, type RaftInvariant } from './rules.ts'
import { ABOUT_STORMS } from './storm.ts'
import type { Totals } from './totals.ts'
import { drawTuning, PLAIN } from './tuning.ts'

/** What of a schedule makes the group. */
export type RaftGroupSchedule = Pick<Schedule, 'nodes' | 'config' | 'nodeConfig' | 'steps'> &
  Partial<Pick<Schedule, 'about' | 'mustFail'>>

export interface RaftGroupOptions {
  /** A planted bug of the core, by name. */
  readonly bug?: string | undefined
  /** Bytes of a snapshot's chunk. Default 512. */
  readonly snapshotChunkBytes?: number
  /** Counts what the run visits. */
  readonly totals?: Totals
  /** Hears every step of every core, after the checker. Must not throw. */
  readonly onStep?: ((node: string, incarnation: Incarnation, step: ObservedStep) => void) | undefined
  /** Called whenever a replica's node boots, before the replica starts. */
  readonly onBoot?: ((node: Node) => void) | undefined
}

const DEADLINE_MS = 3000

/** What the end of the calm is judged by is a group at rest: nobody is busy then with what it was asked long ago. */
const STORM_LOAD = { maxBehind: 40, leastEvents: 20_500, moreMs: 3000 }

/** What a message counts as for holds and strikes: whatever operators ask is a request. */
export function kindOfRaftMessage(tag: string | undefined, message: unknown): string {
  if (tag === undefined) return 'send'
  return ASKED.has(tag) || (tag === 'snapshot' && message === undefined) ? 'request' : tag
}

const ASKED: ReadonlySet<string> = new Set(['change', 'transfer', 'expireSession', 'incarnation', 'status'])

export class RaftGroup implements Group {
  readonly checker: RaftChecker
  readonly operations = new Operations()
  readonly replicas: Replicas
  readonly #world: World
  readonly #clients: Clients
  readonly #operators: Operators
  readonly #totals: Totals | undefined
  readonly #isStorm: boolean

  /** @throws Error for a schedule that asks for what a Raft group here cannot be. */
  constructor(world: World, schedule: RaftGroupSchedule, options: RaftGroupOptions = {}) {
    if (schedule.config.migratable) throw new Error('config.migratable: groups that can move to PBFT are not here yet')
    this.#world = world
    const known = [...RAFT_INVARIANTS, 'linearizability']
    if (schedule.mustFail !== undefined && !['invariant', ...known].some((rule) => isSame(rule, schedule.mustFail))) {
      throw new OptionError('mustFail', schedule.mustFail, `invariant, or one of ${known.join(', ')}`)
    }
    const founders = Array.from({ length: schedule.nodes }, (_, i) => `n${i + 1}`)
    const { config, nodeConfig, mustFail, about } = schedule
    this.#isStorm = about === ABOUT_STORMS
    const tuning = this.#isStorm ? drawTuning(world.random.fork('tuning')) : PLAIN
    const only = mustFail === 'invariant' ? undefined : mustFail
    this.checker = new RaftChecker(keepsClocks(schedule) ? { around: aroundOf(world, schedule), only } : { only })
    const { checker, operations } = this
    const replica = (id: string) => this.replicas.address(id)
    this.#totals = options.totals
    this.replicas = new Replicas(world, { founders, config, nodeConfig, checker, tuning, ...options })
    const everybody = [...founders, ...joinersOf(schedule)]
    const last = schedule.steps.findLastIndex(({ op }) => op === 'load')
    const load = this.#isStorm ? { storm: { ...STORM_LOAD, last } } : {}
    this.#clients = new Clients(world, { replicas: everybody, replica, operations, ...load })
    this.#operators = new Operators(world, { operations, replica, leader: () => this.replicas.leader() })
    for (const rule of RAFT_INVARIANTS) {
      world.always(rule, () => (checker.violation?.rule === rule ? checker.violation.why : true))
    }
  }

  holderOf(role: string): string | undefined {
    if (role === 'leader') return this.replicas.leader()
    if (role !== 'follower') return undefined
    for (const [name, { core }] of this.replicas.live()) if (core.role !== 'leader') return name
    return undefined
  }

  term(): number {
    return highestTerm(this.replicas)
  }

  perform(step: Step, index: number): boolean {
    switch (step.op) {
      case 'put':
        this.#clients.submit(step.client, { op: 'put', key: step.key, value: step.value }, requestOf(step))
        return true
      case 'get':
        this.#clients.submit(step.client, { op: 'get', key: step.key }, { ...requestOf(step), mode: step.read })
        return true
      case 'cas': {
        const { key, expected, value } = step
        this.#clients.submit(step.client, { op: 'cas', key, expected, value }, requestOf(step))
        return true
      }
      case 'load':
        this.#clients.load(step, index)
        return true
      case 'disk':
        if (step.fault === 'corrupt') this.replicas.rot(step.node, step.index ?? 0)
        return step.fault === 'corrupt'
      case 'campaign':
      case 'holdApply':
      case 'releaseApply':
        this.#tell(step.node, step.op)
        return true
      case 'snapshot':
        this.#snapshot(step.node)
        return true
      case 'expireSession':
        this.#expireSession(step.client)
        return true
      default:
        return this.#administer(step)
    }
  }

  judge(expectation: Expectation): boolean | string | undefined {
    return judge({ ...this, world: this.#world }, expectation)
  }

  verdict(): { readonly rule: string; readonly why: string } | undefined {
    const { acknowledged, refused, unknown } = this.operations.counts
    this.#totals?.add('acknowledgements', acknowledged)
    this.#totals?.add('refusals', refused)
    this.#totals?.add('unknown outcomes', unknown)
    return this.#judgeHistory() ?? this.#judgeMembership()
  }

  /** In the calm behind a storm every change of membership comes to its end. */
  #judgeMembership(): { readonly rule: RaftInvariant; readonly why: string } | undefined {
    const leader = this.replicas.leader()
    const core = leader === undefined ? undefined : this.replicas.host(leader)?.core
    const isOpen = this.#isStorm && core?.configuration.configuration.outgoing !== undefined
    return isOpen
      ? { rule: 'membership', why: `${leader} leads in a joint configuration that nobody leaves` }
      : undefined
  }

  #judgeHistory(): { readonly rule: string; readonly why: string } | undefined {
    const judged = checkLinearizability(this.operations.history(), registerMap)
    if (judged.verdict !== 'illegal') return undefined
    const { partition, blocked, state } = judged.conflict
    const [first] = blocked
    const seen =
      first === undefined
        ? ''
        : `: ${first.client} ${JSON.stringify(first.input)} answered ${JSON.stringify(first.answer?.output)}`
    return { rule: 'linearizability', why: `key ${partition} held ${JSON.stringify(state)}${seen}` }
  }

  #tell(node: string, what: 'campaign' | 'holdApply' | 'releaseApply'): void {
    const host = this.replicas.host(node)
    if (host === undefined) return
    // A time-out that fires while a node stands still would fire when it goes on: there it has nothing to do.
    if (what === 'campaign' && (!this.#world.isRunning(node) || host.core.role === 'leader')) return
    this.replicas.address(node)?.cast(what)
  }

  #snapshot(node: string): void {
    const replica = this.replicas.host(node) === undefined ? undefined : this.replicas.address(node)
    if (replica === undefined) return
    this.#operators.run(async (self) => {
      await self.call(replica, 'snapshot', undefined, { timeoutMs: DEADLINE_MS }).catch(() => {})
    })
  }

  #expireSession(client: string): void {
    const session = this.#clients.sessionOf(client)
    if (session === undefined) return
    this.#operators.request({
      id: undefined,
      to: undefined,
      deadlineMs: DEADLINE_MS,
      ask: (self, replica, timeoutMs) => self.call(replica, 'expireSession', session, { timeoutMs }),
    })
  }

  // ---- membership --------------------------------------------------------------------------------------------------

  #administer(step: Step): boolean {
    switch (step.op) {
      case 'transfer': {
        const { id, to } = step
        this.#operators.request({
          id,
          to: undefined,
          deadlineMs: DEADLINE_MS,
          ask: (self, replica, timeoutMs) => self.call(replica, 'transfer', to, { timeoutMs }),
        })
        return true
      }
      case 'promote':
      case 'remove':
        this.#change(step, async () => ({ op: step.op, node: step.node }))
        return true
      case 'add':
      case 'addLearner': {
        const { node } = step
        this.replicas.create(node)
        const role = step.op === 'add' ? 'voter' : 'learner'
        this.#change(step, async (self) => ({ op: 'add', node, role, incarnation: await this.#lifeOf(self, node) }))
        return true
      }
      case 'replaceAll': {
        const { members } = step
        for (const name of members) this.replicas.create(name)
        this.#change(step, async (self) => {
          const incarnations: Record<string, Incarnation> = {}
          for (const name of members) incarnations[name] = await this.#lifeOf(self, name)
          return { op: 'replaceAll', members, incarnations }
        })
        return true
      }
      default:
        return false
    }
  }

  #change(
    { id, to, deadline }: StepOf<'add' | 'addLearner' | 'promote' | 'remove' | 'replaceAll'>,
    changeOf: (self: Self) => Promise<MembershipChange>,
  ): void {
    this.#operators.request({
      id,
      to,
      deadlineMs: deadline,
      ask: async (self, replica, timeoutMs): Promise<AdminAnswer> => {
        const change = await changeOf(self)
        return self.call(replica, 'change', change, { timeoutMs })
      },
    })
  }

  /** Which life of its disk a node is in: a node that has just been created needs a moment to know. */
  async #lifeOf(self: Self, node: string): Promise<Incarnation> {
    for (let attempt = 0; attempt < 50 && this.replicas.incarnation(node) === undefined; attempt++) await self.sleep(5)
    return this.replicas.incarnation(node) ?? ''
  }
}

/** The same rule, however it is spelt. */
function isSame(rule: string, other = ''): boolean {
  const plain = (name: string) => name.toLowerCase().replace(/[^a-z]/g, '')
  return plain(rule) === plain(other)
}

/** Whether clocks stay within what leases may assume: no faster than the drift allowed for, and never set forward. */
function keepsClocks({ config, steps }: RaftGroupSchedule): boolean {
  const clocks = steps.filter((step) => step.op === 'clock')
  const rates = [1, ...clocks.map(({ rate = 1 }) => rate)]
  const isSet = clocks.some(({ jump = 0 }) => jump > 0)
  return !isSet && Math.max(...rates) <= Math.min(...rates) * (1 + config.maxClockDrift)
}

function aroundOf(world: World, { config, nodeConfig }: RaftGroupSchedule): Surroundings {
  return {
    clockOf: (node) => world.clock(node).now(),
    trueMs: () => world.time.nowMs,
    termsOf: (node) => {
      const { electionTimeout, heartbeat, checkQuorum, leaseReads, maxClockDrift } = { ...config, ...nodeConfig[node] }
      const [leastElectionMs, mostElectionMs] = electionTimeout
      return { leastElectionMs, mostElectionMs, heartbeatMs: heartbeat, checkQuorum, leaseReads, maxClockDrift }
    },
  }
}

function requestOf(step: StepOf<'put' | 'get' | 'cas'>) {
  return { id: step.id, to: step.to, deadlineMs: step.deadline }
}

/** Nodes that membership changes name beyond the founders. */
function joinersOf({ nodes, steps }: RaftGroupSchedule): string[] {
  const joiners = new Set<string>()
  for (const step of steps) {
    const names =
      step.op === 'add' || step.op === 'addLearner' ? [step.node] : step.op === 'replaceAll' ? step.members : []
    for (const name of names) {
      const number = /^n([1-9]\d*)$/.exec(name)?.[1]
      if (number !== undefined && Number(number) > nodes) joiners.add(name)
    }
  }
  return [...joiners].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)))
}
