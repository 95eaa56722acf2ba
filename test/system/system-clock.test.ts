import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/system/index.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('an alarm never fires before its delay has passed', async () => {
  const earliness = await Promise.all(
    Array.from({ length: 200 }, (_, at) => {
      const delayMs = (at % 40) * 0.37
      const setAt = systemClock.now()
      return new Promise<number>((settle) => {
        systemClock.setAlarm(delayMs, () => settle(systemClock.now() - setAt - delayMs))
      })
    }),
  )
  expect(Math.min(...earliness)).toBeGreaterThanOrEqual(0)
})

test('an alarm fires once, and a cancelled one never', async () => {
  let fired = 0
  const cancelled = systemClock.setAlarm(1, () => {
    fired += 100
  })
  cancelled.cancel()
  cancelled.cancel()
  await new Promise<void>((settle) => {
    const alarm = systemClock.setAlarm(5, () => {
      fired += 1
      alarm.cancel()
      systemClock.setAlarm(5, settle)
    })
  })
  expect(fired).toBe(1)
})

test('an alarm beyond 2^31 ms waits its time', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  let fired = false
  systemClock.setAlarm(3 * 2 ** 31, () => {
    fired = true
  })
  vi.advanceTimersByTime(3 * 2 ** 31 - 10)
  expect(fired).toBe(false)
  vi.advanceTimersByTime(20)
  expect(fired).toBe(true)
})

test('the two clocks read what they say', () => {
  const before = systemClock.now()
  expect(systemClock.now()).toBeGreaterThanOrEqual(before)
  expect(Math.abs(systemClock.epochMs() - Date.now())).toBeLessThan(1000)
})
