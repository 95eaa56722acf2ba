// A fault schedule: what happens to a simulated consensus group, and what must be true of it, as one JSON file. Reading
// is strict: an unknown field, step or expectation is an error that names it and where it stands, never ignored; and so
// is a node, alias or operation that nothing introduces. What was left out is filled in, so that whoever runs a schedule
// knows no defaults. A schedule that was read can be written as JSON and read again.

import * as v from 'valibot'
import { EspalierError, show } from '../kernel/errors.ts'
import { type Expectation, expectationSchema } from './schedule-expectations.ts'
import { amount, count, maybe, millis, natural, node, probability, range, strict, text } from './schedule-fields.ts'
import { checkNames, type Problem } from './schedule-names.ts'
import { type Step, stepSchema } from './schedule-steps.ts'

const RUN_ON_MS = 5000
const MAX_PROBLEMS = 10
const MAX_NODES = 100

const flag = v.boolean()

const settings = strict({
  electionTimeout: maybe(range),
  heartbeat: maybe(millis),
  preVote: maybe(flag),
  checkQuorum: maybe(flag),
  leaseReads: maybe(flag),
  maxClockDrift: maybe(amount),
  snapshotEvery: maybe(natural),
  maxBatch: maybe(count),
  maxInflight: maybe(count),
  viewTimeout: maybe(millis),
  checkpointEvery: maybe(count),
  window: maybe(count),
  migratable: maybe(flag),
  sessionTtl: maybe(millis),
})

/** What one node may be told otherwise. Times in milliseconds. */
export type ScheduleSettings = Readonly<v.InferOutput<typeof settings>>

const DEFAULT_SETTINGS = {
  electionTimeout: [150, 300] as readonly [number, number],
  heartbeat: 50,
  preVote: true,
  checkQuorum: true,
  leaseReads: false,
  maxClockDrift: 0,
  snapshotEvery: 0,
  viewTimeout: 400,
  checkpointEvery: 100,
  window: 200,
  migratable: false,
  sessionTtl: 0,
}

/** Every setting; `maxBatch` and `maxInflight` have no default here: they are the implementation's own. */
export type ScheduleConfig = Readonly<typeof DEFAULT_SETTINGS> & Pick<ScheduleSettings, 'maxBatch' | 'maxInflight'>

const nodeConfig = maybe(v.record(node, settings), {})

const header = strict({
  name: text,
  about: maybe(v.string(), ''),
  protocol: v.picklist(['raft', 'pbft', 'sample']),
  nodes: v.pipe(count, v.maxValue(MAX_NODES)),
  seed: v.pipe(v.number(), v.safeInteger()),
  // The format mentions `nodeConfig` in the row of `config`: both readings are accepted.
  config: maybe(strict({ ...settings.entries, nodeConfig }), {}),
  nodeConfig,
  network: maybe(
    strict({
      latency: maybe(range, [1, 10]),
      drop: maybe(probability, 0),
      duplicate: maybe(probability, 0),
      reorder: maybe(probability, 0),
    }),
    {},
  ),
  disk: maybe(strict({ syncLatency: maybe(range, [0, 2]), loseUnsynced: maybe(flag, true) }), {}),
  steps: v.array(stepSchema),
  expect: maybe(v.array(v.unknown()), []),
  mustFail: maybe(text),
  until: maybe(millis),
})

type Header = v.InferOutput<typeof header>

/** A fault schedule, checked, with every default filled in. Times in virtual milliseconds. */
export interface Schedule {
  readonly name: string
  readonly about: string
  readonly protocol: Header['protocol']
  readonly nodes: number
  readonly seed: number
  readonly config: ScheduleConfig
  readonly nodeConfig: Readonly<Record<string, ScheduleSettings>>
  readonly network: Readonly<Header['network']>
  readonly disk: Readonly<Header['disk']>
  readonly steps: readonly Step[]
  readonly expect: readonly Expectation[]
  /** `"invariant"` or an invariant's name: the run passes only if that is violated. */
  readonly mustFail?: string
  readonly until: number
}

/** A schedule that cannot be read: every problem with its path, e.g. `steps[3].grups`. */
export class ScheduleError extends EspalierError {
  readonly problems: readonly Problem[]

  constructor(source: string, problems: readonly Problem[]) {
    const lines = problems
      .slice(0, MAX_PROBLEMS)
      .map(({ path, message }) => `${path === '' ? '' : `${path}: `}${message}`)
    const rest = problems.length > MAX_PROBLEMS ? [`and ${problems.length - MAX_PROBLEMS} more`] : []
    super('ERR_SCHEDULE', `${source}: ${[...lines, ...rest].join('\n  ')}`)
    this.problems = problems
  }
}

/**
 * Reads a schedule from JSON text. `source` (a file's name, say) opens every message. Throws a {@link ScheduleError}.
 */
export function parseSchedule(json: string, source = 'schedule'): Schedule {
  let value: unknown
  try {
    // Some editors open a file with a byte order mark.
    value = JSON.parse(json.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new ScheduleError(source, [
      { path: '', message: `not JSON: ${error instanceof Error ? error.message : error}` },
    ])
  }
  return readSchedule(value, source)
}

/** Reads a schedule from plain data, as {@link parseSchedule} does from text. */
export function readSchedule(value: unknown, source = 'schedule'): Schedule {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ScheduleError(source, [{ path: '', message: `expected an object, got ${show(value)}` }])
  const outer = v.safeParse(header, value)
  if (!outer.success)
    throw new ScheduleError(
      source,
      outer.issues.map((issue) => problemOf(issue, '')),
    )
  const { config, steps, mustFail, ...rest } = outer.output
  const until = rest.until ?? Math.max((steps.at(-1)?.at ?? 0) + RUN_ON_MS, lastAsked(rest.expect))
  const expectations = v.safeParse(v.array(expectationSchema(until)), rest.expect)
  if (!expectations.success) {
    throw new ScheduleError(
      source,
      expectations.issues.map((issue) => problemOf(issue, 'expect')),
    )
  }
  const { nodeConfig: inner, ...overrides } = config
  const schedule = {
    ...rest,
    config: { ...DEFAULT_SETTINGS, ...overrides },
    nodeConfig: { ...inner, ...rest.nodeConfig },
    steps,
    expect: expectations.output,
    ...(mustFail === undefined ? {} : { mustFail }),
    until,
  }
  const problems = [...checkNames(schedule), ...checkTimes(schedule)]
  if (problems.length > 0) throw new ScheduleError(source, problems)
  return schedule
}

/** Times that rule each other out. */
function checkTimes({ protocol, config, nodeConfig, steps, until }: Schedule): Problem[] {
  const problems = steps.flatMap(({ at }, index) =>
    at > until ? [{ path: `steps[${index}].at`, message: `later than the end of the run, ${until}` }] : [],
  )
  if (protocol !== 'raft') return problems
  const all = [['config', config] as const, ...Object.entries(nodeConfig).map(pathed)]
  for (const [path, own] of all) {
    const { electionTimeout, heartbeat } = { ...config, ...own }
    if (heartbeat < 1)
      problems.push({ path: `${path}.heartbeat`, message: `expected a number >= 1, got ${show(heartbeat)}` })
    else if (electionTimeout[0] <= heartbeat) {
      const message = `expected [least, most], both more than heartbeat, ${heartbeat}; got ${show(electionTimeout)}`
      problems.push({ path: `${path}.electionTimeout`, message })
    }
  }
  return problems
}

function pathed([name, own]: readonly [string, ScheduleSettings]) {
  return [`nodeConfig.${name}`, own] as const
}

/** The latest time that an expectation names. */
function lastAsked(expectations: readonly unknown[]): number {
  const times = expectations.flatMap((expectation) => {
    if (typeof expectation !== 'object' || expectation === null) return []
    const { at, by, to }: { readonly at?: unknown; readonly by?: unknown; readonly to?: unknown } = expectation
    return [at, by, to].filter((time): time is number => typeof time === 'number')
  })
  return Math.max(0, ...times)
}

function problemOf(issue: v.BaseIssue<unknown>, root: string): Problem {
  let path = root
  for (const { key } of issue.path ?? []) {
    path += typeof key === 'number' ? `[${key}]` : path === '' ? String(key) : `.${String(key)}`
  }
  return { path, message: messageOf(issue) }
}

const KINDS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  finite: 'a finite number',
  number: 'a number',
  safe_integer: 'an integer',
  string: 'a text',
}

function messageOf(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object' || issue.type === 'check' || issue.type === 'union') return issue.message
  if (issue.type === 'variant') {
    if (issue.expected === 'Object') return `expected an object, got ${issue.received}`
    const what = issue.received === 'undefined' ? 'missing' : `unknown: ${issue.received}`
    return `${what}; known: ${unquoted(issue.expected)}`
  }
  if (issue.type === 'picklist') return `unknown: ${show(issue.input)}; known: ${unquoted(issue.expected)}`
  if (issue.type === 'min_length') {
    return Array.isArray(issue.input) ? 'expected at least one, got none' : 'expected a text that is not empty'
  }
  if (issue.type === 'min_value' || issue.type === 'max_value' || issue.type === 'gt_value') {
    return `expected a number ${issue.expected?.replace(/^[<>=]+/, '$& ')}, got ${show(issue.input)}`
  }
  return `expected ${KINDS[issue.type] ?? issue.expected ?? issue.type.replaceAll('_', ' ')}, got ${show(issue.input)}`
}

/** valibot lists alternatives as `("a" | "b")`. */
function unquoted(alternatives: string | null): string {
  return (alternatives ?? '').replace(/[()"]/g, '').replaceAll(' | ', ', ')
}
