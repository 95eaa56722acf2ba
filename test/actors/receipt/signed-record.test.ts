import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseKeyRing } from '../../../actors/receipt/key-ring.ts'
import { openRecord, sealRecord } from '../../../actors/receipt/signed-record.ts'

const ring = parseKeyRing('11'.repeat(32), 'test')
const other = parseKeyRing('22'.repeat(32), 'test')
const body = { flow: 'lint', n: 1.5 }

test('the signature is HMAC-SHA256 over the purpose and the canonical body', () => {
  const keyId = ring[0].id
  const mac = createHmac('sha256', Buffer.alloc(32, 0x11))
    .update(`espalier receipt v1\n{"flow":"lint","keyId":"${keyId}","n":1.5}`)
    .digest('hex')
  const text = new TextDecoder().decode(sealRecord('receipt', body, ring))
  expect(text).toBe(`{"body":{"flow":"lint","keyId":"${keyId}","n":1.5},"mac":"${mac}"}`)
  expect(openRecord('receipt', sealRecord('receipt', body, ring), ring)).toEqual({
    kind: 'valid',
    body: { ...body, keyId },
  })
})

test('a record signed for one purpose is none for another', () => {
  expect(openRecord('head', sealRecord('receipt', body, ring), ring)).toMatchObject({ kind: 'altered' })
})

test('a key that the ring does not hold is named', () => {
  expect(openRecord('receipt', sealRecord('receipt', body, other), ring)).toEqual({
    kind: 'unknown_key',
    keyId: other[0].id,
  })
})

describe('properties', () => {
  test('unforgeability: no change of bytes is believed', () => {
    const sealed = sealRecord('receipt', body, ring)
    fc.assert(
      fc.property(fc.nat({ max: sealed.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = sealed.slice()
        changed[at] = (changed[at] ?? 0) ^ mask
        expect(openRecord('receipt', changed, ring).kind).not.toBe('valid')
      }),
      { numRuns: 1000 },
    )
  })

  test('unforgeability: no cut is believed', () => {
    const sealed = sealRecord('receipt', body, ring)
    for (let length = 0; length < sealed.length; length += 1) {
      expect(openRecord('receipt', sealed.slice(0, length), ring).kind).toBe('altered')
    }
  })

  test('totality: any bytes have an answer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(openRecord('receipt', bytes, ring).kind).toBe('altered')
      }),
    )
  })
})
