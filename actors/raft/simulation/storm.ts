// A schedule for a Raft group from a seed, in swarm mode (Groce et al. 2012): which faults there are, how many, how large
// the group is, what its options are and how its clients behave are all drawn first, so that seeds differ in kind. A storm,
// then calm: every fault ends, and there must be a leader, progress and one state.
//
// Faults stay within the fault model: the disk of one node only is ever damaged or emptied, and only where a quorum is
// left without it; under leases clocks stay within the bound that the options give.

import { drawFaults, type FaultKind, stepsOf } from '../../../src/simulation/faults.ts'
import { SeededRandom } from '../../../src/simulation/random.ts'
import { readSchedule, type Schedule } from '../../../src/simulation/schedule.ts'
import { CLIENT_KINDS, RAFT_KINDS } from '../../../src/simulation/schedule-steps.ts'

const CALM_MS = 12_000
const CALM_LOAD_MS = 4000

/** A step as a schedule file has it. */
type Step = { readonly at: number; readonly op: string } & Readonly<Record<string, unknown>>

interface Storm {
  readonly random: SeededRandom
  readonly nodes: number
  readonly founders: readonly string[]
  /** Everybody there may ever be. */
  readonly names: readonly string[]
  readonly forMs: number
  readonly leases: { readonly drift: number } | undefined
  /** Whose disk may be damaged, and how. */
  readonly victim: { readonly node: string; readonly by: 'corrupt' | 'wipe' } | undefined
}

/** Events that an operation causes in a group of so many, roughly: what the load is measured by. */
const EVENTS_PER_OPERATION = [0, 14, 26, 23, 28, 32, 42, 52]
/** How many of them in the storm, where much is in vain, and in the calm, where nothing is. */
const EVENTS = { storm: 18_000, calm: 30_000 }

/** Operations a second that one client gets done on a slow disk, and over two of them. */
const MAX_RATE = 30

/** What every storm says of itself: what the format has no words for is drawn for these schedules, and for no others. */
export const ABOUT_STORMS = 'Clients that never rest, and a storm of faults drawn by the seed.'

/** The schedule that `seed` draws. It runs 20 000 events and more. */
export function drawRaftSchedule(seed: number): Schedule {
  const random = new SeededRandom(seed).fork('raft schedule')
  const nodes = random.pick([1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7])
  const founders = namesTo(nodes)
  const leases = random.chance(2, 5) ? { drift: random.between(5, 30) / 100 } : undefined
  const victim =
    nodes >= 3 && random.chance(1, 3)
      ? { node: random.pick(founders), by: random.pick(['corrupt', 'wipe'] as const) }
      : undefined
  const forMs = random.between(3000, 9000)
  const { config, nodeConfig } = drawConfig(random, founders, leases)
  // Without either rule a removed server disturbs the group for ever (Raft thesis §4.2.3): nobody leaves then.
  const canChange = (config.preVote && nodeConfig === undefined) || config.checkQuorum
  const membership = canChange ? drawMembership(random, { nodes, forMs, victim: victim?.node }) : []
  const names = namesTo(nodes + 3).filter(
    (name) => founders.includes(name) || membership.some((step) => joins(step, name)),
  )
  const storm: Storm = { random, nodes, founders, names, forMs, leases, victim }
  const [load, after] = drawLoads(storm)
  const steps = [load, ...drawWeather(storm), ...drawTargeted(storm), ...drawClocksSetBack(storm), ...membership]
  return readSchedule({
    name: `raft-${seed}`,
    about: ABOUT_STORMS,
    protocol: 'raft',
    nodes,
    seed,
    config,
    nodeConfig: nodeConfig ?? {},
    network: {
      latency: random.pick([
        [1, 10],
        [1, 3],
        [5, 30],
        [1, 60],
      ]),
      ...drawOdds(random),
    },
    disk: {
      syncLatency: random.pick([
        [0, 2],
        [0, 8],
        [1, 20],
      ]),
      loseUnsynced: !random.chance(1, 8),
    },
    steps: [...steps.filter(({ at }) => at < forMs).sort((a, b) => a.at - b.at), ...calm(storm, after)],
    expect: [{ op: 'leader' }, { op: 'acked', id: 'last' }, { op: 'acked', id: 'read' }, { op: 'converged' }],
    until: forMs + CALM_MS,
  })
}

function namesTo(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `n${i + 1}`)
}

function drawConfig(random: SeededRandom, founders: readonly string[], leases: Storm['leases']) {
  const least = random.pick([100, 150, 150, 300])
  const isStable = random.chance(3, 4)
  const some = <T>(values: readonly (T | undefined)[], field: string) => {
    const value = random.pick(values)
    return value === undefined ? {} : { [field]: value }
  }
  const config = {
    electionTimeout: [least, 2 * least],
    heartbeat: Math.floor(least / random.between(3, 5)),
    preVote: isStable || random.chance(1, 2),
    // Leases stand on the stickiness that comes with it.
    checkQuorum: isStable || leases !== undefined || random.chance(1, 2),
    leaseReads: leases !== undefined,
    maxClockDrift: leases?.drift ?? 0,
    snapshotEvery: random.pick([0, 15, 40, 40, 150]),
    sessionTtl: random.pick([0, 0, 0, 1500]),
    ...some([undefined, undefined, 2, 8], 'maxBatch'),
    ...some([undefined, undefined, 4, 8], 'maxInflight'),
  }
  const nodeConfig = random.chance(1, 6) ? { [random.pick(founders)]: { preVote: false } } : undefined
  return { config, nodeConfig }
}

function drawOdds(random: SeededRandom) {
  const odds = () => (random.chance(1, 3) ? random.below(10) / 100 : 0)
  return { drop: odds(), duplicate: odds(), reorder: odds() }
}

function drawLoads({ random, nodes, forMs }: Storm): readonly [storm: Step, calm: Step] {
  const each = EVENTS_PER_OPERATION[nodes] ?? 46
  const keys = random.between(2, 6)
  const calmRate = (1000 * EVENTS.calm) / each / CALM_LOAD_MS
  const load = (at: number, lasts: number, events: number, clients: number): Step => {
    const rate = Math.ceil((1000 * events) / each / clients / lasts)
    const put = random.between(2, 6) / 10
    const cas = random.between(1, 2) / 10
    const get = Math.round(10 * (1 - put - cas)) / 10
    return { at, op: 'load', clients, rate, for: lasts, keys, mix: { put, get, cas } }
  }
  return [
    load(0, forMs, EVENTS.storm, random.between(3, 8)),
    load(forMs + 500, CALM_LOAD_MS, EVENTS.calm, Math.max(random.between(10, 14), Math.ceil(calmRate / MAX_RATE))),
  ]
}

/** Crashes, pauses, partitions, cuts, weather, slow and full disks, clocks: what the simulator draws for anybody. */
function drawWeather({ random, names, nodes, forMs, leases }: Storm): Step[] {
  const kinds: FaultKind[] = [
    'crash',
    'crash',
    'pause',
    'partition',
    'partition',
    'cut',
    'weather',
    'slowDisk',
    'fullDisk',
  ]
  if (leases === undefined) kinds.push('clock')
  const faults = drawFaults(random, names.slice(0, nodes + 1), { forMs, kinds, maxFaults: 20 })
  return stepsOf(faults).map((step): Step => ({ ...step }))
}

/**
 * Clocks that are set back, and forward again. Under leases too: such a clock stands still, which the wall clock gives
 * away, and is never ahead of the time that has passed. Drawn apart, so that the seeds without it stay what they were.
 */
function drawClocksSetBack({ random, names, nodes, forMs }: Storm): Step[] {
  const apart = random.fork('clocks set back')
  if (!apart.chance(1, 3)) return []
  const faults = drawFaults(apart, names.slice(0, nodes + 1), { forMs, kinds: ['clockBack'], maxFaults: 6 })
  return stepsOf(faults).map((step): Step => ({ ...step }))
}

/** Faults aimed at what Raft does. */
function drawTargeted(storm: Storm): Step[] {
  const { random, forMs } = storm
  const active = EPISODES.filter(() => random.chance(1, 2))
  const many = active.length === 0 ? 0 : random.between(2, random.pick([14, 14, 28]))
  const drawn = Array.from({ length: many }, () => random.pick(active)(storm, random.below(forMs)))
  // Whoever is there to be damaged is.
  return [damage(storm, random.below(forMs)), ...drawn].flat()
}

type Episode = (storm: Storm, at: number) => Step[]

const EPISODES: readonly Episode[] = [
  ({ random, names }, at) => [{ at, op: 'transfer', to: random.pick(names) }],
  ({ random, names }, at) => [{ at, op: 'campaign', node: random.pick(names) }],
  ({ random, names }, at) => names.filter(() => random.chance(1, 2)).map((node) => ({ at, op: 'snapshot', node })),
  ({ random, names }, at) => {
    const node = random.pick(names)
    return [
      { at, op: 'holdApply', node },
      { at: at + random.between(50, 1500), op: 'releaseApply', node },
    ]
  },
  midWrite,
  midWrite,
  ({ random, names }, at) => {
    const node = random.pick(names)
    return [
      { at, op: 'gateDisk', node },
      { at: at + random.between(10, 200), op: 'releaseDisk', node, count: 1 },
      { at: at + random.between(200, 900), op: 'releaseDisk', node },
    ]
  },
  everybody,
  rolling,
  rolling,
  handOvers,
  snapshotsLate,
  snapshotsLate,
  lateMessages,
  lateMessages,
  ({ random, names }, at) => [
    { at, op: random.pick(['dropNext', 'duplicateNext']), ...drawPattern(random, names), count: random.between(1, 8) },
  ],
  ({ random }, at) => [{ at, op: 'expireSession', client: `load0-${random.between(1, 3)}` }],
  cutOffLong,
  damage,
  damage,
  clock,
]

/** The power goes while a write is under way, and perhaps tears it. */
function midWrite({ random, names }: Storm, at: number): Step[] {
  const node = random.pick(names)
  const crashAt = at + random.between(5, 150)
  const tear: Step[] = random.chance(1, 3) ? [{ at: crashAt, op: 'disk', node, fault: 'tornTail' }] : []
  return [
    { at, op: 'gateDisk', node },
    ...tear,
    { at: crashAt, op: 'crash', node },
    { at: crashAt + random.between(1, 800), op: 'restart', node },
  ]
}

function everybody({ random, names }: Storm, at: number): Step[] {
  return [
    ...names.map((node) => ({ at: at + random.below(30), op: 'crash', node })),
    { at: at + random.between(50, 500), op: 'restart', node: 'all' },
  ]
}

/** One after the other is alone for longer than an election takes: each leads in vain, and its log is overwritten. */
function rolling({ random, founders, names }: Storm, at: number): Step[] {
  const order = random.shuffle([...founders])
  const isCrash = random.chance(1, 3)
  let begins = at
  const steps = order.flatMap((node): Step[] => {
    const lasts = random.between(150, 900)
    const ends = begins + lasts
    const from = begins
    begins = ends + (random.chance(1, 2) ? 0 : random.between(1, 300))
    return isCrash
      ? [
          { at: from, op: 'crash', node },
          { at: ends, op: 'restart', node },
        ]
      : [{ at: from, op: 'partition', groups: [[node], names.filter((name) => name !== node)] }]
  })
  return isCrash ? steps : [...steps, { at: begins, op: 'heal' }]
}

/** Leadership goes round, with no time to settle. */
function handOvers({ random, founders }: Storm, at: number): Step[] {
  const periodMs = random.between(20, 300)
  return Array.from({ length: random.between(2, 6) }, (_, i) => ({
    at: at + i * periodMs,
    op: 'transfer',
    to: random.pick(founders),
  }))
}

/**
 * One node comes back to where only a snapshot helps, whose chunks come twice and late; meanwhile leadership may go to
 * somebody who still has the log.
 */
function snapshotsLate({ random, names, founders, forMs }: Storm, at: number): Step[] {
  const node = random.pick(founders)
  const others = names.filter((name) => name !== node)
  if (others.length === 0) return []
  const back = at + random.between(400, Math.max(401, Math.floor(forMs / 3)))
  const link = { kind: 'snapshot', to: node }
  const count = random.between(1, 12)
  const isHeld = random.chance(1, 2)
  const late = back + random.between(50, 700)
  return [
    { at, op: 'crash', node },
    ...others.filter(() => random.chance(2, 3)).map((other) => ({ at: back - 5, op: 'snapshot', node: other })),
    { at: back, op: 'restart', node },
    { at: back, op: 'duplicateNext', ...link, count },
    ...(isHeld
      ? [
          { at: back, op: 'hold', ...link },
          { at: late, op: 'release', ...link, count },
          { at: late + random.between(1, 300), op: 'release', ...link },
        ]
      : []),
    ...(random.chance(1, 2) ? [{ at: back + random.between(5, 200), op: 'transfer', to: random.pick(others) }] : []),
  ]
}

function lateMessages({ random, names }: Storm, at: number): Step[] {
  const pattern = drawPattern(random, names)
  const end = at + random.between(20, 1200)
  const order = random.chance(1, 2) ? { order: 'reverse' } : {}
  return [
    { at, op: 'hold', ...pattern },
    { at: at + random.below(20 + end - at), op: 'release', ...pattern, count: random.between(1, 5), ...order },
    { at: end + 20, op: 'release', ...pattern, ...order },
  ]
}

function drawPattern(random: SeededRandom, names: readonly string[]) {
  const kind = random.chance(1, 8) ? random.pick([...CLIENT_KINDS]) : random.pick([...RAFT_KINDS])
  const side = () => (random.chance(1, 2) ? random.pick(names) : undefined)
  const isClients = (CLIENT_KINDS as readonly string[]).includes(kind)
  const from = isClients ? undefined : side()
  const to = isClients ? undefined : side()
  return { kind, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
}

/** One node away for so long that what it lacks may be compacted. */
function cutOffLong({ random, names, forMs }: Storm, at: number): Step[] {
  const node = random.pick(names)
  const end = at + random.between(500, Math.max(501, Math.floor(forMs / 2)))
  const others = names.filter((name) => name !== node)
  return random.chance(1, 2)
    ? [
        { at, op: 'partition', groups: [[node], others] },
        { at: end, op: 'heal' },
      ]
    : [
        { at, op: 'crash', node },
        ...others.filter(() => random.chance(1, 2)).map((other) => ({ at: end - 5, op: 'snapshot', node: other })),
        { at: end, op: 'restart', node },
      ]
}

function damage({ random, victim }: Storm, at: number): Step[] {
  if (victim === undefined) return []
  const { node, by } = victim
  const crash = { at, op: 'crash', node }
  const restart = { at: at + random.between(5, 600), op: 'restart', node }
  if (by === 'wipe') return [crash, { at, op: 'wipe', node }, restart]
  const index = random.chance(1, 3) ? {} : { index: random.between(1, 200) }
  return [{ at, op: 'disk', node, fault: 'corrupt', ...index }, crash, restart]
}

function clock({ random, names, founders, leases, forMs }: Storm, at: number): Step[] {
  if (leases === undefined) return [{ at, op: 'clock', node: random.pick(names), rate: random.between(30, 300) / 100 }]
  const rate = 1 + ((random.below(2001) - 1000) / 1000) * (leases.drift / 3)
  const drifting: Step = { at, op: 'clock', node: random.pick(names), rate }
  // A clock that is set forward cannot be told from time that has passed, and then leases mean nothing.
  return random.chance(1, 2)
    ? [drifting, { at: Math.min(at + 300, forMs), op: 'clock', node: random.pick(founders), jump: -random.below(2000) }]
    : [drifting]
}

interface Membership {
  readonly nodes: number
  readonly forMs: number
  /** Whose disk may be lost: nobody else may be missing too. */
  readonly victim: string | undefined
}

function drawMembership(random: SeededRandom, { nodes, forMs, victim }: Membership): Step[] {
  if (random.chance(1, 3)) return []
  const names = namesTo(nodes + 3)
  const joiners = names.slice(nodes, nodes + random.between(1, 3))
  const present = new Set<string>()
  const times = Array.from({ length: random.between(1, 12) }, () => random.below(forMs)).sort((a, b) => a - b)
  const cutAt = (at: number): Step[] => {
    const there = [...names.slice(0, nodes), ...present]
    const near = there.filter(() => random.chance(1, 2))
    const from = at + random.between(1, 80)
    return [
      { at: from, op: 'partition', groups: [near, there.filter((name) => !near.includes(name))] },
      { at: from + random.between(300, 1200), op: 'heal' },
    ]
  }
  const changeAt = (at: number): Step => {
    const joined = [...present]
    const node = random.pick([...names.slice(0, nodes), ...joined])
    const lot = random.below(5)
    if (lot === 3 && (victim === undefined || node === victim)) return { at, op: 'remove', node }
    if (lot === 4) {
      const pool = random.shuffle([...names.slice(0, nodes), ...joiners])
      const least = Math.min(pool.length, victim === undefined ? 1 : 3)
      const members = pool.slice(0, random.between(least, Math.min(pool.length, 6)))
      for (const name of members) if (joiners.includes(name)) present.add(name)
      return { at, op: 'replaceAll', members }
    }
    if (lot === 2 && joined.length > 0) return { at, op: 'promote', node: random.pick(joined) }
    const joiner = random.pick(joiners)
    present.add(joiner)
    return { at, op: random.pick(['add', 'addLearner']), node: joiner }
  }
  // The network breaks where both majorities of a joint configuration are needed.
  return times.flatMap((at) => {
    const step = changeAt(at)
    return step.op === 'replaceAll' && random.chance(2, 3) ? [step, ...cutAt(at)] : [step]
  })
}

function joins(step: Step, name: string): boolean {
  if (step.op === 'add' || step.op === 'addLearner') return step.node === name
  return step.op === 'replaceAll' && (step.members as readonly string[]).includes(name)
}

/** Everything that the storm has begun ends, and two clients that have seen none of it want an answer. */
function calm({ names, forMs, founders }: Storm, load: Step): Step[] {
  const at = forMs
  const each = (op: string, more: object = {}) => names.map((node) => ({ at, op, node, ...more }))
  return [
    { at, op: 'heal' },
    { at, op: 'release' },
    { at, op: 'network', drop: 0, duplicate: 0, reorder: 0, latency: [1, 10] },
    ...each('disk', { fault: 'ok' }),
    ...each('clock', { rate: 1 }),
    { at, op: 'releaseDisk', node: 'all' },
    { at, op: 'resume', node: 'all' },
    { at, op: 'restart', node: 'all' },
    ...each('releaseApply'),
    load,
    { at: at + 9500, op: 'put', id: 'last', client: 'c1', key: 'key0', value: 'calm', to: founders[0], deadline: 2000 },
    { at: at + 10_000, op: 'get', id: 'read', client: 'c2', key: 'key0', to: founders.at(-1), deadline: 1500 },
  ]
}
