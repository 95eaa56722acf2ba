// The expectations of a fault schedule: one entry per `op`, with its fields. A time that is left out is the end of the
// run, which is why the table depends on it.

import * as v from 'valibot'
import { REFUSALS } from './refusals.ts'
import { json, maybe, millis, natural, node, nodes, strict, text } from './schedule-fields.ts'

function expectation<const Op extends string, const Entries extends v.ObjectEntries>(op: Op, entries: Entries) {
  return strict({ op: v.literal(op), ...entries })
}

/** The expectations of a run that ends at `until` (virtual ms). */
export function expectationSchema(until: number) {
  const at = { at: maybe(millis, until) }
  const by = { by: maybe(millis, until) }
  const span = { from: millis, to: millis }
  return v.variant('op', [
    expectation('leader', at),
    expectation('noLeader', at),
    expectation('leaderIs', { node, ...at }),
    expectation('leaderIsNot', { node, ...at }),
    expectation('acked', { id: text, ...by }),
    expectation('unacked', { id: text, ...by }),
    expectation('result', { id: text, equals: json }),
    expectation('refused', { id: text, code: maybe(v.picklist(REFUSALS)) }),
    // Without a time it speaks of every live replica at the end; with one, of the leader at that time.
    expectation('value', { key: text, equals: json, at: maybe(millis) }),
    expectation('converged', {}),
    expectation('termAtMost', { value: natural, ...at }),
    expectation('termUnchanged', span),
    expectation('members', { equals: nodes, ...at }),
    expectation('progress', { ...span, atLeast: natural }),
    expectation('noProgress', span),
    expectation('protocol', { equals: v.picklist(['raft', 'pbft']), ...at }),
    expectation('evidence', { node }),
    expectation('noEvidence', { node }),
  ])
}

/** One expectation, with its times filled in. */
export type Expectation = v.InferOutput<ReturnType<typeof expectationSchema>>
