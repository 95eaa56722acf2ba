import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventQueue, type QueuedEvent } from '../../src/simulation/index.ts'

describe('EventQueue', () => {
  it('gives events by instant, and events of one instant in order of insertion', () => {
    const queue = new EventQueue<string>()
    for (const [at, item] of [
      [2, 'c'],
      [1, 'a'],
      [2, 'd'],
      [1, 'b'],
    ] as const)
      queue.add(at, item)
    expect([1, 2, 3, 4].map(() => queue.take()?.item)).toEqual(['a', 'b', 'c', 'd'])
    expect(queue.take()).toBeUndefined()
  })

  it('behaves like a list kept sorted (model equivalence)', () => {
    const command = fc.oneof(
      { weight: 5, arbitrary: fc.record({ op: fc.constant('add' as const), at: fc.nat(20) }) },
      { weight: 3, arbitrary: fc.record({ op: fc.constant('cancel' as const), which: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constant('take' as const) }) },
    )
    fc.assert(
      fc.property(fc.array(command, { minLength: 30, maxLength: 400 }), (commands) => {
        const queue = new EventQueue<number>()
        const entries: QueuedEvent<number>[] = []
        let model: QueuedEvent<number>[] = []
        for (const step of commands) {
          if (step.op === 'add') {
            const entry = queue.add(step.at, entries.length)
            entries.push(entry)
            model = [...model, entry].sort((a, b) => a.at - b.at || a.item - b.item)
          } else if (step.op === 'cancel') {
            const entry = entries[step.which % Math.max(1, entries.length)]
            entry?.cancel()
            model = model.filter((other) => other !== entry)
          } else expect(queue.take()).toBe(model.shift())
          expect(queue.size).toBe(model.length)
          expect(queue.nextAt).toBe(model[0]?.at)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('puts in the place of a cancelled event one that comes before what is above it', () => {
    const queue = new EventQueue<number>()
    const [, , , fourth] = [0, 10, 1, 11, 12, 2].map((at) => queue.add(at, at))
    fourth?.cancel()
    expect([1, 2, 3, 4, 5].map(() => queue.take()?.item)).toEqual([0, 1, 2, 10, 12])
  })

  it('does not keep what was cancelled', () => {
    const queue = new EventQueue<string>()
    for (let i = 0; i < 1000; i++) queue.add(i, 'gone').cancel()
    queue.add(2000, 'here')
    expect(queue.size).toBe(1)
    expect(queue.take()?.item).toBe('here')
  })
})
