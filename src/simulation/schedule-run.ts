// Runs a fault schedule against a group of replicas: brings about each step at its time, asks each expectation at its
// own, and judges the outcome. What the replicas are stands behind the `Group` interface; nothing here knows a protocol.

import type { AmbientGuardOptions } from './ambient-guard.ts'
import type { FaultStep } from './faults.ts'
import type { Schedule } from './schedule.ts'
import type { Expectation } from './schedule-expectations.ts'
import { nodesNamedBy } from './schedule-names.ts'
import { ROLES, type Step } from './schedule-steps.ts'
import { type FailedRun, type Run, runOnce } from './simulate.ts'
import { microseconds } from './virtual-time.ts'
import type { World } from './world.ts'
import type { TraceEvent } from './world-trace.ts'

/** How long a step waits for a node to take the role it names. */
const ROLE_WAIT_MS = 5000

/** Replicas under a schedule, as a protocol provides them. */
export interface Group {
  /** Who holds a role now: `leader`, `follower`, `primary`. */
  holderOf(role: string): string | undefined
  /** The highest term, view or epoch of any live honest node. */
  term(): number
  /** Does what the step number `index` says that the world itself cannot do. False: it knows no such step. */
  perform(step: Step, index: number): boolean
  /** Judges an expectation now; its times are those of the schedule. Undefined: it knows no such expectation. */
  judge(expectation: Expectation): boolean | string | undefined
  /** At the end: the first thing wrong with what the clients saw. */
  verdict(): { readonly rule: string; readonly why: string } | undefined
}

/** Makes the nodes n1 … nN of a schedule, and states the invariants with `world.always`. */
export type GroupFactory = (world: World, schedule: Schedule) => Group

export interface ScheduleRunOptions {
  /** Default: the schedule's own. */
  readonly seed?: number
  /** What of the real world is let through. Default: nothing. */
  readonly ambient?: AmbientGuardOptions
  /** Is handed every event as it happens. Must not throw. */
  readonly onEvent?: (event: TraceEvent) => void
  /** Fail after so many events. Default 5 000 000. */
  readonly maxEvents?: number
  /** What a message counts as for holds and strikes. Default: its tag, or its `kind`. */
  readonly kindOf?: (tag: string | undefined, message: unknown) => string
}

export interface ScheduleRun {
  readonly run: Run | FailedRun
  /** Why the schedule failed; undefined if it passed. */
  readonly why: string | undefined
}

/** Runs `schedule` once. */
export async function runSchedule(
  schedule: Schedule,
  createGroup: GroupFactory,
  options: ScheduleRunOptions = {},
): Promise<ScheduleRun> {
  const { seed = schedule.seed, ambient, onEvent, kindOf, maxEvents = 5_000_000 } = options
  const run = await runOnce(seed, (world) => new ScheduleDriver(world, schedule, createGroup).drive(), {
    network: { ...schedule.network, isOutside: (node) => !isReplica(node), ...(kindOf && { kindOf }) },
    disk: schedule.disk,
    maxEvents,
    ...(ambient === undefined ? {} : { ambient }),
    ...(onEvent === undefined ? {} : { onEvent }),
  })
  return { run, why: whyFailed(run, schedule.mustFail) }
}

function whyFailed(run: Run | FailedRun, mustFail: string | undefined): string | undefined {
  const failure = 'failure' in run ? run.failure : undefined
  if (mustFail === undefined) return failure?.message
  if (failure === undefined) return `no violation of ${mustFail} was found`
  const isMeant = mustFail === 'invariant' || plain(mustFail) === plain(failure.rule)
  return failure.kind === 'invariant' && isMeant ? undefined : failure.message
}

/** A rule's name however it is spelt: `leaderCompleteness`, `leader completeness`, `Leader Completeness`. */
function plain(rule: string): string {
  return rule.toLowerCase().replace(/[^a-z]/g, '')
}

class ScheduleDriver {
  readonly #world: World
  readonly #schedule: Schedule
  readonly #group: Group
  readonly #aliases = new Map<string, string>()
  readonly #broken: string[] = []

  constructor(world: World, schedule: Schedule, createGroup: GroupFactory) {
    this.#world = world
    this.#schedule = schedule
    this.#group = createGroup(world, schedule)
  }

  async drive(): Promise<void> {
    const { steps, expect, until } = this.#schedule
    for (const [index, expectation] of expect.entries()) this.#plan(expectation, `expect[${index}]`)
    for (const [index, step] of steps.entries()) {
      await this.#reach(step.at)
      await this.#perform(step, index)
    }
    await this.#reach(until)
    await this.#world.advance(0.001)
    const verdict = this.#group.verdict()
    if (verdict !== undefined) this.#world.fail('invariant', verdict.rule, verdict.why)
    const [first] = this.#broken
    if (first !== undefined && this.#schedule.mustFail === undefined) this.#world.fail('expectation', first, 'broken')
  }

  async #reach(atMs: number): Promise<void> {
    const left = atMs - this.#world.time.nowMs
    if (left > 0) await this.#world.advance(left)
    else await this.#world.settle()
  }

  /** Expectations are asked right after the last event of their instant. */
  #plan(expectation: Expectation, where: string): void {
    const { until, mustFail } = this.#schedule
    const at = 'at' in expectation ? expectation.at : 'by' in expectation ? expectation.by : undefined
    const asked = at ?? ('to' in expectation ? expectation.to : until)
    if (mustFail !== undefined && !expectation.op.endsWith('vidence')) return
    let before = 0
    if (expectation.op === 'termUnchanged') {
      this.#after(expectation.from, () => {
        before = this.#group.term()
      })
    }
    this.#after(asked, () => {
      const told = this.#resolved(expectation)
      if ('node' in told && !isRole(told.node) && !isReplica(told.node)) {
        this.#broken.push(`${where} ${JSON.stringify(expectation)}: nobody is called ${told.node} yet`)
        return
      }
      const verdict = told.op === 'termUnchanged' ? this.#group.term() === before : this.#group.judge(told)
      if (verdict === true) return
      const why = verdict === undefined ? 'this group knows no such expectation' : verdict === false ? '' : verdict
      this.#broken.push(`${where} ${JSON.stringify(expectation)}${why === '' ? '' : `: ${why}`}`)
    })
  }

  #after(atMs: number, act: () => void): void {
    this.#world.time.at(microseconds(atMs) + 1, act)
  }

  async #perform(step: Step, index: number): Promise<void> {
    const where = `steps[${index}]`
    for (const { name } of nodesNamedBy(step)) {
      if (!isRole(name)) continue
      const found = () => this.#group.holderOf(name) !== undefined
      await this.#world.eventually(`${where}: a ${name}`, found, { withinMs: ROLE_WAIT_MS })
    }
    const told = this.#resolved(step)
    if (step.as !== undefined) {
      const [first] = nodesNamedBy(told)
      if (first !== undefined) this.#aliases.set(step.as, first.name)
    }
    if (isFault(told)) {
      if (!namesNobody(told, this.#world)) this.#world.apply(told)
    } else if (!this.#group.perform(told, index)) {
      this.#world.fail('expectation', `${where} ${step.op}`, 'this group knows no such step')
    }
  }

  /** The same with roles and aliases replaced by the nodes they mean now. */
  #resolved<T extends Step | Expectation>(item: T): T {
    const nameOf = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(nameOf)
      if (typeof value !== 'string') return value
      return this.#aliases.get(value) ?? (isRole(value) ? (this.#group.holderOf(value) ?? value) : value)
    }
    const named = ['node', 'to', 'from', 'against', 'towards', 'members', 'groups', 'split'] as const
    const fields: Record<string, unknown> = { ...item }
    for (const field of named) if (field in fields) fields[field] = nameOf(fields[field])
    return fields as T
  }
}

// biome-ignore format: a list of words
const FAULTS: ReadonlySet<string> = new Set([
  'crash', 'restart', 'pause', 'resume', 'partition', 'cut', 'heal', 'network', 'hold', 'release', 'dropNext',
  'duplicateNext', 'clock', 'gateDisk', 'releaseDisk', 'disk', 'wipe', 'kill',
] satisfies FaultStep['op'][])

function isFault(step: Step): step is FaultStep {
  return FAULTS.has(step.op) && !(step.op === 'disk' && step.fault === 'corrupt')
}

/** A node that will join later has not booted: like one that is down, it can be struck by nothing. */
function namesNobody(step: FaultStep, world: World): boolean {
  return 'node' in step && step.node !== 'all' && !world.nodeNames.includes(step.node)
}

function isReplica(name: string): boolean {
  return /^n[1-9]\d*$/.test(name)
}

function isRole(name: string): boolean {
  return (ROLES as readonly string[]).includes(name)
}
