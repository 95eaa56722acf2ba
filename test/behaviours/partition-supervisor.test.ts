import { createNode, defineServer, partitionOf, partitionSupervisor, type Ref, reply } from 'espalier'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const Store = defineServer({
  name: 'store',
  init: (label: string) => ({ label, values: new Map<string, number>() }),
  call: {
    label: ({ state }) => reply(state.label, state),
    get: ({ state }, key: string) => reply(state.values.get(key), state),
  },
  cast: {
    put: ({ state }, [key, value]: readonly [string, number]) => {
      state.values.set(key, value)
      return state
    },
  },
})

const Stores = partitionSupervisor({
  name: 'stores',
  partitions: 4,
  child: { start: [Store, 'part'] },
  withArguments: (label, partition) => `${label} ${partition}`,
})

test('each key meets the same child, which has its own argument', async () => {
  const node = createNode()
  const tree = await node.start(Stores)
  const all = Stores.all(node)
  expect(await Promise.all(all.map((store) => store.call('label')))).toEqual(['part 0', 'part 1', 'part 2', 'part 3'])
  const store: Ref<typeof Store> | undefined = Stores.whereis(node, 'apple')
  store?.cast('put', ['apple', 3])
  expect(await Stores.whereis(node, 'apple')?.call('get', 'apple')).toBe(3)
  expect(store).toBe(all[partitionOf('apple', 4)])
  expect(await tree.call('count_children')).toMatchObject({ specs: 4, active: 4 })
  await node.stop()
})

test('a restarted child has its keys again, and the others have not noticed', async () => {
  const node = createNode()
  await node.start(Stores)
  const before = Stores.all(node)
  node.sendExit(before[2] ?? expect.fail(), 'kill')
  await node.idle()
  const after = Stores.all(node)
  expect(after.map((store, i) => store === before[i])).toEqual([true, true, false, true])
  expect(await Stores.whereis(node, 2)?.call('label')).toBe('part 2')
  await node.stop()
  expect(Stores.whereis(node, 2)).toBeUndefined()
})

test('a key has one partition, in range, the same for ever', () => {
  const key = fc.oneof(fc.string(), fc.maxSafeInteger(), fc.bigInt())
  fc.assert(
    fc.property(key, fc.integer({ min: 1, max: 1000 }), (k, n) => {
      const partition = partitionOf(k, n)
      expect(Number.isInteger(partition) && partition >= 0 && partition < n).toBe(true)
    }),
  )
  // Golden values: a change moves every user's keys.
  expect(['', 'apple', 'Äpfel', '🍎'].map((text) => partitionOf(text, 1_000_003))).toEqual([
    129763, 454776, 655111, 277265,
  ])
  expect([7, -7, 12n, -(2n ** 70n)].map((n) => partitionOf(n, 5))).toEqual([2, 2, 2, 4])
  expect(() => partitionOf(0.5, 4)).toThrow('key: expected a string, a bigint or a safe integer, got 0.5')
})

test('strings spread evenly', () => {
  const counts = new Array<number>(16).fill(0)
  for (let i = 0; i < 16_000; i++) {
    const partition = partitionOf(`user:${i}`, 16)
    counts[partition] = (counts[partition] ?? 0) + 1
  }
  expect(Math.min(...counts)).toBeGreaterThan(800)
  expect(Math.max(...counts)).toBeLessThan(1200)
})

test('a wrong spec is named', () => {
  const child = { start: [Store, 'part'] } as const
  expect(() => partitionSupervisor({ name: 's', partitions: 0, child })).toThrow('partitions: expected an integer >= 1')
  expect(() => partitionSupervisor({ name: '', partitions: 1, child })).toThrow('name')
})
