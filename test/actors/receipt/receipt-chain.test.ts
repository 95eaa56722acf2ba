import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type KeyRing, parseKeyRing } from '../../../actors/receipt/key-ring.ts'
import { type ChainEnd, chainStart, sealReceipt } from '../../../actors/receipt/receipt.ts'
import { type StoredRecord, type Verdict, verifyChain } from '../../../actors/receipt/receipt-chain.ts'
import { sealHead } from '../../../actors/receipt/receipt-head.ts'
import { sampleFlow } from './samples.ts'

const ring = parseKeyRing('11'.repeat(32), 'test')
const other = parseKeyRing('22'.repeat(32), 'test')

interface Chain {
  readonly records: StoredRecord[]
  readonly ends: readonly ChainEnd[]
  readonly head: Uint8Array
}

function chainOf(count: number, keys: KeyRing = ring, name = 'flow'): Chain {
  const records: StoredRecord[] = []
  const ends = [chainStart]
  for (let at = 0; at < count; at += 1) {
    const sealed = sealReceipt(sampleFlow(`${name}-${at + 1}`), ends.at(-1) ?? chainStart, keys)
    records.push({ sequence: at + 1, bytes: sealed.bytes })
    ends.push(sealed.end)
  }
  return { records, ends, head: sealHead(ends.at(-1) ?? chainStart, keys) }
}

const verify = (chain: Pick<Chain, 'records' | 'head'>, keys = ring) => verifyChain(chain.records, chain.head, keys)
const broken = (sequence: number, fault: string) => ({ kind: 'broken', sequence, fault })
const flip = (bytes: Uint8Array, at: number, mask = 1) =>
  bytes.with(at % bytes.length, (bytes[at % bytes.length] ?? 0) ^ mask)
/** Stores the records under 1, 2, 3 … whatever they say themselves. */
const renumbered = (records: readonly StoredRecord[]) => records.map(({ bytes }, at) => ({ sequence: at + 1, bytes }))

describe('a chain as it was written', () => {
  test.each([0, 1, 7])('of %d receipts is intact', async (count) => {
    const chain = chainOf(count)
    expect(await verify(chain)).toEqual({
      kind: 'intact',
      count,
      digest: chain.ends[count]?.digest,
      beyondHead: 0,
    })
  })

  test('without records and head is an intact chain of nothing', async () => {
    expect(await verifyChain([], undefined, ring)).toMatchObject({ kind: 'intact', count: 0 })
  })

  test('verifies across a rotation of keys', async () => {
    const first = chainOf(2, ring)
    const rotated: KeyRing = [other[0], ...ring]
    const third = sealReceipt(sampleFlow('flow-3'), first.ends[2] ?? chainStart, rotated)
    const records = [...first.records, { sequence: 3, bytes: third.bytes }]
    expect(await verify({ records, head: sealHead(third.end, rotated) }, rotated)).toMatchObject({ count: 3 })
  })

  test('may be one receipt ahead of its head, as a crash leaves it', async () => {
    const chain = chainOf(3)
    const head = sealHead(chain.ends[2] ?? chainStart, ring)
    expect(await verify({ ...chain, head })).toMatchObject({ kind: 'intact', count: 3, beyondHead: 1 })
  })
})

describe('red: damage is named', () => {
  const chain = chainOf(5)
  const { records, head } = chain

  test('a byte changed inside a receipt', async () => {
    for (let at = 0; at < (records[2]?.bytes.length ?? 0); at += 13) {
      const damaged = records.map((each) => (each.sequence === 3 ? { ...each, bytes: flip(each.bytes, at) } : each))
      const verdict = await verify({ records: damaged, head })
      expect(verdict).toMatchObject({ kind: 'broken', sequence: 3 })
      expect(verdict.kind === 'broken' && verdict.fault).toMatch(/^(altered|unknown_key)$/)
    }
  })

  test.each<[string, StoredRecord[], object]>([
    ['a receipt removed', records.toSpliced(2, 1), broken(3, 'removed')],
    ['a receipt removed and the rest moved up', renumbered(records.toSpliced(2, 1)), broken(3, 'removed')],
    ['the first receipt removed', records.slice(1), broken(1, 'removed')],
    ['two receipts exchanged', renumbered([0, 3, 2, 1, 4].flatMap((at) => records[at] ?? [])), broken(2, 'reordered')],
    [
      'a receipt moved to the end',
      renumbered([0, 2, 3, 4, 1].flatMap((at) => records[at] ?? [])),
      broken(2, 'reordered'),
    ],
    ['a receipt doubled', renumbered([0, 1, 1, 2, 3, 4].flatMap((at) => records[at] ?? [])), broken(3, 'reordered')],
    ['the last receipt cut', records.slice(0, 4), broken(5, 'cut_tail')],
    ['all receipts cut', [], broken(1, 'cut_tail')],
    [
      'a receipt of another history',
      records.with(2, chainOf(3, ring, 'other').records[2] ?? { sequence: 3, bytes: head }),
      broken(3, 'forked'),
    ],
    ['a key that is no number', [{ sequence: undefined, bytes: head }, ...records], broken(1, 'altered')],
    ['an empty record', records.with(1, { sequence: 2, bytes: new Uint8Array() }), broken(2, 'altered')],
    ['a head in the place of a receipt', records.with(1, { sequence: 2, bytes: head }), broken(2, 'altered')],
  ])('%s', async (_name, damaged, expected) => {
    expect(await verify({ records: damaged, head })).toMatchObject(expected)
  })

  test('a chain signed by a key we do not hold', async () => {
    expect(await verify(chainOf(2, other))).toEqual({
      ...broken(1, 'unknown_key'),
      detail: `signed by the unknown key ${other[0].id}`,
    })
  })

  test.each<[string, Uint8Array | undefined, object]>([
    ['missing', undefined, broken(5, 'head_missing')],
    ['changed', flip(head, 40), broken(5, 'head_altered')],
    ['a receipt’s bytes', records[0]?.bytes, broken(5, 'head_altered')],
    ['signed by an unknown key', chainOf(5, other).head, broken(5, 'unknown_key')],
    ['of another history', chainOf(4, ring, 'other').head, broken(4, 'forked')],
    ['rolled back by three', chainOf(2).head, broken(5, 'head_stale')],
  ])('a head that is %s', async (_name, damaged, expected) => {
    expect(await verifyChain(records, damaged, ring)).toMatchObject(expected)
  })

  test('the stated limit: store and head rolled back together look intact', async () => {
    expect(await verify(chainOf(3))).toMatchObject({ kind: 'intact', count: 3 })
  })
})

describe('properties', () => {
  const chain = chainOf(6)

  test('tamper evidence: any edit of the stored records is found at the first receipt it touches', async () => {
    const edit = fc.oneof(
      fc.record({
        kind: fc.constant('flip' as const),
        at: fc.nat(5),
        byte: fc.nat(5000),
        mask: fc.integer({ min: 1, max: 255 }),
      }),
      fc.record({ kind: fc.constant('remove' as const), at: fc.nat(5) }),
      fc.record({ kind: fc.constant('exchange' as const), at: fc.nat(5), with: fc.nat(5) }),
      fc.record({ kind: fc.constant('cut' as const), at: fc.nat(5) }),
    )
    await fc.assert(
      fc.asyncProperty(edit, fc.boolean(), async (edit, close) => {
        const kept = chain.records.slice()
        let first = edit.at
        const [a, b] = [kept[edit.at], edit.kind === 'exchange' ? kept[edit.with] : undefined]
        if (a === undefined) return
        if (edit.kind === 'flip') kept[edit.at] = { ...a, bytes: flip(a.bytes, edit.byte, edit.mask) }
        else if (edit.kind === 'remove') kept.splice(edit.at, 1)
        else if (edit.kind === 'cut') kept.splice(edit.at)
        else if (b !== undefined && edit.at !== edit.with) {
          kept[edit.at] = { sequence: a.sequence, bytes: b.bytes }
          kept[edit.with] = { sequence: b.sequence, bytes: a.bytes }
          first = Math.min(edit.at, edit.with)
        } else first = -1
        const verdict: Verdict = await verify({ records: close ? renumbered(kept) : kept, head: chain.head })
        if (first < 0) expect(verdict.kind).toBe('intact')
        else expect(verdict).toMatchObject({ kind: 'broken', sequence: first + 1 })
      }),
      { numRuns: 300 },
    )
  })

  test('totality: any bytes under any keys have a verdict', async () => {
    const record = fc.record({ sequence: fc.option(fc.nat(4), { nil: undefined }), bytes: fc.uint8Array() })
    await fc.assert(
      fc.asyncProperty(fc.array(record), fc.option(fc.uint8Array(), { nil: undefined }), async (records, head) => {
        const verdict = await verifyChain(records, head, ring)
        expect(verdict.kind).toBe(records.length === 0 && head === undefined ? 'intact' : 'broken')
      }),
    )
  })
})
