import { describe, expect, it } from 'vitest'
import { MessageGate } from '../../src/simulation/index.ts'

const message = (id: number, kind = 'append', from = 'n1', to = 'n2') => ({ kind, from, to, id })
const ids = (messages: readonly { readonly id: number }[]) => messages.map(({ id }) => id)

describe('MessageGate', () => {
  it('lets every message pass once, while nothing is aimed at it', () => {
    const gate = new MessageGate()
    gate.hold({ kind: 'vote' })
    gate.dropNext({ from: 'n3' })
    gate.duplicateNext({ to: 'n4' })
    expect(gate.admit(message(1))).toBe(1)
  })

  it('holds what matches, and releases it in order of arrival, ending the hold', () => {
    const gate = new MessageGate<ReturnType<typeof message>>()
    gate.hold({ kind: 'append', to: 'n2' })
    expect([gate.admit(message(1)), gate.admit(message(2)), gate.admit(message(3, 'vote'))]).toEqual([0, 0, 1])
    expect(gate.held).toBe(2)
    expect(ids(gate.release({ kind: 'append' }))).toEqual([1, 2])
    expect([gate.held, gate.admit(message(4))]).toEqual([0, 1])
  })

  it('releases a number of them, or in reverse, and then the hold stays', () => {
    const gate = new MessageGate<ReturnType<typeof message>>()
    gate.hold({})
    for (let id = 1; id <= 4; id++) gate.admit(message(id))
    expect(ids(gate.release({}, { count: 1 }))).toEqual([1])
    expect(ids(gate.release({}, { count: 2, reverse: true }))).toEqual([4, 3])
    expect(gate.admit(message(5))).toBe(0)
    expect(ids(gate.release({}, { reverse: true }))).toEqual([5, 2])
  })

  it('ends only the holds that the release covers', () => {
    const gate = new MessageGate<ReturnType<typeof message>>()
    gate.hold({})
    gate.hold({ kind: 'vote' })
    gate.admit(message(1, 'vote'))
    expect(ids(gate.release({ kind: 'vote' }))).toEqual([1])
    expect(gate.admit(message(2, 'vote'))).toBe(0)
    expect(ids(gate.release({ from: 'n9' }))).toEqual([])
    expect(gate.held).toBe(1)
  })

  it('loses and doubles the next ones, as many as asked for, and no more', () => {
    const gate = new MessageGate<ReturnType<typeof message>>()
    gate.dropNext({ kind: 'append' }, 2)
    gate.duplicateNext({ kind: 'append' })
    expect([1, 2, 3, 4].map((id) => gate.admit(message(id)))).toEqual([0, 0, 2, 1])
    expect(gate.held).toBe(0)
  })

  it('holds both copies of a doubled message, and releases them one by one', () => {
    const gate = new MessageGate<ReturnType<typeof message>>()
    gate.hold({})
    gate.duplicateNext({})
    expect(gate.admit(message(1))).toBe(0)
    expect(ids(gate.release({}, { count: 1 }))).toEqual([1])
    expect(ids(gate.release({}))).toEqual([1])
  })

  it('holds no more than its limit', () => {
    const gate = new MessageGate(1)
    gate.hold({})
    gate.admit(message(1))
    expect(() => gate.admit(message(2))).toThrow('held: expected at most 1 messages, got 2')
  })
})
