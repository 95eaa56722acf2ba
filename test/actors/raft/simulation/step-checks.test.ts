// The checks beside the logs, seen red: reads, leases and stickiness, chunks of snapshots, one rule meant and no other.

import { describe, expect, test } from 'vitest'
import type { Effect } from '../../../../actors/raft/core/effect.ts'
import type { Input } from '../../../../actors/raft/core/input.ts'
import type { Message, SnapshotDescription } from '../../../../actors/raft/core/message.ts'
import { ChunkCheck } from '../../../../actors/raft/simulation/chunk-check.ts'
import { RaftChecker } from '../../../../actors/raft/simulation/invariants.ts'
import { PromiseCheck } from '../../../../actors/raft/simulation/promise-check.ts'
import { QuorumCheck } from '../../../../actors/raft/simulation/quorum-check.ts'
import { ReadCheck } from '../../../../actors/raft/simulation/read-check.ts'
import { ReplicaRecord } from '../../../../actors/raft/simulation/replica-record.ts'
import { crc32c } from '../../../../src/storage/crc32c.ts'

const NAMES = ['n1', 'n2', 'n3']
const configuration = { members: NAMES.map((id) => ({ id, incarnation: '', role: 'voter' as const })) }
type Content = Message extends infer M ? (M extends Message ? Omit<M, 'incarnation'> : never) : never

function said(content: Content): Input {
  return { type: 'message', message: { incarnation: '', ...content } as Message }
}

function sent(to: string, content: Content): Effect {
  return { type: 'send', to, message: { incarnation: '', ...content } as Message }
}

const append = (round: number, from = 'n1', term = 1) =>
  ({ kind: 'append', from, term, previous: { index: 1, term: 0 }, entries: [], commit: 1, round }) as const
const reply = (from: string, round: number) =>
  ({ kind: 'appendReply', from, term: 1, round, outcome: { accepted: true, match: 1 } }) as const

describe('reads', () => {
  function leader() {
    const check = new ReadCheck()
    const record = new ReplicaRecord('n1', '')
    record.role = 'leader'
    const step = (input: Input | undefined, effects: readonly Effect[] = [], committed = 5) =>
      check.stepped(record, { input, effects, committed, configuration })?.why
    step(undefined, [sent('n2', append(1)), sent('n3', append(1))])
    return step
  }
  const asked: Input = { type: 'read', ids: [7], lease: false }
  const readable: Effect = { type: 'readable', ids: [7], index: 5 }

  test('are served once a quorum has answered a round that was sent since', () => {
    const step = leader()
    expect(step(asked, [sent('n2', append(2)), sent('n3', append(2))])).toBeUndefined()
    expect(step(said(reply('n2', 2)), [readable])).toBeUndefined()
  })

  test('red: an earlier round confirms them', () => {
    const step = leader()
    step(asked, [sent('n2', append(2))])
    expect(step(said(reply('n2', 1)), [readable])).toContain('before a quorum has answered')
  })

  test('red: they miss what was committed when they were asked for, under a lease too', () => {
    const step = leader()
    const leased: Effect = { type: 'transition', transition: { name: 'leaseRead', index: 5 } }
    expect(step(asked, [leased, readable], 6)).toContain('6 was committed')
  })

  test("red: a follower's request is answered before a quorum has", () => {
    const step = leader()
    step(said({ kind: 'readIndex', from: 'n2', term: 1, request: 3 }))
    const answer = sent('n2', { kind: 'readIndexReply', from: 'n1', term: 1, request: 3, index: 5 })
    expect(step(said(reply('n3', 1)), [answer])).toContain('before a quorum has answered')
  })
})

describe('leases and stickiness', () => {
  function group(maxClockDrift = 0) {
    const clocks: Record<string, number> = { n1: 0, n2: 0, n3: 0 }
    let trueMs = 0
    const terms = {
      leastElectionMs: 100,
      mostElectionMs: 200,
      heartbeatMs: 50,
      checkQuorum: true,
      leaseReads: true,
      maxClockDrift,
    }
    const check = new PromiseCheck({ clockOf: (node) => clocks[node] ?? 0, trueMs: () => trueMs, termsOf: () => terms })
    const records = NAMES.map((name) => Object.assign(new ReplicaRecord(name, ''), { term: 1 }))
    const [n1, n2, n3] = records as [ReplicaRecord, ReplicaRecord, ReplicaRecord]
    const pass = (ms: number, rate = 1) => {
      trueMs += ms
      for (const name of NAMES) clocks[name] = (clocks[name] ?? 0) + ms * (name === 'n1' ? 1 : rate)
    }
    const step = (record: ReplicaRecord, input: Input, effects: readonly Effect[] = []) =>
      check.stepped(record, { input, effects })?.why
    return { check, clocks, n1, n2, n3, pass, step }
  }
  const grant: Effect = { type: 'transition', transition: { name: 'grantVote', term: 2, to: 'n3' } }
  const request = (transfer: boolean) =>
    said({ kind: 'vote', from: 'n3', term: 2, last: { index: 9, term: 1 }, transfer })

  test('red: a lease is held where a quorum is free; one follower that has just answered is enough', () => {
    const { check, n1, n2, pass, step } = group()
    expect(check.leased(n1, configuration)?.rule).toBe('leases')
    step(n2, said(append(1)))
    pass(99)
    expect(check.leased(n1, configuration)).toBeUndefined()
    pass(1)
    expect(check.leased(n1, configuration)?.why).toContain('n2, n3 may elect another leader')
  })

  test('are not judged by a clock that was set forward, nor ended by a jump that the replica has seen', () => {
    const { check, clocks, n1, n2, step } = group()
    step(n2, said(append(1)))
    clocks.n2 = 5000
    expect(check.leased(n1, configuration)).toBeUndefined()
    step(n2, { type: 'clockJumped' })
    expect(step(n2, request(false), [grant])).toContain('so soon')
  })

  test('red: a vote, a pre-vote and a candidacy so soon after a leader; not if the leader asks for it', () => {
    const { n2, pass, step } = group()
    const stand: Effect = { type: 'transition', transition: { name: 'becomeCandidate', term: 2 } }
    const last = { index: 9, term: 1 }
    const asks = said({ kind: 'preVote', from: 'n3', term: 1, campaignTerm: 2, round: 1, last })
    const grants = sent('n3', { kind: 'preVoteReply', from: 'n2', term: 1, campaignTerm: 2, round: 1, granted: true })
    step(n2, said(append(1)))
    expect(step(n2, request(false), [grant])).toContain('n2 votes so soon')
    expect(step(n2, asks, [grants])).toContain('n2 grants a pre-vote so soon')
    expect(step(n2, { type: 'campaign' }, [stand])).toContain('n2 stands for election so soon')
    expect(step(n2, request(true), [grant])).toBeUndefined()
    pass(100)
    expect(step(n2, request(false), [grant])).toBeUndefined()
    expect(step(n2, asks, [grants])).toBeUndefined()
  })

  test('red: an order to stand that was given for another log', () => {
    const { n2, step } = group()
    n2.log.append(1, 0, false)
    const stand: Effect = { type: 'transition', transition: { name: 'becomeCandidate', term: 2 } }
    const order = (index: number) => said({ kind: 'timeoutNow', from: 'n1', term: 1, last: { index, term: 1 } })
    expect(step(n2, order(1), [stand])).toBeUndefined()
    expect(step(n2, order(2), [stand])).toContain('for another log')
  })

  test('red: a pre-vote for a shorter log', () => {
    const { n2, step } = group()
    n2.log.append(1, 0, false)
    const asks = said({ kind: 'preVote', from: 'n3', term: 1, campaignTerm: 2, round: 1, last: { index: 0, term: 0 } })
    const grants = sent('n3', { kind: 'preVoteReply', from: 'n2', term: 1, campaignTerm: 2, round: 1, granted: true })
    expect(step(n2, asks, [grants])).toContain('whose log is behind its own')
  })
})

describe('a leader that nobody answers', () => {
  const terms = {
    leastElectionMs: 100,
    mostElectionMs: 200,
    heartbeatMs: 50,
    checkQuorum: true,
    leaseReads: false,
    maxClockDrift: 0,
  }

  function beats(count: number, answers: (at: number) => readonly string[], checkQuorum = true) {
    const check = new QuorumCheck(() => ({ ...terms, checkQuorum }))
    const record = Object.assign(new ReplicaRecord('n1', ''), { term: 1, role: 'leader' })
    const step = (input: Input) => check.stepped(record, { input, effects: [], committed: 0, configuration })
    for (let at = 1; at <= count; at += 1) {
      for (const from of answers(at)) step(said(reply(from, at)))
      const broken = step({ type: 'timeout', timer: 'heartbeat' })
      if (broken !== undefined) return at
    }
    return undefined
  }

  test('red: it leads on for more than two election time-outs', () => {
    expect(beats(100, () => [])).toBe(11)
    expect(beats(100, (at) => (at < 20 ? ['n3'] : []))).toBe(29)
  })

  test('leads on while one of two others answers, or where nobody asks for a quorum', () => {
    expect(beats(100, (at) => (at % 5 === 0 ? ['n2'] : []))).toBeUndefined()
    expect(beats(100, () => [], false)).toBeUndefined()
  })
})

describe('chunks of a snapshot', () => {
  const chunk = Uint8Array.of(1, 2, 3)
  const snapshot: SnapshotDescription = {
    last: { index: 9, term: 1 },
    configuration,
    size: 6,
    checksum: 1,
    machine: 'm',
    version: 1,
  }
  const store = (offset: number): Effect => ({ type: 'storeChunk', snapshot, offset, chunk })
  const received = (checksum = crc32c(chunk)) =>
    said({ kind: 'snapshot', from: 'n1', term: 1, snapshot, offset: 0, chunk, chunkChecksum: checksum })

  function receiver() {
    const check = new ChunkCheck()
    const record = new ReplicaRecord('n2', '')
    const step = (input: Input | undefined, effects: readonly Effect[] = []) =>
      check.stepped(record, { input, effects, committed: 0, configuration })?.why
    return { check, record, step }
  }

  test('are kept in order, and go on from what the disk has after a restart', () => {
    const { check, record, step } = receiver()
    expect(step(received(), [store(0)])).toBeUndefined()
    expect(step(received(), [store(3)])).toBeUndefined()
    check.started(record)
    expect(step(received(), [store(0)])).toBeUndefined()
    step({ type: 'chunkStored', last: snapshot.last, nextOffset: 6 })
    const hardState = { term: 1, votedFor: undefined, commit: 9, voteFloor: undefined }
    expect(step(undefined, [{ type: 'installSnapshot', snapshot, hardState, keepFrom: undefined }])).toBeUndefined()
  })

  test('red: one at the wrong place, a damaged one, one too few', () => {
    expect(receiver().step(received(), [store(3)])).toContain('behind 0 bytes')
    expect(receiver().step(received(1), [store(0)])).toContain('damaged')
    const { step } = receiver()
    step(received(), [store(0)])
    const hardState = { term: 1, votedFor: undefined, commit: 9, voteFloor: undefined }
    expect(step(undefined, [{ type: 'installSnapshot', snapshot, hardState, keepFrom: undefined }])).toContain(
      'has kept 3',
    )
  })
})

test('a schedule that means one rule to be broken hears of no other', () => {
  const checker = new RaftChecker({ only: 'Election Safety' })
  checker.broken('monotonic', 'something else')
  expect(checker.violation).toBeUndefined()
  checker.broken('election safety', 'what was meant')
  expect(checker.violation?.rule).toBe('election safety')
})
