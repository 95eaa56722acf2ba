import { describe, expect, it } from 'vitest'
import type { Contender, Goal, Reading, Result, Room, RowSpec } from '../../bench/harness/room.ts'
import { dearer, percentile, rate, value } from '../../bench/harness/room.ts'
import { figure, rowOf } from '../../bench/harness/rows.ts'

const contender = (name: string): Contender => ({
  name,
  lacks: {},
  probe: async () => ({ version: '1' }),
  command: () => ({ file: 'true', args: [] }),
})
const room: Room = { name: 'r', contenders: [contender('ours'), contender('peer')], workloads: [], rows: [] }
const row = (goal: Goal | undefined, better: 'higher' | 'lower' = 'higher'): RowSpec => ({
  name: 'w',
  about: '',
  unit: 'ops/s',
  better,
  reading: rate('w'),
  ...(goal && { goal }),
})
const elapsed = (perSecond: number): Result => ({ completed: perSecond, elapsedNs: 1e9 })
const rounds = (ours: readonly number[], peer: readonly number[]) =>
  new Map([
    ['ours', ours.map((it) => new Map([['w', elapsed(it)]]))],
    ['peer', peer.map((it) => new Map([['w', elapsed(it)]]))],
  ])
const twice: Goal = { text: '≥ 2 × peer', peer: 'peer', factor: 2 }
const readOne = (reading: Reading, result: Result) => reading.of(new Map([['w', result]]))

describe('a figure', () => {
  it('is the median of the rounds with the lowest and the highest', () => {
    expect(figure([5, 1, 3])).toEqual({ median: 3, low: 1, high: 5, rounds: 3 })
    expect(figure([4, 1, 2, 3])?.median).toBe(2.5)
  })

  it('is absent without rounds', () => {
    expect(figure([])).toBeNull()
  })
})

describe('a row', () => {
  it('holds our median against the goal made of the peer’s median', () => {
    const made = rowOf(room, row(twice), rounds([100, 300, 200], [100, 90, 110]))
    expect(made).toMatchObject({ ours: 200, peers: { peer: 100 }, goal: { value: 200 }, ratio: 2, met: true })
    expect(made.spread).toEqual({ ours: [100, 300], peer: [90, 110] })
  })

  it('is unmet just short of its goal', () => {
    expect(rowOf(room, row(twice), rounds([199], [100]))).toMatchObject({ ratio: 1.99, met: false })
  })

  it('is met from below where lower is better', () => {
    const limit: Goal = { text: '≤ 5', limit: 5 }
    expect(rowOf(room, row(limit, 'lower'), rounds([4], [9]))).toMatchObject({ ratio: 0.8, met: true })
    expect(rowOf(room, row(limit, 'lower'), rounds([6], [9]))).toMatchObject({ ratio: 1.2, met: false })
  })

  it('invents nothing for an absent peer', () => {
    const made = rowOf(room, row(twice), rounds([100], []))
    expect(made).toMatchObject({ peers: { peer: null }, goal: { value: null }, ratio: null, met: null })
  })

  it('invents nothing when we are absent', () => {
    expect(rowOf(room, row(twice), rounds([], [100]))).toMatchObject({ ours: null, ratio: null, met: null })
  })

  it('is neither met nor unmet without a goal', () => {
    expect(rowOf(room, row(undefined), rounds([1], [1]))).toMatchObject({ goal: null, ratio: null, met: null })
  })
})

describe('a reading', () => {
  it('is a rate per second over all the time taken', () => {
    expect(readOne(rate('w'), { completed: 500, elapsedNs: 250e6 })).toBe(2000)
  })

  it('is a percentile in microseconds', () => {
    const latenciesNs = Array.from({ length: 1000 }, (_, i) => (i + 1) * 1000)
    expect(readOne(percentile('w', 50), { completed: 1000, latenciesNs })).toBeCloseTo(500, 0)
    expect(readOne(percentile('w', 99), { completed: 1000, latenciesNs })).toBeCloseTo(990, 0)
  })

  it('says how many times dearer one workload is than another', () => {
    const results = new Map([
      ['big', elapsed(100)],
      ['small', elapsed(250)],
    ])
    expect(dearer('big', 'small').of(results)).toBe(2.5)
  })

  it('is absent when the workload was not run or yields another kind of result', () => {
    expect(value('x').of(new Map())).toBeUndefined()
    expect(readOne(value('w'), elapsed(1))).toBeUndefined()
    expect(dearer('w', 'x').of(new Map([['w', elapsed(1)]]))).toBeUndefined()
  })
})
