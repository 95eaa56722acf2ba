import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { VirtualClock, VirtualTime } from '../../src/simulation/index.ts'

describe('VirtualTime', () => {
  it('stands still between events and leaps to the next one', () => {
    const time = new VirtualTime()
    const seen: number[] = []
    for (const at of [30, 10, 20]) time.at(at, () => seen.push(time.nowUs))
    expect(time.step()).toBe(true)
    expect([time.nowUs, time.nextUs, time.waiting]).toEqual([10, 20, 2])
    time.runUntil(25)
    expect([seen, time.nowUs]).toEqual([[10, 20], 25])
    expect([time.step(29), time.step(30), time.step()]).toEqual([false, true, false])
  })

  it('takes an instant that has passed for now, after what is due already', () => {
    const time = new VirtualTime()
    const seen: string[] = []
    time.at(10, () => {
      time.at(3, () => seen.push(`late ${time.nowUs}`))
    })
    time.at(10, () => seen.push('due'))
    time.runUntil(10)
    expect(seen).toEqual(['due', 'late 10'])
  })
})

describe('VirtualClock', () => {
  it('reads true time by default, and an epoch of its own', () => {
    const time = new VirtualTime()
    const clock = new VirtualClock(time, { originMs: 5, epochMs: 1000 })
    time.runUntil(1_500)
    expect([clock.now(), clock.epochMs()]).toEqual([6.5, 1001])
  })

  it('fires alarms by deadline, equal ones in order of setting, and no sooner than asked', () => {
    const time = new VirtualTime()
    const clock = new VirtualClock(time)
    const seen: [string, number][] = []
    for (const [name, ms] of [
      ['c', 2.0005],
      ['a', 1],
      ['b', 1],
      ['d', 2.001],
      ['now', -3],
    ] as const) {
      clock.setAlarm(ms, () => seen.push([name, clock.now()]))
    }
    time.runUntil(10_000)
    expect(seen).toEqual([
      ['now', 0],
      ['a', 1],
      ['b', 1],
      ['c', 2.001],
      ['d', 2.001],
    ])
  })

  it('does not fire what was cancelled, however late', () => {
    const time = new VirtualTime()
    const queued: { fire(): void }[] = []
    const clock = new VirtualClock(time, { dispatch: (alarm) => queued.push(alarm) })
    let fired = 0
    const early = clock.setAlarm(1, () => fired++)
    const late = clock.setAlarm(2, () => fired++)
    clock.setAlarm(3, () => fired++)
    early.cancel()
    time.runUntil(3_000)
    late.cancel() // due already, but not yet delivered
    late.cancel()
    for (const alarm of [...queued, ...queued]) alarm.fire()
    expect([queued.length, fired]).toEqual([2, 1])
  })

  it('runs at its rate: alarms come sooner on a fast clock, later on a slow one, never on one that stands', () => {
    const trueMsOf = (rate: number) => {
      const time = new VirtualTime()
      const seen: number[] = []
      new VirtualClock(time, { rate }).setAlarm(100, () => seen.push(time.nowMs))
      time.runUntil(1_000_000)
      return seen
    }
    expect([2, 1, 0.5, 0].map(trueMsOf)).toEqual([[50], [100], [200], []])
  })

  it('keeps the local deadline of a pending alarm when rate or reading change', () => {
    const time = new VirtualTime()
    const clock = new VirtualClock(time)
    const seen: number[] = []
    clock.setAlarm(100, () => seen.push(time.nowMs))
    clock.setAlarm(300, () => seen.push(time.nowMs))
    time.runUntil(40_000)
    clock.setRate(2) // 60 left: 30 true milliseconds
    time.runUntil(80_000) // local 120
    clock.jump(130) // local 250: 50 left, 25 true milliseconds
    time.runUntil(1_000_000)
    expect(seen).toEqual([70, 105])
  })

  it('never goes back: set back, it stands until it is reached again; the epoch does go back', () => {
    const time = new VirtualTime()
    const clock = new VirtualClock(time, { epochMs: 1000 })
    time.runUntil(50_000)
    clock.jump(-20)
    const seen: number[] = []
    clock.setAlarm(5, () => seen.push(time.nowMs))
    const readings = [0, 10, 20, 30].map((ms) => {
      time.runUntil(50_000 + ms * 1000)
      return [clock.now(), clock.epochMs()]
    })
    expect(readings).toEqual([
      [50, 1030],
      [50, 1040],
      [50, 1050],
      [60, 1060],
    ])
    expect(seen).toEqual([75])
  })

  it('moves no alarm when only the wall clock jumps', () => {
    const time = new VirtualTime()
    const clock = new VirtualClock(time, { epochMs: 0 })
    const seen: number[] = []
    clock.setAlarm(10, () => seen.push(clock.epochMs()))
    clock.jumpWall(5000)
    time.runUntil(10_000)
    expect([seen, clock.now()]).toEqual([[5010], 10])
  })

  it('is monotonic and never early under any drift and jumps, and punctual under drift alone (invariant)', () => {
    const act = fc.oneof(
      fc.record({ rate: fc.double({ min: 0.001, max: 1000, noNaN: true }) }),
      fc.record({ jump: fc.integer({ min: -50, max: 50 }) }),
      fc.record({ wait: fc.nat(20_000) }),
      fc.record({ alarm: fc.double({ min: 0, max: 30, noNaN: true }) }),
    )
    fc.assert(
      fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
        const time = new VirtualTime()
        const clock = new VirtualClock(time)
        let last = 0
        let isSteady = true // no jump so far
        let fastest = 1
        const look = () => {
          const now = clock.now()
          expect(now).toBeGreaterThanOrEqual(last)
          last = now
          return now
        }
        for (const step of acts) {
          if ('rate' in step) {
            clock.setRate(step.rate)
            fastest = Math.max(fastest, step.rate)
          } else if ('jump' in step) {
            clock.jump(step.jump)
            isSteady = false
          } else if ('wait' in step) time.runUntil(time.nowUs + step.wait)
          else {
            const deadline = look() + step.alarm
            clock.setAlarm(step.alarm, () => {
              const now = look()
              expect(now).toBeGreaterThanOrEqual(deadline - 0.000_002)
              // Late by one true microsecond at most: the grain of the simulation.
              if (isSteady) expect(now - deadline).toBeLessThanOrEqual((2 * fastest) / 1000)
            })
          }
          look()
        }
        time.runUntil(time.nowUs + 3_600_000_000)
      }),
      { numRuns: 300 },
    )
  })

  it('gives the same readings on every machine', () => {
    const time = new VirtualTime()
    const clock = new VirtualClock(time, { rate: 1.000_123 })
    time.runUntil(86_400_000_000_000) // 1000 days
    expect(clock.now()).toBe(86_410_627_200)
  })

  it.each([-0.1, 1001, Number.NaN])('refuses a rate of %s', (rate) => {
    expect(() => new VirtualClock(new VirtualTime(), { rate })).toThrow('rate: expected a number from 0 to 1000')
  })
})
