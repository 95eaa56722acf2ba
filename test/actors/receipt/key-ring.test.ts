import { describe, expect, test } from 'vitest'
import {
  findKey,
  openKeyRing,
  parseKeyRing,
  ReceiptKeyError,
  readKeyRing,
  rotateKeyRing,
} from '../../../actors/receipt/key-ring.ts'
import { openRecord, sealRecord } from '../../../actors/receipt/signed-record.ts'
import { countingSecrets, MemoryFiles } from './samples.ts'

const path = 'receipts.keys'
const newSource = () => ({ files: new MemoryFiles(), secrets: countingSecrets(), path })

describe('a key file', () => {
  test('is made at the first run, for its owner only, and read from then on', async () => {
    const source = newSource()
    expect(await readKeyRing(source.files, path)).toBeUndefined()
    const made = await openKeyRing(source)
    expect(source.files.held.get(path)?.mode).toBe(0o600)
    expect(made).toHaveLength(1)
    expect(made[0].secret).toEqual(new Uint8Array(32).fill(1))
    expect(await openKeyRing(source)).toEqual(made)
    expect(await readKeyRing(source.files, path)).toEqual(made)
  })

  test('of two that start at once, both use the key that was first', async () => {
    const source = newSource()
    const [one, two] = await Promise.all([openKeyRing(source), openKeyRing(source)])
    expect(two).toEqual(one)
  })

  test('rotation: the new key signs, the old one still verifies, and both survive a restart', async () => {
    const source = newSource()
    const before = await openKeyRing(source)
    const old = sealRecord('receipt', { n: 1 }, before)
    const after = await rotateKeyRing(source)
    expect(source.files.held.get(path)?.mode).toBe(0o600)
    expect(after[0].id).not.toBe(before[0].id)
    expect(after.slice(1)).toEqual(before)
    const fresh = sealRecord('receipt', { n: 2 }, after)
    const reread = await openKeyRing(source)
    expect(openRecord('receipt', old, reread)).toEqual({ kind: 'valid', body: { n: 1, keyId: before[0].id } })
    expect(openRecord('receipt', fresh, reread)).toEqual({ kind: 'valid', body: { n: 2, keyId: after[0].id } })
    expect(openRecord('receipt', fresh, before)).toEqual({ kind: 'unknown_key', keyId: after[0].id })
  })
})

test('keys from the environment: commas or white space, the first signs', () => {
  const [one, two] = ['11'.repeat(32), '22'.repeat(64)]
  const ring = parseKeyRing(` ${one},\n${two} `, 'ESPALIER_RECEIPT_KEYS')
  expect(ring.map((key) => key.secret.length)).toEqual([32, 64])
  expect(findKey(ring, ring[1]?.id ?? '')).toBe(ring[1])
  expect(findKey(ring, '0'.repeat(16))).toBeUndefined()
})

test.each([
  ['no key', ' , '],
  ['too short', '11'.repeat(31)],
  ['too long', '11'.repeat(65)],
  ['an odd digit', `${'11'.repeat(32)}1`],
  ['not hexadecimal', 'zz'.repeat(32)],
  ['too many', Array.from({ length: 101 }, () => '11'.repeat(32)).join(',')],
])('red: %s is refused, and the message holds no secret', (_name, text) => {
  try {
    parseKeyRing(text, 'ESPALIER_RECEIPT_KEYS')
  } catch (error) {
    if (!(error instanceof ReceiptKeyError)) throw error
    expect(error.code).toBe('ERR_RECEIPT_KEY')
    expect(error.message).toMatch(/^ESPALIER_RECEIPT_KEYS: /)
    expect(error.message).not.toMatch(/11|zz/)
    return
  }
  expect.unreachable()
})
