import { parseSchedule, runSchedule } from 'espalier/testing'
import { checkTrace, kindOfRaftMessage, linesOf, RaftGroup, startOf, type TraceLine } from 'espalier/testing/raft'
import { beforeAll, describe, expect, test } from 'vitest'

const schedule = parseSchedule(
  JSON.stringify({
    name: 'trace',
    protocol: 'raft',
    nodes: 3,
    seed: 5,
    steps: [
      { at: 500, op: 'put', key: 'k', value: 1 },
      { at: 900, op: 'transfer', to: 'n2' },
      { at: 1500, op: 'crash', node: 'leader' },
      { at: 2500, op: 'put', client: 'c2', key: 'k', value: 2 },
      { at: 3000, op: 'restart', node: 'all' },
      { at: 3500, op: 'addLearner', node: 'n4' },
    ],
  }),
)

let trace: TraceLine[] = []

beforeAll(async () => {
  const lines: TraceLine[] = []
  const { why } = await runSchedule(
    schedule,
    (world, given) =>
      new RaftGroup(world, given, {
        onStep: (node, incarnation, { recovered, effects }) => {
          if (recovered !== undefined) lines.push(startOf(node, incarnation, recovered))
          lines.push(...linesOf(node, incarnation, effects))
        },
      }),
    { kindOf: kindOfRaftMessage },
  )
  expect(why).toBeUndefined()
  trace = lines
})

function check(lines: readonly TraceLine[]) {
  return checkTrace(lines.map((line) => JSON.stringify(line)))
}

/** The trace with the `nth` line of a name told otherwise. */
function tampered(name: string, change: (event: Record<string, unknown>) => Record<string, unknown>, nth = 0) {
  const places = trace.flatMap(({ event }, at) => (event.name === name ? [at] : []))
  const at = places.at(nth)
  if (at === undefined) throw new Error(`no ${name} in the trace`)
  return trace.map((line, index) =>
    index === at ? ({ ...line, event: change({ ...line.event }) } as TraceLine) : line,
  )
}

function by({ event }: TraceLine): string | undefined {
  return event.name === 'acknowledged' ? event.by : undefined
}

describe('the specification', () => {
  test('allows the trace of a group with an election, a transfer, a crash and a learner', () => {
    const { why, allowed } = check(trace)
    expect(why).toBeUndefined()
    expect(allowed).toBe(trace.length)
    for (const name of ['becomeLeader', 'transferSent', 'commit', 'start', 'acknowledged']) {
      expect(trace.some(({ event }) => event.name === name)).toBe(true)
    }
  })

  test.each([
    ['a vote for somebody who does not stand', 'grantVote', { to: 'n9' }, 'does not stand'],
    ['an election in a term that is not its own', 'becomeLeader', { term: 9 }, 'does not stand in term 9'],
    ['an entry of another term', 'appendOwn', { through: { index: 2, term: 7 } }, 'an entry of term 7'],
    ['a commit of what it does not have', 'commit', { through: { index: 99, term: 1 } }, 'not in its log'],
    ['an acknowledgement of what is not durable', 'acknowledged', { match: 99 }, 'has acknowledged 99'],
    ['entries that nobody has made', 'appendReceived', { through: { index: 2, term: 0 } }, 'nobody has made'],
  ])('rejects %s', (_what, name, changed, why) => {
    const nth = name === 'commit' ? -1 : 0
    expect(check(tampered(name, (event) => ({ ...event, ...changed }), nth)).why).toContain(why)
  })

  test('rejects a leader without a quorum: nobody has voted for it', () => {
    const without = trace.filter(({ event }) => event.name !== 'grantVote')
    expect(check(without).why).toContain('without a quorum')
  })

  test('rejects a truncation of what is committed', () => {
    const last = trace.findLast(({ event }) => event.name === 'commit' && event.through.index > 1)
    if (last === undefined) throw new Error('nothing was committed')
    const line: TraceLine = { ...last, event: { name: 'truncate', from: 1 } }
    expect(check([...trace, line]).why).toMatch(/takes nothing back|is committed/)
  })

  test('rejects an order to stand for somebody who has not acknowledged the whole log', () => {
    const { why } = check(tampered('transferSent', (event) => ({ ...event, to: 'n9' })))
    expect(why).toContain('tells n9 to stand')
  })

  test('rejects a vote and a candidacy of a log that was longer before it was damaged', () => {
    const floor = { index: 1000, term: 1000 }
    const { why } = check(tampered('start', (event) => ({ ...event, floor })))
    expect(why).toMatch(/its log once went up to 1000|this one is up to 1000/)
  })

  test('rejects a restart without what was durable, unless the replica knows how far its log once went', () => {
    const lost = (knows: boolean) =>
      tampered(
        'start',
        (event) => ({ ...event, last: { index: 1, term: 0 }, commit: 1, ...(knows ? { floor: event.last } : {}) }),
        3,
      )
    expect(check(lost(false)).why).toContain('comes back with 1')
    expect(check(lost(true)).why ?? '').not.toContain('comes back with 1')
  })

  test('allows a late acknowledgement of what damage has taken since', () => {
    const at = trace.findIndex(({ event }) => event.name === 'acknowledged' && event.match > 1)
    const line = trace[at]
    const event = line?.event
    const begun = trace.find(({ node, event }) => event.name === 'start' && node === (line && by(line)))
    if (event?.name !== 'acknowledged' || begun?.event.name !== 'start') throw new Error('nobody acknowledged')
    const term = trace.slice(0, at).findLast(({ event }) => event.name === 'becomeLeader')?.event
    if (term?.name !== 'becomeLeader') throw new Error('nobody leads')
    const back = { ...begun.event, term: term.term, votedFor: undefined, isDamaged: true, floor: { index: 9, term: 9 } }
    const vote = trace
      .slice(0, at)
      .findLast(({ node, event }) => event.name === 'grantVote' && node === begun.node)?.event
    const votedFor = vote?.name === 'grantVote' && vote.term === term.term ? vote.to : undefined
    const damaged: TraceLine = { ...begun, event: { ...back, votedFor, last: { index: 1, term: 0 } } }
    const { why, allowed } = check([...trace.slice(0, at), damaged, ...trace.slice(at, at + 1)])
    expect(why).toBeUndefined()
    expect(allowed).toBe(at + 2)
  })

  test('says which line is no line', () => {
    expect(checkTrace(['', '{}'])).toEqual({ allowed: 0, why: 'not a line of a trace' })
  })
})
