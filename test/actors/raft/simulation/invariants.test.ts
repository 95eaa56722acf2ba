import type { Entry } from 'espalier/raft'
import { RaftChecker } from 'espalier/testing/raft'
import { beforeEach, describe, expect, test } from 'vitest'
import { encodeConfiguration } from '../../../../actors/raft/core/configuration-codec.ts'
import type { Effect } from '../../../../actors/raft/core/effect.ts'
import { encodeEntry } from '../../../../actors/raft/core/entry-codec.ts'
import type { Input } from '../../../../actors/raft/core/input.ts'
import type { Message } from '../../../../actors/raft/core/message.ts'
import type { Transition } from '../../../../actors/raft/core/transition.ts'

const NAMES = ['n1', 'n2', 'n3']
const configuration = { members: NAMES.map((id) => ({ id, incarnation: '', role: 'voter' as const })) }
const EMPTY = { hardState: undefined, snapshot: undefined, entries: [], claimed: undefined }
const founding = encodeEntry({
  index: 1,
  term: 0,
  kind: 'configuration',
  timeMs: 0,
  payload: encodeConfiguration(configuration),
})

function entry(index: number, term: number, text = 'x'): Entry {
  return encodeEntry({ index, term, kind: 'command', timeMs: 0, payload: Buffer.from(text) })
}

/** An entry that takes n3 out. */
function changeAt(index: number, term: number): Entry {
  const payload = encodeConfiguration({ members: configuration.members.slice(0, 2) })
  return encodeEntry({ index, term, kind: 'configuration', timeMs: 0, payload })
}

type Said = Message extends infer M ? (M extends Message ? Omit<M, 'from' | 'incarnation'> : never) : never

/** Three founders, fed step by step; the specification is fed nothing but what the steps say. */
class Fed {
  readonly checker = new RaftChecker()
  readonly #writes = new Map<string, number>()

  constructor() {
    for (const node of NAMES) {
      this.checker.started(node, '', EMPTY)
      const write: Effect = {
        type: 'persist',
        write: 1,
        truncateFrom: undefined,
        entries: [founding],
        hardState: undefined,
      }
      const through = { index: 1, term: 0 }
      this.step(node, undefined, [
        { type: 'transition', transition: { name: 'commit', through } },
        { type: 'configuration', configuration, at: 1, committed: true },
        write,
      ])
      this.#writes.set(node, 1)
      this.step(node, { type: 'persisted', write: 1 }, [
        { type: 'transition', transition: { name: 'durable', through } },
      ])
    }
  }

  get broken(): string | undefined {
    return this.checker.violation?.rule
  }

  step(node: string, input: Input | undefined, effects: readonly Effect[] = []): void {
    this.checker.stepped(node, '', { input, effects })
  }

  write(
    node: string,
    entries: readonly Entry[],
    term: number,
    more: { vote?: string; truncateFrom?: number } = {},
  ): void {
    const write = (this.#writes.get(node) ?? 0) + 1
    this.#writes.set(node, write)
    const hardState = { term, votedFor: more.vote, commit: 1, voteFloor: undefined }
    this.step(node, undefined, [{ type: 'persist', write, truncateFrom: more.truncateFrom, entries, hardState }])
  }

  flush(node: string): void {
    this.step(node, { type: 'persisted', write: this.#writes.get(node) ?? 0 })
  }

  /** `node` is elected by `voter`, and appends; the answer is where. */
  lead(node: string, voter: string, term: number): { readonly index: number; readonly term: number } {
    const through = { index: 2, term }
    const happens = (who: string, transition: Transition) =>
      this.step(who, undefined, [{ type: 'transition', transition }])
    if (term > 1) happens(node, { name: 'becomeFollower', term: term - 1, leader: undefined })
    happens(node, { name: 'becomeCandidate', term })
    happens(voter, { name: 'grantVote', term, to: node })
    happens(node, { name: 'becomeLeader', term, last: { index: 1, term: 0 } })
    happens(node, { name: 'appendOwn', from: 2, through })
    return through
  }

  /** n3 leads term 2, and commits one entry with n1. */
  commitIn2(): void {
    const through = this.lead('n3', 'n1', 2)
    this.write('n3', [entry(2, 2)], 2, { vote: 'n3' })
    this.flush('n3')
    this.write('n1', [entry(2, 2)], 2, { vote: 'n3' })
    this.flush('n1')
    this.step('n1', undefined, [
      { type: 'transition', transition: { name: 'appendReceived', from: 2, through } },
      { type: 'transition', transition: { name: 'durable', through } },
    ])
    this.step('n3', undefined, [
      { type: 'transition', transition: { name: 'durable', through } },
      { type: 'transition', transition: { name: 'acknowledged', by: 'n1', incarnation: '', match: 2 } },
      { type: 'transition', transition: { name: 'commit', through } },
    ])
  }

  say(node: string, message: Said): void {
    const said = { from: node, incarnation: '', ...message } as Message
    this.step(node, undefined, [{ type: 'send', to: 'n1', message: said }])
  }
}

const heartbeat = { kind: 'append', previous: { index: 1, term: 0 }, entries: [], commit: 1, round: 1 } as const

describe('the invariants of a Raft group are seen red', () => {
  let fed: Fed

  beforeEach(() => {
    fed = new Fed()
  })

  test('nothing is broken where nothing happened', () => {
    expect(fed.broken).toBeUndefined()
  })

  test('election safety: two replicas send orders in one term', () => {
    fed.say('n1', { ...heartbeat, term: 1 })
    expect(fed.broken).toBeUndefined()
    fed.say('n2', { ...heartbeat, term: 1 })
    expect(fed.broken).toBe('election safety')
  })

  test('log matching: two entries of one index and term, or one entry behind two', () => {
    fed.write('n1', [entry(2, 1, 'a')], 1)
    fed.write('n2', [entry(2, 1, 'b')], 1)
    expect(fed.broken).toBe('log matching')
    const other = new Fed()
    other.write('n1', [entry(2, 1), entry(3, 2)], 2)
    other.write('n2', [entry(2, 2), entry(3, 2)], 2)
    expect(other.broken).toBe('log matching')
  })

  test('log matching: a gap in what is written', () => {
    fed.write('n1', [entry(3, 1)], 1)
    expect(fed.broken).toBe('log matching')
  })

  test('log matching: what a failed write held is on no disk, and need not be taken away there', () => {
    fed.write('n2', [entry(2, 1, 'a')], 1)
    fed.step('n2', { type: 'persistFailed', write: 2, reason: 'full', durable: { index: 1, term: 0 } })
    fed.step('n2', undefined, [
      { type: 'transition', transition: { name: 'becomeFollower', term: 2, leader: undefined } },
      { type: 'transition', transition: { name: 'truncate', from: 2 } },
    ])
    fed.write('n2', [entry(2, 2, 'b')], 2)
    expect(fed.checker.violation).toBeUndefined()
    fed.write('n2', [entry(2, 3, 'c')], 3)
    expect(fed.broken).toBe('log matching')
  })

  test('durable before said: a term, a vote, an entry', () => {
    fed.say('n2', { kind: 'voteReply', term: 1, granted: false })
    expect(fed.broken).toBe('durable before said')
    const vote = new Fed()
    vote.write('n2', [], 1)
    vote.flush('n2')
    vote.say('n2', { kind: 'voteReply', term: 1, granted: true })
    expect(vote.broken).toBe('durable before said')
    const match = new Fed()
    match.write('n2', [], 1)
    match.flush('n2')
    match.write('n2', [entry(2, 1)], 1)
    match.say('n2', { kind: 'appendReply', term: 1, round: 1, outcome: { accepted: true, match: 2 } })
    expect(match.broken).toBe('durable before said')
  })

  test('durable before said: a disk that forgets', () => {
    fed.write('n2', [entry(2, 1)], 1)
    fed.flush('n2')
    const hardState = { term: 1, votedFor: undefined, commit: 1, voteFloor: undefined }
    fed.checker.started('n2', '', { ...EMPTY, hardState, entries: [founding] })
    expect(fed.broken).toBe('durable before said')
  })

  test('a disk that was damaged may forget', () => {
    fed.write('n2', [entry(2, 1)], 1)
    fed.flush('n2')
    fed.checker.damaged('n2', '')
    const hardState = { term: 1, votedFor: undefined, commit: 0, voteFloor: undefined }
    fed.checker.started('n2', '', { ...EMPTY, hardState, claimed: { index: 2, term: 1 } })
    expect(fed.broken).not.toBe('durable before said')
  })

  test('monotonic: a term, a vote, what is applied', () => {
    fed.write('n2', [], 2)
    fed.write('n2', [], 1)
    expect(fed.broken).toBe('monotonic')
    const vote = new Fed()
    vote.write('n2', [], 2, { vote: 'n1' })
    vote.write('n2', [], 2, { vote: 'n3' })
    expect(vote.broken).toBe('monotonic')
    const applied = new Fed()
    applied.step('n2', { type: 'applied', index: 1 })
    applied.step('n2', { type: 'applied', index: 0 })
    expect(applied.broken).toBe('monotonic')
  })

  test('order of indexes: applied beyond what is committed, compacted beyond the snapshot', () => {
    fed.step('n2', { type: 'applied', index: 2 })
    expect(fed.broken).toBe('order of indexes')
    const compacted = new Fed()
    compacted.step('n2', { type: 'applied', index: 1 }, [{ type: 'compact', through: 1 }])
    expect(compacted.broken).toBe('order of indexes')
  })

  test('state-machine safety: what nobody has committed is applied', () => {
    fed.write('n2', [entry(2, 1)], 1)
    fed.step('n2', undefined, [{ type: 'apply', entries: [founding, entry(2, 1)] }])
    expect(fed.broken).toBe('state-machine safety')
  })

  test('state-machine safety: an entry is left out', () => {
    fed.step('n2', undefined, [{ type: 'applyStored', from: 2, through: 2 }])
    expect(fed.broken).toBe('state-machine safety')
  })

  test("committed entries survive on a quorum's disks: a leader commits with its own disk alone", () => {
    const through = fed.lead('n1', 'n2', 1)
    expect(fed.broken).toBeUndefined()
    fed.write('n1', [entry(2, 1)], 1, { vote: 'n1' })
    fed.flush('n1')
    fed.step('n1', undefined, [{ type: 'transition', transition: { name: 'commit', through } }])
    expect(fed.broken).toBe("committed entries survive on a quorum's disks")
  })

  test('membership: a configuration stands in the log and is not in force', () => {
    fed.write('n2', [changeAt(2, 1)], 1)
    expect(fed.broken).toBe('membership')
  })

  test('membership: a snapshot says another than that of its last entry', () => {
    const snapshot = { last: { index: 1, term: 0 }, configuration, size: 0, checksum: 0, machine: 'm', version: 1 }
    fed.step('n2', { type: 'applied', index: 1 })
    fed.step('n2', { type: 'snapshotTaken', snapshot })
    expect(fed.broken).toBeUndefined()
    const members = configuration.members.slice(1)
    fed.step('n2', { type: 'snapshotTaken', snapshot: { ...snapshot, configuration: { members } } })
    expect(fed.broken).toBe('membership')
  })

  test('membership: a snapshot in place of the log takes a change back that was not committed', () => {
    fed.step('n2', undefined, [{ type: 'configuration', configuration, at: 3, committed: false }])
    fed.write('n2', [entry(2, 1), changeAt(3, 1)], 1)
    fed.commitIn2()
    const last = { index: 2, term: 2 }
    const snapshot = { last, configuration, size: 0, checksum: 0, machine: 'm', version: 1 }
    const hardState = { term: 2, votedFor: undefined, commit: 2, voteFloor: undefined }
    fed.step('n2', undefined, [
      { type: 'transition', transition: { name: 'becomeFollower', term: 2, leader: 'n3' } },
      { type: 'installSnapshot', snapshot, hardState, keepFrom: undefined },
    ])
    fed.step('n2', { type: 'snapshotInstalled', snapshot, intact: true }, [
      { type: 'transition', transition: { name: 'installSnapshot', last } },
      { type: 'configuration', configuration, at: 2, committed: true },
    ])
    fed.write('n2', [entry(3, 2)], 2)
    expect(fed.checker.violation).toBeUndefined()
  })
})
