// What a group's messages hold as bytes: what is written is what is read, and what is cut short or of no kind is nothing.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { REFUSALS } from '../../../actors/consensus/refusal.ts'
import { encodeEntry } from '../../../actors/raft/core/entry-codec.ts'
import type { ClientAnswer, ClientItem } from '../../../actors/raft/protocol.ts'
import {
  packAnswers,
  packEntries,
  packItems,
  unpackAnswers,
  unpackEntries,
  unpackItems,
} from '../../../actors/raft/wire.ts'

const bytes = fc.uint8Array({ maxLength: 40 })
const id = fc.maxSafeNat()

const entry = fc
  .record({
    index: fc.integer({ min: 1, max: 2 ** 40 }),
    term: fc.integer({ min: 0, max: 2 ** 40 }),
    kind: fc.constantFrom('noop' as const, 'command' as const, 'configuration' as const),
    timeMs: fc.integer({ min: 0, max: 2 ** 45 }),
    payload: bytes,
  })
  .map((fields) => encodeEntry(fields))

const item = fc.oneof(
  fc.record({ id, type: fc.constant('open' as const) }),
  fc.record({ id, type: fc.constant('command' as const), payload: bytes }),
  fc.record({
    id,
    type: fc.constant('read' as const),
    question: bytes,
    mode: fc.constantFrom('index' as const, 'lease' as const),
  }),
)

const answer = fc.oneof(
  fc.record({ id, answer: bytes }),
  fc.record({ id, session: fc.maxSafeNat() }),
  fc.record({ id, refused: fc.constantFrom(...REFUSALS), leader: fc.option(fc.string(), { nil: undefined }) }),
)

/** Every proper part of what one element is packed to, from its start. */
function beginningsOf(packed: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.max(0, packed.length - 1) }, (_, at) => packed.subarray(0, at + 1))
}

describe('the entries of an append', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        expect(unpackEntries(packEntries(entries))).toEqual(entries)
      }),
    )
  })

  it('are nothing when they are cut short, or no entries', () => {
    fc.assert(
      fc.property(entry, (one) => {
        for (const part of beginningsOf(packEntries([one]))) expect(unpackEntries(part)).toBe(undefined)
        const packed = packEntries([one])
        packed[4] = 99
        expect(unpackEntries(packed)).toBe(undefined)
      }),
    )
  })
})

describe("a client's requests", () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(item), (items: ClientItem[]) => {
        expect(unpackItems(packItems(items))).toEqual(items)
      }),
    )
  })

  it('are nothing when they are cut short, or of no kind', () => {
    fc.assert(
      fc.property(item, (one) => {
        for (const part of beginningsOf(packItems([one]))) expect(unpackItems(part)).toBe(undefined)
      }),
    )
    const packed = packItems([{ id: 1, type: 'open' }])
    for (const kind of [0, 5, 255]) expect(unpackItems(Uint8Array.from(packed).fill(kind, 0, 1))).toBe(undefined)
  })
})

describe('the answers to a client', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(answer), (answers: ClientAnswer[]) => {
        expect(unpackAnswers(packAnswers(answers))).toEqual(answers)
      }),
    )
  })

  it('are nothing when they are cut short, or of no kind', () => {
    fc.assert(
      fc.property(answer, (one) => {
        for (const part of beginningsOf(packAnswers([one]))) expect(unpackAnswers(part)).toBe(undefined)
      }),
    )
    const packed = packAnswers([{ id: 1, refused: 'notLeader' }])
    for (const kind of [0, 5, 255]) expect(unpackAnswers(Uint8Array.from(packed).fill(kind, 0, 1))).toBe(undefined)
    expect(unpackAnswers(Uint8Array.from(packed).fill(99, 9))).toBe(undefined)
  })

  it('are nothing when they are no bytes at all', () => {
    expect(unpackAnswers('answers')).toBe(undefined)
  })
})
