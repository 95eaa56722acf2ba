import { describe, expect, it } from 'vitest'
import { checkLinearizability, drawHistory, registerMap } from '../../src/simulation/index.ts'
import { get, put, type RegisterOperation, recordTraffic, span } from './histories.ts'

const stale = [
  span('c1', 1, 2, put('<new> & "shiny"')),
  span('c2', 3, 6, put('other')),
  span('c3', 4, 5, get(), null),
  span('c1', 7, Number.POSITIVE_INFINITY, put('late')),
]

function conflictOf(history: readonly RegisterOperation[]) {
  const verdict = checkLinearizability(history, registerMap)
  if (verdict.verdict !== 'illegal') throw new Error('expected an illegal history')
  return verdict.conflict
}

/** Every tag closed, in order; no bare ampersand or angle bracket: what a strict XML reader would ask. */
function expectWellFormed(svg: string): void {
  const open: string[] = []
  for (const [, close, name, selfClosing] of svg.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
    if (close === '/') expect(open.pop()).toBe(name)
    else if (selfClosing !== '/') open.push(name ?? '')
  }
  expect(open).toEqual([])
  expect(svg.replace(/<[^<>]*>/g, '')).not.toMatch(/[<>]|&(?!amp;|lt;|gt;|quot;)/)
}

describe('drawHistory', () => {
  it('draws one bar per operation, marks the conflict, and says what could not be placed', () => {
    const svg = drawHistory(conflictOf(stale), { title: 'seed 7' })
    expectWellFormed(svg)
    expect(svg.match(/<g class=/g)).toHaveLength(4)
    expect(svg).toMatch(/class="blocked"><title>c3: /)
    expect(svg).toMatch(/class="open unknown"><title>c1: .* \[7 – \?\]/)
    expect(svg).toContain('seed 7')
    expect(svg).toContain('one of the red operations had to come next')
  })

  it('draws at most as many operations as asked for, around the conflict', () => {
    const history = recordTraffic({ seed: 5, operations: 400, clients: 6, keys: 2, unknownPercent: 5, staleRead: true })
    const svg = drawHistory(conflictOf(history), { limit: 12, describe: (operation) => operation.input.op })
    expectWellFormed(svg)
    expect(svg.match(/<g class=/g)).toHaveLength(12)
    expect(svg).toContain('class="blocked"')
    expect(svg).toMatch(/\(12 of \d+ operations\)/)
  })

  it('gives the same text for the same history', () => {
    expect(drawHistory(conflictOf(stale))).toBe(drawHistory(conflictOf(stale)))
  })

  it('draws a bare list of operations, and none at all', () => {
    expectWellFormed(drawHistory({ operations: stale }))
    expectWellFormed(drawHistory({ operations: [] }))
    expect(() => drawHistory({ operations: [] }, { limit: 0 })).toThrow('limit')
  })
})
