// The log in memory, against an array that keeps everything.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RaftAssertionError } from '../../../../actors/raft/core/assert.ts'
import type { Entry } from '../../../../actors/raft/core/entry.ts'
import { RaftLog } from '../../../../actors/raft/core/raft-log.ts'
import { entry } from './lone-core.ts'

/** All entries ever, by index, and what may be in memory. */
class Model {
  entries: Entry[] = []
  base = { index: 0, term: 0 }

  get last() {
    return this.entries.at(-1) ?? this.base
  }

  termAt(index: number): number | undefined {
    return index === this.base.index ? this.base.term : this.entries.find((own) => own.index === index)?.term
  }

  lastAtMost(index: number, term: number) {
    const found = this.entries.findLast((own) => own.index <= index && own.term <= term)
    if (found !== undefined) return { index: found.index, term: found.term }
    return this.base.index <= index && this.base.term <= term ? this.base : undefined
  }
}

const operations = fc.array(
  fc.oneof(
    fc.record({ op: fc.constant('append' as const), count: fc.integer({ min: 1, max: 5 }), up: fc.boolean() }),
    fc.record({ op: fc.constant('truncate' as const), back: fc.integer({ min: 0, max: 6 }) }),
    fc.record({ op: fc.constant('compact' as const), share: fc.integer({ min: 0, max: 100 }) }),
    fc.record({ op: fc.constant('evict' as const), back: fc.integer({ min: 0, max: 6 }) }),
    fc.record({ op: fc.constant('reset' as const), ahead: fc.integer({ min: 0, max: 3 }) }),
  ),
  { maxLength: 40 },
)

type Step = typeof operations extends fc.Arbitrary<(infer S)[]> ? S : never

describe('the log', () => {
  it('is the array, except for what it may forget', () => {
    fc.assert(
      fc.property(operations, (steps) => {
        const model = new Model()
        let log = new RaftLog(model.base, 200)
        for (const step of steps) {
          run(step, model, log)
          compare(model, log)
          log = log.clone()
        }
      }),
      { numRuns: 150 },
    )
  })

  function run(step: Step, model: Model, log: RaftLog): void {
    const { last } = model
    if (step.op === 'append') {
      const term = last.term + (step.up ? 1 : 0)
      for (let i = 1; i <= step.count; i += 1) {
        model.entries.push(entry(last.index + i, term))
        log.append(entry(last.index + i, term))
      }
    } else if (step.op === 'truncate') {
      const from = Math.max(model.base.index + 1, last.index + 1 - step.back)
      model.entries = model.entries.filter(({ index }) => index < from)
      log.truncateFrom(from)
    } else if (step.op === 'compact') {
      const through = model.base.index + Math.floor((model.entries.length * step.share) / 100)
      model.base = { index: through, term: model.termAt(through) ?? 0 }
      model.entries = model.entries.filter(({ index }) => index > through)
      log.compact(through)
    } else if (step.op === 'evict') {
      const through = last.index - step.back
      const before = log.cachedFrom
      log.evict(through)
      expect(log.cachedFrom).toBeLessThanOrEqual(Math.max(before, through + 1))
      expect(log.cachedBytes <= 200 || log.cachedFrom > through).toBe(true)
    } else {
      model.base = { index: last.index + step.ahead, term: last.term + 1 }
      model.entries = []
      log.reset(model.base)
    }
  }

  function compare(model: Model, log: RaftLog): void {
    const { index, term } = model.last
    expect(log.last).toEqual({ index, term })
    expect([log.lastIndex, log.lastTerm, log.base, log.firstIndex]).toEqual([
      index,
      term,
      model.base,
      model.base.index + 1,
    ])
    let cached = 0
    for (let at = model.base.index - 2; at <= index + 2; at += 1) {
      expect(log.termAt(at)).toBe(model.termAt(at))
      const own = model.entries.find((known) => known.index === at)
      expect(log.entryAt(at)).toEqual(at >= log.cachedFrom ? own : undefined)
      if (own !== undefined && at >= log.cachedFrom) cached += own.bytes.length
      for (let atMost = 0; atMost <= term + 1; atMost += 1) {
        expect(log.lastAtMost(at, atMost)).toEqual(model.lastAtMost(at, atMost))
      }
    }
    expect(log.cachedBytes).toBe(cached)
    const all = log.slice(log.cachedFrom, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
    expect(all).toEqual(model.entries.filter((own) => own.index >= log.cachedFrom))
  }

  it('gives entries up to a number and, beyond one, up to so many bytes', () => {
    const log = new RaftLog({ index: 0, term: 0 }, 10_000)
    for (let index = 1; index <= 5; index += 1) log.append(entry(index, 1, 'xxxx'))
    const size = entry(1, 1, 'xxxx').bytes.length
    const indexes = (list: Entry[] | undefined) => list?.map(({ index }) => index)
    expect(indexes(log.slice(2, 2, 1000))).toEqual([2, 3])
    expect(indexes(log.slice(2, 9, size * 2))).toEqual([2, 3])
    expect(indexes(log.slice(2, 9, size * 3 - 1))).toEqual([2, 3])
    expect(indexes(log.slice(2, 9, 1))).toEqual([2])
    expect(indexes(log.slice(6, 9, 1000))).toEqual([])
  })

  it('says that it has forgotten what it has', () => {
    const log = new RaftLog({ index: 0, term: 0 }, 1)
    log.append(entry(1, 1))
    log.append(entry(2, 1))
    log.evict(1)
    expect(log.slice(1, 9, 1000)).toBeUndefined()
    expect(log.slice(2, 9, 1000)).toHaveLength(1)
    expect(log.termAt(1)).toBe(1)
  })

  it('breaks rather than hold a gap, a falling term, or no base', () => {
    const log = new RaftLog({ index: 4, term: 2 }, 1000)
    log.append(entry(5, 2))
    expect(() => log.append(entry(7, 2))).toThrow(RaftAssertionError)
    expect(() => log.append(entry(6, 1))).toThrow(RaftAssertionError)
    expect(() => log.truncateFrom(4)).toThrow(RaftAssertionError)
    expect(() => log.compact(6)).toThrow(RaftAssertionError)
    expect(() => log.compact(3)).toThrow('what is compacted is in the log: 3')
    expect(log.last).toEqual({ index: 5, term: 2 })
  })
})
