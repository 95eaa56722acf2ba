import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Pid } from '../../src/kernel/pid.ts'
import { Reference } from '../../src/kernel/pid.ts'
import type { Self } from '../../src/kernel/self.ts'
import { createManualNode, type ManualNode } from './manual-node.ts'

/** A process that keeps what it gets until it is told to go. */
function keeper({ node, turns }: ManualNode, got: unknown[]): { readonly pid: Pid; readonly self: Self } {
  let own: Self | undefined
  const pid = node.spawn(async (self) => {
    own = self
    for (let message = await self.receive(); message !== 'go'; message = await self.receive()) got.push(message)
  })
  turns.runSoon()
  if (own === undefined) throw new Error('has not begun')
  return { pid, self: own }
}

async function passed({ clock, turns }: ManualNode, ms: number): Promise<void> {
  clock.advance(ms)
  // A turn for each message that may have come.
  for (let i = 0; i < 200; i++) {
    turns.runSoon()
    await Promise.resolve()
    turns.runLater()
  }
}

describe('a message sent for later', () => {
  test('comes once, unless its timer is cancelled or its receiver has ended (model equivalence)', async () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          op: fc.constant('set' as const),
          who: fc.nat(2),
          ms: fc.integer({ min: 1, max: 500 }),
          gap: fc.constantFrom(0, 7, 15),
        }),
      },
      { weight: 3, arbitrary: fc.record({ op: fc.constant('cancel' as const), which: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constant('pass' as const), ms: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('end' as const), who: fc.nat(2) }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 100 }), async (steps) => {
        const manual = createManualNode()
        const got: unknown[] = []
        const keepers = [0, 1, 2].map(() => keeper(manual, got))
        const refs: Reference[] = []
        let waiting: { readonly number: number; readonly who: number; readonly at: number }[] = []
        const due: number[] = []
        let now = 0
        for (const what of steps) {
          const pid = 'who' in what ? keepers[what.who]?.pid : undefined
          if (what.op === 'set' && pid !== undefined) {
            const number = refs.length
            if (manual.node.isAlive(pid)) waiting.push({ number, who: what.who, at: now + what.ms })
            // Numbers in between go to monitors and aliases: so timers come to share a bucket.
            for (let other = 0; other < what.gap; other++) manual.node.reference()
            const ref = manual.node.reference()
            manual.node.sendAfter(ref, what.ms, pid, number)
            refs.push(ref)
          } else if (what.op === 'cancel' && refs.length > 0) {
            const number = what.which % refs.length
            const timer = waiting.find((other) => other.number === number)
            const left = manual.node.cancelTimer(refs[number] as Reference)
            expect(left).toBe(timer === undefined ? false : timer.at - now)
            waiting = waiting.filter((other) => other !== timer)
          } else if (what.op === 'pass') {
            now += what.ms
            await passed(manual, what.ms)
            due.push(
              ...waiting
                .filter(({ at }) => at <= now)
                .sort((a, b) => a.at - b.at)
                .map(({ number }) => number),
            )
            waiting = waiting.filter(({ at }) => at > now)
            expect(got.toSorted()).toEqual(due.toSorted())
          } else if (what.op === 'end' && pid !== undefined) {
            manual.node.sendExit(pid, 'kill')
            await passed(manual, 0)
            waiting = waiting.filter(({ who }) => who !== what.who)
          }
          expect(manual.node.timerCount).toBe(waiting.length)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('is found by a reference that has been to another thread, and by none of another node', async () => {
    const manual = createManualNode()
    const got: unknown[] = []
    const { pid, self } = keeper(manual, got)
    const ref = self.sendAfter(10, pid, 'late')
    expect(self.cancelTimer(new Reference('another', ref.creation, ref.id))).toBe(false)
    expect(self.cancelTimer(new Reference(ref.nodeName, ref.creation + 1, ref.id))).toBe(false)
    expect(self.cancelTimer(new Reference(ref.nodeName, ref.creation, ref.id))).toBe(10)
    expect(self.cancelTimer(ref)).toBe(false)
    await passed(manual, 20)
    expect(got).toEqual([])
  })
})
