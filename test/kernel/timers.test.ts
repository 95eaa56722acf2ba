import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_DELAY_MS, Once, Timer, TimerWheel } from '../../src/kernel/timers.ts'
import { ManualClock, ManualTurns } from './manual-time.ts'

interface Fired {
  readonly id: number
  readonly at: number
}

class Probe extends Timer {
  readonly id: number
  readonly #clock: ManualClock
  readonly #log: Fired[]

  constructor(id: number, clock: ManualClock, log: Fired[]) {
    super()
    this.id = id
    this.#clock = clock
    this.#log = log
  }

  override expire(): void {
    this.#log.push({ id: this.id, at: this.#clock.now() })
  }
}

const edges = [256, 2 ** 14, 2 ** 20, 2 ** 26].flatMap((edge) => [edge - 1, edge, edge + 1])
const delays = fc.oneof(
  fc.nat(600),
  fc.nat(70_000),
  fc.constantFrom(0, 1, 255, ...edges, 2 ** 32 - 2, MAX_DELAY_MS),
  fc.integer({ min: 2 ** 26, max: MAX_DELAY_MS }),
  fc.nat(2000).map((tenths) => tenths / 10),
)
const steps = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('set' as const), ms: delays }), weight: 5 },
  { arbitrary: fc.record({ kind: fc.constant('cancel' as const), pick: fc.nat() }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: delays }), weight: 4 },
  { arbitrary: fc.record({ kind: fc.constant('stall' as const), ms: fc.nat(3000) }), weight: 1 },
)
type Program = readonly (typeof steps extends fc.Arbitrary<infer S> ? S : never)[]

interface Model {
  readonly id: number
  readonly dueAt: number
  /** A timer fires in a tick, and never in the one in which it was set. */
  readonly lastTick: number
  readonly timer: Timer
}

/** Runs a program on a wheel and on a sorted list of deadlines, and compares after each step. */
function runProgram(program: Program, origin: number, Wheel: typeof TimerWheel): void {
  const clock = new ManualClock(origin)
  const turns = new ManualTurns()
  const wheel = new Wheel(clock, turns)
  const log: Fired[] = []
  let waiting: Model[] = []
  let ids = 0
  for (const step of program) {
    if (step.kind === 'set') {
      const timer = new Probe(ids++, clock, log)
      wheel.set(timer, step.ms)
      const dueAt = clock.now() + step.ms
      const lastTick = Math.max(Math.ceil(dueAt), Math.floor(clock.now()) + 1)
      waiting.push({ id: timer.id, dueAt, lastTick, timer })
    } else if (step.kind === 'cancel') {
      const [gone] = waiting.splice(step.pick % Math.max(1, waiting.length), 1)
      if (gone !== undefined) wheel.cancel(gone.timer)
      turns.runLater()
    } else {
      const before = log.length
      clock[step.kind](step.ms)
      const fired = log.slice(before)
      const due = waiting.filter(({ id, lastTick }) => lastTick <= clock.now() || fired.some((f) => f.id === id))
      waiting = waiting.filter((entry) => !due.includes(entry))
      due.sort((a, b) => a.timer.deadline - b.timer.deadline || a.id - b.id)
      expect(fired.map(({ id }) => id)).toEqual(due.map(({ id }) => id))
      for (const [i, { at }] of fired.entries()) {
        const { dueAt = Number.NaN, lastTick = Number.NaN } = due[i] ?? {}
        expect(at, 'a timer is never early').toBeGreaterThanOrEqual(dueAt)
        if (step.kind === 'advance') expect(at, 'a timer is on time').toBeLessThanOrEqual(lastTick)
      }
    }
    expect(wheel.size).toBe(waiting.length)
    expect(clock.alarms, 'at most one alarm').toBeLessThanOrEqual(1)
    if (waiting.length > 0) expect(clock.alarms).toBe(1)
  }
  for (const { timer } of waiting) wheel.cancel(timer)
  clock.advance(10)
  expect(clock.alarms, 'no alarm without a timer, 10 ms after the last').toBe(0)
}

const programs = fc.array(steps, { maxLength: 40 })
const origins = fc.constantFrom(0, 0.25, 250, 255.999, 2 ** 20 - 3, 2 ** 31 - 7, 2 ** 32 - 1.5, 2 ** 40)

describe('the timer wheel', () => {
  test('model: it fires what a sorted list of deadlines would, in that order, never early, with at most one alarm', () => {
    fc.assert(
      fc.property(programs, origins, (program, origin) => runProgram(program, origin, TimerWheel)),
      { numRuns: 300 },
    )
  })

  test('the model sees a wheel that rounds down', () => {
    class Early extends TimerWheel {
      override set(timer: Timer, delayMs: number): void {
        super.set(timer, Math.max(0, delayMs - 1))
      }
    }
    const early = fc.property(programs, origins, (program, origin) => runProgram(program, origin, Early))
    const check = fc.check(early, { seed: 1 })
    expect(check.failed).toBe(true)
  })

  test('timers of one tick fire in the order in which they were set, also from different levels', () => {
    const clock = new ManualClock()
    const wheel = new TimerWheel(clock, new ManualTurns())
    const log: Fired[] = []
    wheel.set(new Probe(1, clock, log), 2 ** 20)
    clock.advance(2 ** 20 - 2 ** 14)
    wheel.set(new Probe(2, clock, log), 2 ** 14)
    clock.advance(2 ** 14 - 300)
    wheel.set(new Probe(3, clock, log), 300)
    clock.advance(200)
    wheel.set(new Probe(4, clock, log), 100)
    clock.advance(100)
    expect(log).toEqual([1, 2, 3, 4].map((id) => ({ id, at: 2 ** 20 })))
  })

  test('a timer set long before fires ahead of one set for the same tick when its level was already the nearest', () => {
    const clock = new ManualClock()
    const wheel = new TimerWheel(clock, new ManualTurns())
    const log: Fired[] = []
    wheel.set(new Probe(1, clock, log), 300)
    wheel.set(new Probe(2, clock, log), 200)
    clock.advance(200)
    wheel.set(new Probe(3, clock, log), 100)
    clock.advance(100)
    expect(log.map(({ id, at }) => [id, at])).toEqual([
      [2, 200],
      [1, 300],
      [3, 300],
    ])
  })

  test('a timer that fires can cancel another of the same tick', () => {
    const clock = new ManualClock()
    const wheel = new TimerWheel(clock, new ManualTurns())
    const log: Fired[] = []
    const second = new Probe(2, clock, log)
    wheel.set(new Once(() => wheel.cancel(second)), 10)
    wheel.set(second, 10)
    wheel.set(new Probe(3, clock, log), 10)
    clock.advance(20)
    expect(log.map(({ id }) => id)).toEqual([3])
    expect(wheel.size).toBe(0)
  })

  test('a timer that fires can set another, which fires in a later tick', () => {
    const clock = new ManualClock()
    const wheel = new TimerWheel(clock, new ManualTurns())
    const log: Fired[] = []
    wheel.set(new Once(() => wheel.set(new Probe(1, clock, log), 0)), 10)
    clock.advance(10)
    expect(log).toEqual([])
    clock.advance(1)
    expect(log).toEqual([{ id: 1, at: 11 }])
  })

  test('a run of calls with time-outs costs two alarms in 10 ms, not one a call', () => {
    const clock = new ManualClock()
    const wheel = new TimerWheel(clock, new ManualTurns())
    for (let i = 0; i < 1000; i++) {
      const timer = new Once(() => {})
      wheel.set(timer, 5000)
      clock.advance(0.03)
      wheel.cancel(timer)
    }
    expect(clock.alarmsSet).toBeLessThanOrEqual(8)
    clock.advance(10)
    expect(clock.alarms).toBe(0)
  })

  test('timers of one turn are placed at its end, or once what runs has ended if one of them asks for that', () => {
    const clock = new ManualClock()
    const turns = new ManualTurns()
    const wheel = new TimerWheel(clock, turns)
    const log: Fired[] = []
    wheel.setAtTurnsEnd(new Probe(1, clock, log), 5)
    turns.runSoon()
    expect(clock.alarms).toBe(0)
    wheel.setSoon(new Probe(2, clock, log), 5)
    expect(clock.alarms).toBe(0)
    turns.runSoon()
    expect([clock.alarms, wheel.size]).toEqual([1, 2])
    clock.advance(5)
    expect(log).toEqual([
      { id: 1, at: 5 },
      { id: 2, at: 5 },
    ])
  })

  test('close cancels everything and lets go of the alarm', () => {
    const clock = new ManualClock()
    const wheel = new TimerWheel(clock, new ManualTurns())
    const log: Fired[] = []
    for (const ms of [1, 300, 2 ** 15, 2 ** 21, 2 ** 27]) wheel.set(new Probe(ms, clock, log), ms)
    wheel.close()
    expect([wheel.size, clock.alarms]).toEqual([0, 0])
    clock.advance(MAX_DELAY_MS)
    expect(log).toEqual([])
  })

  test.each([-1, Number.NaN, MAX_DELAY_MS + 1, Number.POSITIVE_INFINITY])('%d is no delay', (ms) => {
    const wheel = new TimerWheel(new ManualClock(), new ManualTurns())
    expect(() => wheel.set(new Once(() => {}), ms)).toThrow(/delayMs: expected a number of milliseconds from 0 to/)
    expect(wheel.size).toBe(0)
  })
})
