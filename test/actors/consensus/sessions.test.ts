// The table of sessions: applied once, remembered within bounds, gone for good.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CodecError } from '../../../actors/consensus/bytes.ts'
import { MAX_WINDOW, Sessions } from '../../../actors/consensus/sessions.ts'

const answer = (text: string) => new TextEncoder().encode(text)
const expired = { type: 'refused', code: 'sessionExpired' }

function opened(ttlMs = 0): Sessions {
  const sessions = new Sessions()
  sessions.open(5, 1000, ttlMs, 10)
  return sessions
}

describe('a request', () => {
  it('is applied once, and answered from memory when it comes again', () => {
    const sessions = opened()
    expect(sessions.admit(5, 1, 1, 1000)).toEqual({ type: 'apply' })
    sessions.remember(5, 1, answer('one'))
    expect(sessions.admit(5, 1, 1, 1000)).toEqual({ type: 'answered', answer: answer('one') })
  })

  it('is remembered beside others of the window', () => {
    const sessions = opened()
    for (const serial of [1, 2, 3]) {
      expect(sessions.admit(5, serial, 1, 1000)).toEqual({ type: 'apply' })
      sessions.remember(5, serial, answer(`${serial}`))
    }
    for (const serial of [1, 2, 3]) {
      expect(sessions.admit(5, serial, 1, 1000)).toEqual({ type: 'answered', answer: answer(`${serial}`) })
    }
  })

  it('may come out of order within the window', () => {
    const sessions = opened()
    expect(sessions.admit(5, 3, 1, 1000)).toEqual({ type: 'apply' })
    sessions.remember(5, 3, answer('three'))
    expect(sessions.admit(5, 2, 1, 1000)).toEqual({ type: 'apply' })
  })

  it('is a late copy once its answer has been acknowledged', () => {
    const sessions = opened()
    sessions.admit(5, 1, 1, 1000)
    sessions.remember(5, 1, answer('one'))
    sessions.admit(5, 2, 2, 1000)
    expect(sessions.admit(5, 1, 1, 1000)).toEqual({ type: 'stale' })
  })

  it('takes the answers with it that its client has acknowledged, however many, and no others', () => {
    for (const acknowledgedBelow of [1, 2, MAX_WINDOW, MAX_WINDOW + 1, 10 * MAX_WINDOW]) {
      const sessions = opened()
      for (let serial = MAX_WINDOW; serial > 0; serial -= 1) sessions.remember(5, serial, answer('a'))
      const all = sessions.snapshot().length
      sessions.admit(5, acknowledgedBelow, acknowledgedBelow, 1000)
      const each = 8 + 4 + 1
      expect(sessions.snapshot().length).toBe(all - each * Math.min(acknowledgedBelow - 1, MAX_WINDOW))
    }
  })

  it('is refused beyond the window', () => {
    const sessions = opened()
    expect(sessions.admit(5, MAX_WINDOW, 1, 1000)).toEqual({ type: 'apply' })
    expect(sessions.admit(5, MAX_WINDOW + 1, 1, 1000)).toEqual({ type: 'refused', code: 'rateLimited' })
    expect(sessions.admit(5, MAX_WINDOW + 1, 2, 1000)).toEqual({ type: 'apply' })
  })

  it('of a session that is unknown or over is refused, and the session not made anew', () => {
    const sessions = opened()
    expect(sessions.admit(6, 1, 1, 1000)).toEqual(expired)
    expect(sessions.end(5)).toBe(true)
    expect(sessions.admit(5, 1, 1, 1000)).toEqual(expired)
    expect(sessions.size).toBe(0)
  })
})

describe('a session', () => {
  it('ends when it was idle for longer than it may, by the time in the log', () => {
    const sessions = opened(100)
    sessions.expire(1100)
    expect(sessions.has(5)).toBe(true)
    sessions.admit(5, 1, 1, 1100)
    sessions.expire(1200)
    expect(sessions.has(5)).toBe(true)
    sessions.expire(1201)
    expect(sessions.has(5)).toBe(false)
  })

  it('is refused when it is over, even behind one that never ends', () => {
    const sessions = opened(0)
    sessions.open(6, 1000, 100, 10)
    sessions.expire(5000)
    expect(sessions.admit(6, 1, 1, 5000)).toEqual(expired)
  })

  it('gives way, the one used longest ago first, when there are too many', () => {
    const sessions = new Sessions()
    for (const id of [1, 2, 3]) sessions.open(id, 0, 0, 3)
    sessions.admit(1, 1, 1, 10)
    sessions.open(4, 20, 0, 3)
    expect([1, 2, 3, 4].filter((id) => sessions.has(id))).toEqual([1, 3, 4])
  })
})

describe('a snapshot', () => {
  it('has the same bytes after the same history, and after being restored', () => {
    const step = fc.record({
      open: fc.boolean(),
      session: fc.integer({ min: 1, max: 8 }),
      serial: fc.integer({ min: 1, max: 6 }),
      below: fc.integer({ min: 1, max: 6 }),
      afterMs: fc.nat(60),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(60), (steps, cut) => {
        const whole = new Sessions()
        let resumed = new Sessions()
        let timeMs = 0
        for (const [at, { open, session, serial, below, afterMs }] of steps.entries()) {
          timeMs += afterMs
          if (at === cut) resumed = Sessions.restore(resumed.snapshot())
          for (const sessions of [whole, resumed]) {
            sessions.expire(timeMs)
            if (open) sessions.open(at + 1, timeMs, 100, 5)
            else if (sessions.admit(session, serial, below, timeMs).type === 'apply') {
              sessions.remember(session, serial, answer(`${at}`))
            }
          }
          expect(resumed.snapshot()).toEqual(whole.snapshot())
        }
      }),
    )
  })

  it('is refused if it is damaged', () => {
    const bytes = opened().snapshot()
    expect(() => Sessions.restore(bytes.subarray(1))).toThrow(CodecError)
    expect(() => Sessions.restore(bytes.subarray(0, -1))).toThrow(CodecError)
    expect(() => Sessions.restore(Uint8Array.of(...bytes, 0))).toThrow(CodecError)
  })
})
