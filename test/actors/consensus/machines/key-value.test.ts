// The key-value map: its answers, its snapshots, and bytes that are none of its commands.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyValue, keyValueMap } from '../../../../actors/consensus/machines/key-value.ts'
import type { Value } from '../../../../actors/consensus/machines/value.ts'

const context = { index: 1, timeMs: 0, session: undefined }

function machine() {
  const state = keyValueMap.init()
  return {
    state,
    apply: (command: Uint8Array): Value => keyValue.answer(keyValueMap.apply(state, command, context)),
    query: (question: Uint8Array): Value => keyValue.answer(keyValueMap.query(state, question)),
  }
}

function bytesOf(state: ReturnType<typeof keyValueMap.init>): Buffer {
  return Buffer.concat([...keyValueMap.snapshot(state)])
}

describe('the key-value map', () => {
  it('puts, gets, compares and deletes', () => {
    const { apply, query } = machine()
    expect(apply(keyValue.get('a'))).toBe(null)
    expect(apply(keyValue.put('a', { x: [1, 'two'], b: null }))).toBe('ok')
    expect(query(keyValue.get('a'))).toEqual({ b: null, x: [1, 'two'] })
    expect(apply(keyValue.cas('a', { b: null, x: [1, 'two'] }, 2))).toBe(true)
    expect(apply(keyValue.cas('a', 3, 4))).toBe(false)
    expect(query(keyValue.get('a'))).toBe(2)
    expect(apply(keyValue.delete('a'))).toBe(true)
    expect(apply(keyValue.delete('a'))).toBe(false)
    expect(apply(keyValue.cas('a', null, 5))).toBe(true)
  })

  it('holds bytes as they are', () => {
    const { apply, query } = machine()
    apply(keyValue.put('a', Uint8Array.of(1, 0, 255)))
    expect(query(keyValue.get('a'))).toEqual(Uint8Array.of(1, 0, 255))
    expect(apply(keyValue.cas('a', Uint8Array.of(1), 1))).toBe(false)
  })

  it('answers bytes that are no command, and never throws', () => {
    const { state, apply, query } = machine()
    expect(() => apply(Uint8Array.of(7, 0, 0, 0, 0))).toThrow('no operation')
    expect(() => query(keyValue.put('a', 1))).toThrow('only get is a question')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (any) => {
        keyValueMap.apply(state, any, context)
        keyValueMap.query(state, any)
      }),
    )
  })

  it('does not keep the bytes of the command', () => {
    const { state, query } = machine()
    const command = keyValue.put('a', 1)
    keyValueMap.apply(state, command, context)
    command.fill(0)
    expect(query(keyValue.get('a'))).toBe(1)
  })
})

describe('its snapshot', () => {
  it('is of one moment, whatever is applied while it is read', () => {
    const { state, apply } = machine()
    for (let i = 0; i < 50; i += 1) apply(keyValue.put(`k${i}`, i))
    const before = bytesOf(state)
    const chunks: Uint8Array[] = []
    for (const chunk of keyValueMap.snapshot(state)) {
      chunks.push(chunk)
      apply(keyValue.put(`k${chunks.length % 50}`, 'later'))
      apply(keyValue.put(`new${chunks.length}`, 'later'))
      apply(keyValue.delete(`k${(chunks.length * 7) % 50}`))
    }
    expect(Buffer.concat(chunks).equals(before)).toBe(true)
    expect(bytesOf(state).equals(before)).toBe(false)
  })

  it('has the same bytes after the same history, and after being restored', () => {
    const command = fc.oneof(
      fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), value: fc.nat(9) }),
      fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd') }),
    )
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), fc.nat(40), (commands, cut) => {
        const whole = keyValueMap.init()
        let resumed = keyValueMap.init()
        for (const [at, one] of commands.entries()) {
          if (at === cut) resumed = keyValueMap.restore(bytesOf(resumed), 1)
          const bytes = 'value' in one ? keyValue.put(one.key, one.value) : keyValue.delete(one.key)
          keyValueMap.apply(whole, bytes, context)
          keyValueMap.apply(resumed, bytes, context)
        }
        expect(bytesOf(resumed).equals(bytesOf(whole))).toBe(true)
      }),
    )
  })
})
