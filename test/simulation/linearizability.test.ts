import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkLinearizability, type Operation, registerMap, type SequentialSpec } from '../../src/simulation/index.ts'
import { cas, get, put, type RegisterOperation, recordTraffic, span } from './histories.ts'

const never = Number.POSITIVE_INFINITY
const verdictOf = (history: readonly RegisterOperation[]) => checkLinearizability(history, registerMap).verdict

const legal: readonly (readonly [string, readonly RegisterOperation[]])[] = [
  ['nothing at all', []],
  ['a read of a key never written', [span('a', 1, 2, get(), null)]],
  ['a write, then a read of it', [span('a', 1, 2, put(1)), span('b', 3, 4, get(), 1)]],
  [
    'two concurrent writes, read in either order',
    [span('a', 1, 5, put(1)), span('b', 2, 4, put(2)), span('c', 6, 7, get(), 1)],
  ],
  ['a read concurrent with a write that sees the old value', [span('a', 1, 4, put(1)), span('b', 2, 3, get(), null)]],
  ['a read concurrent with a write that sees the new value', [span('a', 1, 4, put(1)), span('b', 2, 3, get(), 1)]],
  ['operations that touch in one instant count as concurrent', [span('a', 1, 2, put(1)), span('b', 2, 3, get(), null)]],
  [
    'a compare-and-set that wins, and one that then loses',
    [span('a', 1, 2, cas(null, 1)), span('b', 3, 4, cas(null, 2), false)].map(won),
  ],
  [
    'an unknown write that is read much later',
    [span('a', 1, never, put(1)), span('b', 2, 3, get(), null), span('b', 4, 5, get(), 1)],
  ],
  ['an unknown write that nobody ever sees', [span('a', 1, never, put(1)), span('b', 2, 3, get(), null)]],
  [
    'two unknown writes of which one needs the other',
    [span('a', 1, never, cas(1, 2)), span('b', 2, never, put(1)), span('c', 3, 4, get(), 2)],
  ],
  ['keys that are independent', [span('a', 1, 2, put(1, 'x')), span('b', 3, 4, get('y'), null)]],
]

const illegal: readonly (readonly [string, readonly RegisterOperation[]])[] = [
  ['a stale read', [span('a', 1, 2, put(1)), span('b', 3, 4, get(), null)]],
  ['a read from the future', [span('b', 1, 2, get(), 1), span('a', 3, 4, put(1))]],
  ['a value nobody wrote', [span('a', 1, 2, put(1)), span('b', 3, 4, get(), 7)]],
  [
    'two reads that disagree on the order of two writes',
    [
      ...[span('a', 1, 9, put(1)), span('b', 1, 9, put(2))],
      ...[span('c', 2, 3, get(), 1), span('c', 4, 5, get(), 2), span('c', 6, 7, get(), 1)],
    ],
  ],
  ['a lost update: both compare-and-sets win', [span('a', 1, 4, cas(null, 1)), span('b', 2, 3, cas(null, 2))].map(won)],
  [
    'an unknown write that takes effect twice',
    [span('a', 1, never, put(1)), ...[span('b', 2, 3, get(), 1), span('b', 4, 5, put(2)), span('b', 6, 7, get(), 1)]],
  ],
  ['an unknown write seen before it was called', [span('b', 1, 2, get(), 1), span('a', 3, never, put(1))]],
]

function won(operation: RegisterOperation): RegisterOperation {
  const { answer } = operation
  return answer?.output === 'ok' ? { ...operation, answer: { ...answer, output: true } } : operation
}

/** Tries every subset of the unknown operations in every order: right by inspection, and hopeless beyond seven. */
function bruteForce(history: readonly RegisterOperation[]): boolean {
  const search = (
    left: readonly RegisterOperation[],
    value: ReturnType<typeof registerMap.apply>['state'],
  ): boolean => {
    if (left.every((operation) => operation.answer === undefined)) return true
    return left.some((operation) => {
      if (left.some((other) => other.answer !== undefined && other.answer.at < operation.called)) return false
      const due = registerMap.apply(value, operation.input)
      if (operation.answer !== undefined && operation.answer.output !== due.output) return false
      return search(
        left.filter((other) => other !== operation),
        due.state,
      )
    })
  }
  return search(history, registerMap.initial)
}

const value = fc.integer({ min: 0, max: 2 })
const smallOperation: fc.Arbitrary<RegisterOperation> = fc
  .record({
    called: fc.integer({ min: 0, max: 12 }),
    lasts: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 0, max: 6 }) },
      { weight: 1, arbitrary: fc.constant(never) },
    ),
    step: fc.oneof(
      fc.record({ input: value.map((v) => put(v)), output: fc.constant('ok' as const) }),
      fc.record({ input: fc.constant(get()), output: fc.option(value) }),
      fc.record({ input: fc.tuple(fc.option(value), value).map(([e, v]) => cas(e, v)), output: fc.boolean() }),
    ),
  })
  .map(({ called, lasts, step }) => span('c', called, called + lasts, step.input, step.output))

describe('checkLinearizability', () => {
  it.each(legal)('accepts %s', (_what, history) => {
    expect(verdictOf(history)).toBe('linearizable')
    expect(bruteForce(history.filter((operation) => operation.input.key === 'k'))).toBe(true)
  })

  it.each(illegal)('refuses %s', (_what, history) => {
    expect(verdictOf(history)).toBe('illegal')
    expect(bruteForce(history)).toBe(false)
  })

  it('agrees with a brute-force checker on small histories (model equivalence)', () => {
    const seen = { linearizable: 0, illegal: 0, unknown: 0 }
    fc.assert(
      fc.property(fc.array(smallOperation, { minLength: 1, maxLength: 6 }), (history) => {
        const verdict = verdictOf(history)
        seen[verdict]++
        expect(verdict).toBe(bruteForce(history) ? 'linearizable' : 'illegal')
      }),
      { numRuns: 3000, seed: 1 },
    )
    // The comparison means something only if both answers are common.
    expect(Math.min(seen.linearizable, seen.illegal)).toBeGreaterThan(300)
  })

  it('comes to the same verdict without the shortcut for reads', () => {
    const { isRead: _, ...plain } = registerMap
    fc.assert(
      fc.property(fc.array(smallOperation, { minLength: 1, maxLength: 8 }), (history) => {
        expect(checkLinearizability(history, plain).verdict).toBe(verdictOf(history))
      }),
      { numRuns: 1000, seed: 2 },
    )
  })

  it('accepts what a correct register map answers, unknown outcomes included (soundness)', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(0, 5, 20), (seed, unknownPercent) => {
        const history = recordTraffic({ seed, operations: 200, clients: 6, keys: 2, unknownPercent })
        expect(verdictOf(history)).toBe('linearizable')
      }),
      { numRuns: 100 },
    )
  })

  it('finds one stale read among thousands of operations, and says which', () => {
    const history = recordTraffic({
      seed: 5,
      operations: 4000,
      clients: 10,
      keys: 8,
      unknownPercent: 5,
      staleRead: true,
    })
    const verdict = checkLinearizability(history, registerMap)
    if (verdict.verdict !== 'illegal') throw new Error(`expected illegal, got ${verdict.verdict}`)
    const { blocked, linearized, partition, state } = verdict.conflict
    expect(blocked[0]?.answer?.output).toBe(null)
    expect(blocked.every((operation) => operation.input.key === partition)).toBe(true)
    expect(state).not.toBe(null)
    expect(linearized.length).toBeGreaterThan(100)
  })

  it.each([0, 5])(
    'judges 10 000 operations over 20 keys within a second, %i in a hundred unknown',
    (unknownPercent) => {
      const history = recordTraffic({ seed: 11, operations: 10_000, clients: 25, keys: 20, unknownPercent })
      expect(history.length).toBe(10_000)
      // The best of a few runs: a loaded machine says nothing about the search.
      let best = Number.POSITIVE_INFINITY
      for (let run = 0; run < 5 && best >= 1000; run++) {
        const began = performance.now()
        const verdict = checkLinearizability(history, registerMap)
        best = Math.min(best, performance.now() - began)
        expect(verdict.verdict).toBe('linearizable')
        expect(verdict.steps).toBeLessThan(100_000)
      }
      expect(best).toBeLessThan(1000)
    },
  )

  it('answers unknown instead of hanging, and names the partition it gave up', () => {
    // Which of twenty concurrent increments came first is a matter of 20! orders; the state tells every one apart.
    const append: SequentialSpec<string, string, string> = {
      initial: '',
      apply: (state, letter) => ({ state: state + letter, output: 'ok' }),
      partition: () => 'the text',
    }
    const letters = [...'abcdefghijklmnopqrst']
    const history: Operation<string, string>[] = letters.map((letter, i) => ({
      client: letter,
      input: letter,
      called: i,
      answer: { at: 100 + i, output: i === 19 ? 'wrong' : 'ok' },
    }))
    const verdict = checkLinearizability(history, append, { maxSteps: 20_000 })
    expect(verdict).toMatchObject({ verdict: 'unknown', partition: 'the text' })
  })

  it('lets an illegal partition outweigh one it gave up', () => {
    const hard = Array.from({ length: 12 }, (_, i) => span(`c${i}`, i, 100, cas(i, i + 1, 'hard'), true))
    const history = [...hard, span('a', 1, 2, put(1, 'easy')), span('a', 3, 4, get('easy'), 2)]
    expect(checkLinearizability(history, registerMap, { maxSteps: 5 })).toMatchObject({
      verdict: 'illegal',
      conflict: { partition: 'easy' },
    })
  })

  it('refuses a bound of nothing, and an answer before its call', () => {
    expect(() => checkLinearizability([], registerMap, { maxSteps: 0 })).toThrow('maxSteps')
    expect(() => verdictOf([span('a', 2, 1, put(1))])).toThrow('answer.at')
  })
})
