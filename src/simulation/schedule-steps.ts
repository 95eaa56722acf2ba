// The steps of a fault schedule: one entry per `op`, with its fields and their defaults. The table is the format; the
// types follow from it.

import * as v from 'valibot'
import {
  amount,
  count,
  groups,
  json,
  maybe,
  millis,
  natural,
  node,
  nodes,
  probability,
  range,
  someNodes,
  strict,
  text,
} from './schedule-fields.ts'

// biome-ignore format: a list of words
export const RAFT_KINDS = [
  'preVote', 'preVoteReply', 'vote', 'voteReply', 'append', 'appendReply', 'snapshot', 'snapshotReply', 'timeoutNow',
  'readIndex', 'readIndexReply',
] as const
// biome-ignore format: a list of words
export const PBFT_KINDS = [
  'prePrepare', 'prepare', 'commit', 'checkpoint', 'viewChange', 'newView', 'stateRequest', 'stateReply',
] as const
export const CLIENT_KINDS = ['request', 'reply'] as const

/** What a message is, as schedules name it. */
export type MessageKind = (typeof RAFT_KINDS | typeof PBFT_KINDS | typeof CLIENT_KINDS)[number]

/** A role instead of a node's name: whoever holds it when the step comes. */
export const ROLES = ['leader', 'follower', 'primary'] as const

/** How long a client waits before an operation's outcome is unknown, unless the step says otherwise. */
const DEADLINE_MS = 3000

const kind = v.picklist([...RAFT_KINDS, ...PBFT_KINDS, ...CLIENT_KINDS])
const fraction = maybe(amount, 0)

function step<const Op extends string, const Entries extends v.ObjectEntries>(op: Op, entries: Entries) {
  return strict({ at: millis, op: v.literal(op), as: maybe(text), ...entries })
}

function byzantine<const Name extends string, const Entries extends v.ObjectEntries>(
  behaviour: Name,
  entries: Entries,
) {
  return step('byzantine', { node, behaviour: v.literal(behaviour), ...entries })
}

function disk<const Fault extends string, const Entries extends v.ObjectEntries>(fault: Fault, entries: Entries) {
  return step('disk', { node, fault: v.literal(fault), ...entries })
}

const session = {
  id: maybe(text),
  client: maybe(text, 'c1'),
  key: text,
  to: maybe(node),
  deadline: maybe(millis, DEADLINE_MS),
}
const admin = { id: maybe(text), to: maybe(node), deadline: maybe(millis, DEADLINE_MS) }
const link = { from: maybe(node), to: maybe(node) }
const messages = { kind: maybe(kind), ...link }
const mix = v.pipe(
  strict({ put: fraction, get: fraction, cas: fraction }),
  v.check(({ put, get, cas }) => put + get + cas > 0, 'expected at least one of put, get, cas above 0'),
)

const clientSteps = [
  step('put', { ...session, value: json }),
  step('get', { ...session, read: maybe(v.picklist(['index', 'log', 'lease']), 'index') }),
  step('cas', { ...session, expected: maybe(json, null), value: json }),
  step('load', {
    clients: count,
    rate: v.pipe(amount, v.gtValue(0)),
    for: millis,
    keys: maybe(count, 10),
    mix: maybe(mix, { put: 0.5, get: 0.4, cas: 0.1 }),
  }),
  step('expireSession', { client: text }),
] as const

const faultSteps = [
  step('crash', { node }),
  step('restart', { node }),
  step('pause', { node }),
  step('resume', { node }),
  step('partition', { groups }),
  step('cut', link),
  step('heal', {}),
  step('network', {
    drop: maybe(probability),
    duplicate: maybe(probability),
    reorder: maybe(probability),
    latency: maybe(range),
    ...link,
  }),
  step('hold', messages),
  step('release', { ...messages, count: maybe(count), order: maybe(v.literal('reverse')) }),
  step('dropNext', { ...messages, count: maybe(count, 1) }),
  step('duplicateNext', { ...messages, count: maybe(count, 1) }),
  step('clock', { node, rate: maybe(amount), jump: maybe(v.pipe(v.number(), v.finite())) }),
  step('holdApply', { node }),
  step('releaseApply', { node }),
  step('gateDisk', { node }),
  step('releaseDisk', { node, count: maybe(count), order: maybe(v.literal('reverse')) }),
  v.variant('fault', [
    disk('tornTail', {}),
    disk('corrupt', { index: maybe(count) }),
    disk('full', {}),
    disk('slow', { syncLatency: maybe(range, [50, 100]) }),
    disk('ok', {}),
  ]),
  step('wipe', { node }),
  step('kill', { node, lot: maybe(natural, 0) }),
] as const

const groupSteps = [
  step('campaign', { node }),
  step('transfer', { to: node, id: maybe(text) }),
  step('add', { node, ...admin }),
  step('addLearner', { node, ...admin }),
  step('promote', { node, ...admin }),
  step('remove', { node, ...admin }),
  step('replaceAll', { members: nodes, ...admin }),
  step('snapshot', { node }),
] as const

const liarSteps = [
  v.variant('behaviour', [
    byzantine('silent', {}),
    byzantine('equivocate', { split: maybe(groups) }),
    byzantine('wrongDigest', {}),
    byzantine('forgeSignature', {}),
    byzantine('replayOldView', {}),
    byzantine('corruptReply', {}),
    byzantine('corruptState', {}),
    byzantine('lyingCheckpoint', {}),
    byzantine('forgedNewView', {
      variant: maybe(v.picklist(['omit', 'null', 'substitute', 'invent', 'lowMin']), 'omit'),
    }),
    byzantine('selectiveSilence', { towards: maybe(someNodes) }),
    byzantine('delay', { ms: maybe(millis, 500) }),
    byzantine('twin', { groups: maybe(groups) }),
    byzantine('floodClient', {}),
    byzantine('badClient', { towards: maybe(someNodes) }),
    byzantine('doubleVote', {}),
    byzantine('accuse', { against: node }),
  ]),
  step('honest', { node }),
] as const

/** Behaviours of a liar in a Raft group; the others are PBFT's, and `equivocate` is both's. */
export const RAFT_BEHAVIOURS: readonly string[] = ['equivocate', 'doubleVote', 'accuse']
export const RAFT_ONLY_BEHAVIOURS: readonly string[] = ['doubleVote', 'accuse']

export const stepSchema = v.variant('op', [...clientSteps, ...faultSteps, ...groupSteps, ...liarSteps])

/** One step, with its defaults filled in. */
export type Step = v.InferOutput<typeof stepSchema>

/** The steps of one `op`. */
export type StepOf<Op extends Step['op']> = Extract<Step, { readonly op: Op }>
