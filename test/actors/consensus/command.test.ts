// What a command entry holds: every command comes back as it was, and no bytes do more than be refused.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CodecError } from '../../../actors/consensus/bytes.ts'
import { type Command, decodeCommand, encodeCommand } from '../../../actors/consensus/command.ts'

const natural = fc.maxSafeNat()
const bytes = fc.uint8Array({ maxLength: 64 })
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant('open' as const), ttlMs: natural, maxSessions: fc.nat(0xffff_ffff) }),
  fc.record({
    kind: fc.constant('request' as const),
    session: natural,
    serial: natural,
    acknowledgedBelow: natural,
    command: bytes,
  }),
  fc.record({ kind: fc.constant('plain' as const), command: bytes }),
  fc.record({ kind: fc.constantFrom('expire' as const, 'close' as const), session: natural }),
)

describe('commands', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(command, (one) => {
        expect(decodeCommand(encodeCommand(one))).toEqual(one)
      }),
    )
  })

  it('are refused with a CodecError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (any) => {
        try {
          decodeCommand(any)
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError)
        }
      }),
    )
    expect(() => decodeCommand(Uint8Array.of(9))).toThrow(CodecError)
    expect(() => decodeCommand(encodeCommand({ kind: 'expire', session: 7 }).subarray(0, 8))).toThrow('cut short')
  })
})
