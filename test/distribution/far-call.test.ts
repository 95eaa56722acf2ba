import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OpenCalls } from '../../src/distribution/far-call.ts'
import { Call } from '../../src/kernel/call.ts'
import { Pid } from '../../src/kernel/pid.ts'

const nodeNames = ['a', 'b'] as const
const callees = nodeNames.map((name) => new Pid(name, 1, 1))

function newCall(node: number, failed: (error: unknown) => void = () => {}): Call {
  return new Call('tag', undefined, null, callees[node] ?? new Pid('c', 1, 1), () => {}, failed)
}

const steps = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('add' as const), node: fc.nat(1), count: fc.nat(900) }), weight: 4 },
  { arbitrary: fc.record({ kind: fc.constant('take' as const), from: fc.nat(), count: fc.nat(900) }), weight: 4 },
  { arbitrary: fc.record({ kind: fc.constant('give up' as const), from: fc.nat(), count: fc.nat(900) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('lose' as const), node: fc.nat(1) }), weight: 1 },
)
type Program = readonly (typeof steps extends fc.Arbitrary<infer S> ? S : never)[]

/** Runs a program on the table and on a Map, and compares. */
function run(program: Program): void {
  const table = new OpenCalls()
  const open = new Map<number, Call>()
  const some = (from: number, count: number) => {
    const ids = [...open.keys()]
    return ids.splice(from % Math.max(1, ids.length), count)
  }
  for (const step of program) {
    if (step.kind === 'add') {
      for (let i = 0; i < step.count; i++) {
        const call = newCall(step.node)
        const id = table.add(call)
        expect(open.has(id), 'a number that is in use').toBe(false)
        open.set(id, call)
      }
    } else if (step.kind === 'take') {
      for (const id of some(step.from, step.count)) {
        const call = open.get(id)
        const { nodeName = '' } = call?.callee ?? {}
        expect(table.take(id, nodeName === 'a' ? 'b' : 'a')).toBe(undefined)
        // One that was given up may have been swept out.
        const taken = table.take(id, nodeName)
        if (call?.done === false || taken !== undefined) expect(taken).toBe(call)
        expect(table.take(id, nodeName)).toBe(undefined)
        open.delete(id)
      }
    } else if (step.kind === 'give up') {
      for (const id of some(step.from, step.count)) open.get(id)?.abandon()
    } else {
      const name = nodeNames[step.node] ?? ''
      table.lost(name)
      for (const [id, call] of open) {
        if (call.callee.nodeName !== name) continue
        expect(call.done).toBe(true)
        open.delete(id)
      }
    }
    const wanted = [...open.values()].filter(({ done }) => !done).length
    expect(table.size).toBeGreaterThanOrEqual(wanted)
    expect(table.size).toBeLessThanOrEqual(open.size)
  }
}

describe('calls to other nodes', () => {
  test('model: each is found once by its number, whatever the numbers of those that wait longer', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 30 }), (program) => run(program)),
      { numRuns: 60 },
    )
  })

  test('a call that waits long keeps its number to itself while many come and go', () => {
    const table = new OpenCalls()
    const patient = newCall(0)
    const first = table.add(patient)
    let taken = 0
    for (let i = 0; i < 100_000; i++) if (table.take(table.add(newCall(1)), 'b') !== undefined) taken++
    expect(taken).toBe(100_000)
    expect(table.take(first, 'a')).toBe(patient)
  })

  test('those that are given up go when the table has doubled', () => {
    const table = new OpenCalls()
    for (let i = 0; i < 100_000; i++) {
      const call = newCall(0)
      table.add(call)
      call.abandon()
    }
    expect(table.size).toBeLessThanOrEqual(1024)
  })

  test('those to a node that is lost fail, the others wait on', () => {
    const table = new OpenCalls()
    const errors: unknown[] = []
    table.add(newCall(0, (error) => void errors.push(error)))
    const id = table.add(newCall(1))
    table.lost('a')
    expect(errors).toEqual([expect.objectContaining({ reason: 'noconnection' })])
    expect(table.take(id, 'b')).toBeDefined()
  })
})
