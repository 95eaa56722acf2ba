// Whether the names a fault schedule uses mean something: nodes, roles, aliases, clients, operations, message kinds and
// behaviours. The parser's second pass, once every step has its shape.

import type { Expectation } from './schedule-expectations.ts'
import {
  CLIENT_KINDS,
  PBFT_KINDS,
  RAFT_BEHAVIOURS,
  RAFT_KINDS,
  RAFT_ONLY_BEHAVIOURS,
  ROLES,
  type Step,
} from './schedule-steps.ts'

/** What is wrong, and where: `steps[3].node`. */
export interface Problem {
  readonly path: string
  readonly message: string
}

/** What the second pass needs of a schedule. */
export interface Names {
  readonly protocol: 'raft' | 'pbft' | 'sample'
  readonly nodes: number
  readonly config: { readonly migratable: boolean }
  readonly nodeConfig: Readonly<Record<string, unknown>>
  readonly steps: readonly Step[]
  readonly expect: readonly Expectation[]
  readonly until: number
}

/** A node as a step names it: where that stands, and what it says. */
export interface NodeReference {
  readonly path: string
  readonly name: string
}

const RESERVED: readonly string[] = [...ROLES, 'all']
const TAKES_ALL: readonly string[] = ['restart', 'resume', 'releaseDisk', 'honest']
/** Each may be the first to name a node. */
const MEMBERSHIP: readonly string[] = ['add', 'addLearner', 'promote', 'remove']
const TAKES_CLIENTS: readonly string[] = ['hold', 'release', 'dropNext', 'duplicateNext']
const NODE_FIELDS = ['node', 'to', 'from', 'against', 'towards', 'members', 'groups', 'split'] as const

/** The nodes a step names, in the order in which an alias would take them: `as` names the first. */
export function nodesNamedBy(step: Step): readonly NodeReference[] {
  const fields: Readonly<Record<string, unknown>> = { ...step }
  return NODE_FIELDS.flatMap((field) => flatten(field, fields[field]))
}

function flatten(path: string, value: unknown): NodeReference[] {
  if (typeof value === 'string') return [{ path, name: value }]
  return Array.isArray(value) ? value.flatMap((item, index) => flatten(`${path}[${index}]`, item)) : []
}

/** Every name that means nothing, in order of the file. */
export function checkNames(names: Names): Problem[] {
  const problems: Problem[] = []
  const known = knownNodes(names)
  for (const name of Object.keys(names.nodeConfig)) {
    if (!known.has(name)) problems.push({ path: `nodeConfig.${name}`, message: noSuchNode(name, known) })
  }
  const clients = new Set(names.steps.flatMap((step) => ('client' in step ? [step.client] : [])))
  const ids = new Set<string>()
  let time = 0
  for (const [index, step] of names.steps.entries()) {
    const complain = (field: string, message: string) => problems.push({ path: `steps[${index}].${field}`, message })
    if (step.at < time) complain('at', `steps stand in order of time; the one before is at ${time}`)
    time = Math.max(time, step.at)
    for (const { path, name } of nodesNamedBy(step)) {
      if (known.has(name) || (RESERVED as readonly string[]).includes(name)) {
        if (name === 'all' && !TAKES_ALL.includes(step.op)) complain(path, `only ${TAKES_ALL.join(', ')} take "all"`)
        if (name === 'primary' && names.protocol === 'raft' && !names.config.migratable)
          complain(path, '"primary" is nobody in a raft group; its roles: leader, follower')
      } else if (!(mayNameClient(step) && isClient(name, clients))) complain(path, noSuchNode(name, known))
    }
    for (const message of checkVocabulary(step, names)) complain(message.path, message.message)
    if ('id' in step && step.id !== undefined) {
      if (ids.has(step.id)) complain('id', `"${step.id}" is the id of an earlier step`)
      ids.add(step.id)
    }
    if (step.as !== undefined) {
      if (RESERVED.includes(step.as) || /^n\d+$/.test(step.as)) complain('as', `"${step.as}" has a meaning already`)
      else if (nodesNamedBy(step).length === 0) complain('as', 'this step names no node')
      known.add(step.as)
    }
  }
  return [...problems, ...checkExpectations(names, known, ids)]
}

/** n1 … nN, and whoever joins later. */
function knownNodes(names: Names): Set<string> {
  const known = new Set(Array.from({ length: names.nodes }, (_, i) => `n${i + 1}`))
  for (const step of names.steps) {
    const joining =
      step.op === 'replaceAll' ? step.members : MEMBERSHIP.includes(step.op) && 'node' in step ? [step.node] : []
    for (const name of joining) if (/^n[1-9]\d*$/.test(name)) known.add(name)
  }
  return known
}

function checkVocabulary(step: Step, names: Names): Problem[] {
  const both = names.protocol === 'sample' || names.config.migratable
  if ('kind' in step && step.kind !== undefined && !both) {
    const kinds: readonly string[] = [...(names.protocol === 'pbft' ? PBFT_KINDS : RAFT_KINDS), ...CLIENT_KINDS]
    if (!kinds.includes(step.kind)) {
      return [
        { path: 'kind', message: `"${step.kind}" is no message of ${names.protocol}; its kinds: ${kinds.join(', ')}` },
      ]
    }
  }
  if ((step.op === 'byzantine' || step.op === 'honest') && names.protocol === 'raft' && !names.config.migratable) {
    return [{ path: 'op', message: `"${step.op}" means nothing in a raft group that is not migratable` }]
  }
  if (step.op === 'byzantine' && !both) {
    const list = names.protocol === 'pbft' ? RAFT_ONLY_BEHAVIOURS : RAFT_BEHAVIOURS
    if (list.includes(step.behaviour) === (names.protocol === 'pbft')) {
      return [{ path: 'behaviour', message: `"${step.behaviour}" is no behaviour in a ${names.protocol} group` }]
    }
  }
  return []
}

function checkExpectations({ expect, until }: Names, known: ReadonlySet<string>, ids: ReadonlySet<string>) {
  const problems: Problem[] = []
  for (const [index, expectation] of expect.entries()) {
    const complain = (field: string, message: string) => problems.push({ path: `expect[${index}].${field}`, message })
    const times: Readonly<Record<string, unknown>> = { ...expectation }
    for (const field of ['at', 'by', 'from', 'to']) {
      if (Number(times[field] ?? 0) > until) complain(field, `later than the end of the run, ${until}`)
    }
    if ('id' in expectation && !ids.has(expectation.id)) complain('id', `no step has the id "${expectation.id}"`)
    if ('node' in expectation && !known.has(expectation.node)) complain('node', noSuchNode(expectation.node, known))
    if (expectation.op === 'members') {
      for (const [place, name] of expectation.equals.entries()) {
        if (!known.has(name)) complain(`equals[${place}]`, noSuchNode(name, known))
      }
    }
    if ('from' in expectation && expectation.to < expectation.from)
      complain('to', `earlier than from, ${expectation.from}`)
  }
  return problems
}

/** Clients send `request` and receive `reply`; a flooding client is a liar too. */
function mayNameClient(step: Step): boolean {
  if (step.op === 'byzantine') return step.behaviour === 'floodClient' || step.behaviour === 'badClient'
  return TAKES_CLIENTS.includes(step.op)
}

function isClient(name: string, clients: ReadonlySet<string>): boolean {
  return clients.has(name) || /^(c\d+|load\d+-\d+)$/.test(name)
}

function noSuchNode(name: string, known: ReadonlySet<string>): string {
  return `"${name}" is no node, and no alias given before; known: ${[...known].join(', ')}`
}
