import { Counters, createNode, type Pid } from 'espalier'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { kill, spawnIdle } from '../processes.ts'

const node = createNode({ name: 'counters' })

test('each process has its counter, and the key its sum', () => {
  const counters = new Counters(node)
  const [a, b] = [spawnIdle(node), spawnIdle(node)]
  counters.register(a, 'pending')
  counters.register(b, 'pending', 5)
  expect([counters.add(a, 'pending'), counters.add(a, 'pending', 2), counters.add(b, 'pending', -1)]).toEqual([1, 3, 4])
  expect(counters.total('pending')).toBe(7)
  expect(counters.lookup('pending').map(({ pid, value }) => [pid, value])).toEqual([
    [a, 3],
    [b, 4],
  ])
  expect([counters.reset(a, 'pending'), counters.value(a, 'pending'), counters.total('pending')]).toEqual([3, 0, 4])
})

test('a process that ends takes its share out of the sum', async () => {
  const counters = new Counters(node)
  const [a, b] = [spawnIdle(node), spawnIdle(node)]
  counters.register(a, 'n', 3)
  counters.register(b, 'n', 4)
  await kill(node, a)
  expect(counters.total('n')).toBe(4)
  expect(counters.unregister(b, 'n')).toBe(true)
  expect([counters.total('n'), counters.value(b, 'n')]).toEqual([0, undefined])
})

test('a counter is registered once and never leaves the safe integers: what is refused changes nothing', () => {
  const counters = new Counters(node)
  const [a, b] = [spawnIdle(node), spawnIdle(node)]
  expect(() => counters.add(a, 'n')).toThrow(/has no "n"/)
  counters.register(a, 'n', Number.MAX_SAFE_INTEGER)
  expect(() => counters.register(a, 'n')).toThrow(/has "n" already/)
  expect(() => counters.add(a, 'n')).toThrow(/^by: expected an integer/)
  expect(() => counters.add(a, 'n', 0.5)).toThrow(/^by: expected an integer/)
  expect(() => counters.register(b, 'n', 1)).toThrow(/^initial: expected an integer/)
  expect([counters.total('n'), counters.value(b, 'n')]).toEqual([Number.MAX_SAFE_INTEGER, undefined])
})

test('invariant: the sum of a key is the sum of its counters', async () => {
  const operation = fc.tuple(
    fc.constantFrom('register', 'add', 'reset', 'unregister', 'kill'),
    fc.nat(3),
    fc.constantFrom('a', 'b'),
    fc.integer({ min: -9, max: 9 }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
      const counters = new Counters(node)
      const processes = Array.from({ length: 4 }, () => spawnIdle(node))
      for (const [kind, i, key, n] of operations) {
        const pid = processes[i] as Pid
        const has = counters.value(pid, key) !== undefined
        if (kind === 'kill') {
          await kill(node, pid)
          processes[i] = spawnIdle(node)
        } else if (kind === 'register' && !has) counters.register(pid, key, n)
        else if (kind === 'add' && has) counters.add(pid, key, n)
        else if (kind === 'reset' && has) counters.reset(pid, key, n)
        else if (kind === 'unregister') counters.unregister(pid, key)
        for (const each of ['a', 'b']) {
          expect(counters.total(each)).toBe(counters.lookup(each).reduce((sum, { value }) => sum + value, 0))
        }
      }
      await kill(node, ...processes)
    }),
    { numRuns: 100 },
  )
})
