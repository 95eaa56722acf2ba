// The clock watch: what parts the clocks, and what does not.
import { describe, expect, it } from 'vitest'
import { ClockWatch } from '../../../actors/raft/clock-watch.ts'

function clocks() {
  const state = { nowMs: 1000, epochMs: 5_000_000 }
  const watch = new ClockWatch({ epochMs: () => state.epochMs })
  const pass = (now: number, epoch = now) => {
    state.nowMs += now
    state.epochMs += epoch
    return watch.hasJumped(state.nowMs)
  }
  pass(0)
  return pass
}

describe('a clock', () => {
  it('that runs has not jumped, however fast', () => {
    const pass = clocks()
    for (const ms of [1, 50, 5000, 100_000]) expect(pass(ms)).toBe(false)
  })

  it('that is rounded and slewed has not jumped', () => {
    const pass = clocks()
    for (let at = 0; at < 10_000; at += 1) expect(pass(10, 10.01 + (at % 2 === 0 ? 0.5 : -0.5))).toBe(false)
  })

  it('that was set has, once', () => {
    const pass = clocks()
    expect(pass(10, -5000)).toBe(true)
    expect(pass(10)).toBe(false)
    expect(pass(10, 5000)).toBe(true)
  })

  it('that stands still has, again and again', () => {
    const pass = clocks()
    const seen = Array.from({ length: 100 }, () => pass(0, 1)).filter((jumped) => jumped)
    expect(seen.length).toBeGreaterThan(10)
  })
})
