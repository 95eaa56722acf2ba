// Verification of a whole chain: a pure function of the stored records, the signed head and the keys. It names the
// first receipt that is not as it was written, and how.

import type { KeyRing } from './key-ring.ts'
import { type ChainEnd, chainStart, openReceipt } from './receipt.ts'
import { openHead } from './receipt-head.ts'
import { digestOf } from './signed-record.ts'

/**
 * - `altered`: its bytes are not what was signed.
 * - `unknown_key`: it names a key that the ring does not hold.
 * - `removed`: it is missing, and later ones are there.
 * - `reordered`: it stands at another place.
 * - `forked`: it, or the one before it, is genuine but of another history.
 * - `cut_tail`: the head counts it, the store ends before it.
 * - `head_missing`, `head_altered`: the chain is whole, but its end cannot be vouched for.
 * - `head_stale`: the head is older than a crash between two writes can explain.
 */
export type Fault =
  | 'altered'
  | 'unknown_key'
  | 'removed'
  | 'reordered'
  | 'forked'
  | 'cut_tail'
  | 'head_missing'
  | 'head_altered'
  | 'head_stale'

export type Verdict =
  | {
      readonly kind: 'intact'
      readonly count: number
      /** Of the last receipt. */
      readonly digest: string
      /** Receipts the head does not count yet: one, if a crash came between the two writes. */
      readonly beyondHead: 0 | 1
    }
  | {
      readonly kind: 'broken'
      /** The number of the first bad receipt; of the last one for faults of the head. */
      readonly sequence: number
      readonly fault: Fault
      readonly detail: string
    }

/** A receipt's bytes, and the number it is stored under; undefined if its key is none that we write. */
export interface StoredRecord {
  readonly sequence: number | undefined
  readonly bytes: Uint8Array
}

/**
 * Verifies records in the order of their keys.
 * @param head the head's bytes; undefined if there is none. No records and no head: an intact chain of nothing.
 */
export async function verifyChain(
  records: AsyncIterable<StoredRecord> | Iterable<StoredRecord>,
  head: Uint8Array | undefined,
  ring: KeyRing,
): Promise<Verdict> {
  const openedHead = head === undefined ? undefined : openHead(head, ring)
  const headCount = openedHead?.kind === 'valid' ? openedHead.end.sequence : undefined
  let end = chainStart
  let atHead = headCount === 0 ? chainStart : undefined
  let missing: Verdict | undefined
  for await (const { sequence, bytes } of records) {
    const expected = end.sequence + 1
    const opened = openReceipt(bytes, ring)
    if (missing !== undefined) {
      // The receipt is not where it should be; it may stand further on.
      if (opened.kind !== 'valid' || opened.receipt.sequence !== expected) continue
      return broken(expected, 'reordered', `it stands at number ${sequence ?? '?'}`)
    }
    if (sequence === undefined) return broken(expected, 'altered', 'the store holds a key that is no number')
    if (sequence !== expected) {
      missing = broken(expected, 'removed', `the next one stored is number ${sequence}`)
      if (opened.kind === 'valid' && opened.receipt.sequence === expected) {
        return broken(expected, 'reordered', `it stands at number ${sequence}`)
      }
      continue
    }
    if (opened.kind !== 'valid') return broken(sequence, opened.kind, opened.detail)
    if (opened.receipt.sequence !== sequence) {
      missing = broken(sequence, 'removed', `receipt ${opened.receipt.sequence} stands in its place`)
      continue
    }
    if (opened.receipt.previous !== end.digest) {
      return broken(sequence, 'forked', `it does not follow the stored receipt ${sequence - 1}`)
    }
    end = { sequence, digest: digestOf(bytes) }
    if (sequence === headCount) atHead = end
  }
  return missing ?? compareWithHead(end, openedHead, atHead)
}

function compareWithHead(
  end: ChainEnd,
  head: ReturnType<typeof openHead> | undefined,
  atHead: ChainEnd | undefined,
): Verdict {
  if (head === undefined) {
    if (end.sequence === 0) return { kind: 'intact', count: 0, digest: end.digest, beyondHead: 0 }
    return broken(end.sequence, 'head_missing', `${end.sequence} receipts, but no head`)
  }
  if (head.kind !== 'valid') return broken(end.sequence, head.kind, head.detail)
  const { sequence: count, digest } = head.end
  if (count > end.sequence) {
    return broken(end.sequence + 1, 'cut_tail', `the head counts ${count} receipts, the store holds ${end.sequence}`)
  }
  if (atHead?.digest !== digest) return broken(count, 'forked', 'it is not the receipt that the head names')
  if (end.sequence > count + 1) {
    return broken(end.sequence, 'head_stale', `the head counts ${count} receipts, the store holds ${end.sequence}`)
  }
  return { kind: 'intact', count: end.sequence, digest: end.digest, beyondHead: end.sequence === count ? 0 : 1 }
}

function broken(sequence: number, fault: Fault, detail: string): Verdict {
  return { kind: 'broken', sequence, fault, detail }
}
