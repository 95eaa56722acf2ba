import { describe, expect, it } from 'vitest'
import { ChaosRecord } from '../../cli/chaos-record.ts'
import type { Said } from '../../cli/chaos-words.ts'

const once = 'once.0.c0.1'
const put: Said = { kind: 'call', number: 1, client: 'c0', input: { op: 'put', key: once, value: 7 } }
const acknowledged: Said = { kind: 'answer', number: 1, output: 'ok' }
const get: Said = { kind: 'call', number: 2, client: 'end', input: { op: 'get', key: once } }
const fault: Said = { kind: 'fault', fault: 'killed', replica: 'r1' }

/** A run of one write, of which the end reads `value`. */
function runThatEndsWith(value: number | null): ChaosRecord {
  const record = new ChaosRecord()
  for (const said of [put, acknowledged, fault]) record.heard(said, 100)
  record.readingBegins()
  record.heard(get, 200)
  record.heard({ kind: 'answer', number: 2, output: value }, 201)
  return record
}

describe('the record of a chaos run', () => {
  it('is content when what was acknowledged is read at the end', () => {
    expect(runThatEndsWith(7).problems()).toEqual([])
  })

  it('names an acknowledged write that is gone, and the history that it breaks', () => {
    const problems = runThatEndsWith(null).problems()
    expect(problems[0]).toBe(`an acknowledged write is lost: ${once} was 7, and is null`)
    expect(problems[1]).toMatch(/not linearizable: key once\.0\.c0\.1, no place for end get = null/)
  })

  it('is not content with a run that shows nothing', () => {
    expect(new ChaosRecord().problems()).toEqual([
      'no write was acknowledged: nothing was shown',
      'nothing was broken: nothing was shown',
    ])
  })

  it('leaves a write open that was never answered', () => {
    const record = new ChaosRecord()
    record.heard(put, 0)
    expect(record.figures()).toMatchObject({ operations: 1, acknowledged: 0, unknown: 1 })
  })

  it('counts time with progress, the longest gap, and leaders by their terms', () => {
    const record = new ChaosRecord()
    record.roundBegins()
    for (const [number, atMs] of [0, 50, 450].entries()) {
      record.heard({ kind: 'call', number, client: 'c0', input: { op: 'put', key: 'k', value: number } }, atMs)
      record.heard({ kind: 'answer', number, output: 'ok' }, atMs)
    }
    record.heard({ kind: 'leader', leader: 'r1', term: 2 }, 460)
    record.heard({ kind: 'leader', leader: 'r1', term: 2 }, 461)
    record.roundEnds(500)
    expect(record.figures()).toMatchObject({ available: 0.4, longestGapMs: 400, failovers: 1 })
  })
})
