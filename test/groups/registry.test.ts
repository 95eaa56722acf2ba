import {
  CapacityError,
  createNode,
  Down,
  defineServer,
  OptionError,
  type Pid,
  ProcessError,
  Registry,
  reply,
} from 'espalier'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { kill, spawnCollector, spawnIdle } from '../processes.ts'

const node = createNode({ name: 'registry' })
const codeOf = (act: () => unknown): unknown => {
  try {
    act()
  } catch (error) {
    if (error instanceof ProcessError || error instanceof CapacityError || error instanceof OptionError)
      return error.code
    throw error
  }
  return 'nothing thrown'
}

describe('unique keys', () => {
  test('a key belongs to one process at a time, and is free again at once when that one ends', async () => {
    const registry = new Registry<string, number>(node, { keys: 'unique' })
    const [a, b] = [spawnIdle(node), spawnIdle(node)]
    registry.register(a, 'leader', 1)
    expect(codeOf(() => registry.register(b, 'leader', 2))).toBe('ERR_BADARG')
    expect(codeOf(() => registry.register(a, 'leader', 2))).toBe('ERR_BADARG')
    expect(registry.lookup('leader')).toEqual([{ key: 'leader', pid: a, value: 1 }])
    await kill(node, a)
    expect(registry.lookup('leader')).toEqual([])
    expect(registry.size).toBe(0)
    registry.register(b, 'leader', 2)
    expect(registry.whereis('leader')).toBe(b)
  })

  test('tuples are equal by content, and no text is mistaken for one', () => {
    const registry = new Registry<string | readonly [string, string, number], string>(node, { keys: 'unique' })
    const pid = spawnIdle(node)
    registry.register(pid, ['agent', 'planner', 7], 'tuple')
    for (const text of ['["agent","planner",7]', '\0["agent","planner",7]', '\0', ''])
      registry.register(pid, text, text)
    expect(registry.lookup(['agent', 'planner', 7])[0]?.value).toBe('tuple')
    expect(registry.lookup('\0["agent","planner",7]')[0]?.value).toBe('\0["agent","planner",7]')
    expect(registry.whereis(['agent', 'planner', 8])).toBeUndefined()
    expect(registry.size).toBe(5)
  })

  test('1 and "1" are different keys; what is no key is refused by name', () => {
    const registry = new Registry<string | number>(node, { keys: 'unique' })
    registry.register(spawnIdle(node), 1)
    expect(registry.lookup('1')).toEqual([])
    expect(codeOf(() => registry.lookup(Number.NaN))).toBe('ERR_OPTION')
    expect(() => registry.lookup(Number.NaN)).toThrow(/^key: expected text, a finite number, or an array of them/)
  })

  test('a server is found by its key, typed, and can be called', async () => {
    const Echo = defineServer({
      init: () => null,
      call: { twice: ({ state }, n: number) => reply(n * 2, state) },
    })
    const registry = new Registry(node, { keys: 'unique' })
    const server = await node.start(Echo)
    registry.register(server, 'echo')
    expect(await registry.whereis(Echo, 'echo')?.call('twice', 21)).toBe(42)
  })
})

describe('duplicate keys', () => {
  test('many processes share a key, each with its value, which can be matched', () => {
    const registry = new Registry<string, { load: number }>(node, { keys: 'duplicate' })
    const workers = [3, 1, 2].map((load) => {
      const pid = spawnIdle(node)
      registry.register(pid, 'worker', { load })
      return pid
    })
    expect(registry.lookup('worker').map(({ pid }) => pid)).toEqual(workers)
    expect(registry.match('worker', ({ load }) => load < 3).map(({ pid }) => pid)).toEqual(workers.slice(1))
    expect(registry.select(({ value }) => value.load === 2).map(({ pid }) => pid)).toEqual([workers[2]])
    expect(codeOf(() => registry.register(workers[0] as Pid, 'worker', { load: 9 }))).toBe('ERR_BADARG')
  })

  test('dispatch sends to all of a key but one, oldest first', async () => {
    const registry = new Registry(node, { keys: 'duplicate' })
    const members = [spawnCollector(node), spawnCollector(node), spawnCollector(node)]
    for (const { pid } of members) registry.register(pid, 'room')
    const [first, second, third] = members
    expect(registry.dispatch(node, 'room', 'hello', { except: second?.pid as Pid })).toBe(2)
    expect(registry.dispatch(node, 'elsewhere', 'hello')).toBe(0)
    await node.idle()
    expect([first, second, third].map((member) => member?.messages)).toEqual([['hello'], [], ['hello']])
  })
})

test('a value is updated for its owner, and what was looked up before stays as it was', () => {
  const registry = new Registry<string, number>(node, { keys: 'unique' })
  const pid = spawnIdle(node)
  registry.register(pid, 'n', 1)
  const before = registry.lookup('n')
  expect(registry.updateValue(pid, 'n', (n) => n + 1)).toBe(2)
  expect(registry.value(pid, 'n')).toBe(2)
  expect(before).toEqual([{ key: 'n', pid, value: 1 }])
  expect(codeOf(() => registry.updateValue(spawnIdle(node), 'n', (n) => n))).toBe('ERR_BADARG')
})

test('a process knows its keys, oldest first, and gives one back once', () => {
  const registry = new Registry(node, { keys: 'duplicate' })
  const pid = spawnIdle(node)
  for (const key of ['c', 'a', 'b']) registry.register(pid, key)
  expect(registry.keys(pid)).toEqual(['c', 'a', 'b'])
  expect([registry.unregister(pid, 'a'), registry.unregister(pid, 'a')]).toEqual([true, false])
  expect(registry.keys(pid)).toEqual(['c', 'b'])
})

test('only living processes of the own node can be registered', async () => {
  const registry = new Registry(node, { keys: 'unique' })
  const other = createNode({ name: 'other' })
  // The same number as a process here: only its node tells the two apart.
  const foreign = spawnIdle(other)
  const dead = spawnIdle(node)
  await kill(node, dead)
  expect(codeOf(() => registry.register(foreign, 'x'))).toBe('ERR_NOPROC')
  expect(codeOf(() => registry.register(dead, 'x'))).toBe('ERR_NOPROC')
  expect(registry.size).toBe(0)
})

test('the bound on entries is named in the error, and room comes back', () => {
  const registry = new Registry(node, { keys: 'unique', name: 'rooms', maxEntries: 1 })
  const pid = spawnIdle(node)
  registry.register(pid, 'a')
  expect(() => registry.register(pid, 'b')).toThrow('rooms: full (maxEntries is 1)')
  registry.unregister(pid, 'a')
  registry.register(pid, 'b')
  expect(registry.keys(pid)).toEqual(['b'])
  expect(codeOf(() => new Registry(node, { keys: 'unique', maxEntries: 0 }))).toBe('ERR_OPTION')
})

describe('listeners', () => {
  test('hear of each entry that comes or goes, a death included', async () => {
    const registry = new Registry<string, number>(node, { keys: 'duplicate', name: 'roles' })
    const listener = spawnCollector(node)
    registry.listen(listener.pid)
    registry.listen(listener.pid)
    const pid = spawnIdle(node)
    registry.register(pid, 'a', 1)
    registry.register(pid, 'b', 2)
    registry.updateValue(pid, 'b', () => 3)
    await kill(node, pid)
    expect(listener.messages).toEqual([
      { kind: 'register', registry: 'roles', key: 'a', pid, value: 1 },
      { kind: 'register', registry: 'roles', key: 'b', pid, value: 2 },
      { kind: 'unregister', registry: 'roles', key: 'b', pid, value: 3 },
      { kind: 'unregister', registry: 'roles', key: 'a', pid, value: 1 },
    ])
  })

  test('nothing comes after unlisten, and a listener that has ended costs no dead letter', async () => {
    const registry = new Registry(node, { keys: 'duplicate' })
    const [stays, goes] = [spawnCollector(node), spawnCollector(node)]
    for (const { pid } of [stays, goes]) registry.listen(pid)
    expect([registry.unlisten(stays.pid), registry.unlisten(stays.pid)]).toEqual([true, false])
    await kill(node, goes.pid)
    const before = node.counters.deadLetters
    registry.register(spawnIdle(node), 'a')
    await node.idle()
    expect(stays.messages).toEqual([])
    expect(node.counters.deadLetters).toBe(before)
  })

  test('whoever is told of a death finds the entries of the dead gone', async () => {
    const registry = new Registry(node, { keys: 'unique' })
    const pid = spawnIdle(node)
    registry.register(pid, 'name')
    let seen: unknown
    node.spawn(async (self) => {
      self.monitor(pid)
      await self.receive((message) => message instanceof Down)
      seen = registry.lookup('name')
    })
    await kill(node, pid)
    expect(seen).toEqual([])
  })
})

test.each(['unique', 'duplicate'] as const)(
  'model-based: a registry with %s keys is a list of entries',
  async (keys) => {
    const operation = fc.record({
      kind: fc.constantFrom('register', 'register', 'register', 'unregister', 'update', 'kill'),
      process: fc.nat(3),
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.nat(9),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
        const registry = new Registry<string, number>(node, { keys })
        let model: { key: string; pid: Pid; value: number }[] = []
        const processes = Array.from({ length: 4 }, () => spawnIdle(node))
        for (const { kind, process, key, value } of operations) {
          const pid = processes[process] as Pid
          const at = model.findIndex((entry) => entry.key === key && entry.pid === pid)
          const old = model[at]
          if (kind === 'kill') {
            await kill(node, pid)
            model = model.filter((entry) => entry.pid !== pid)
            processes[process] = spawnIdle(node)
          } else if (kind === 'unregister') {
            expect(registry.unregister(pid, key)).toBe(old !== undefined)
            if (old !== undefined) model.splice(at, 1)
          } else if (kind === 'update') {
            const result = codeOf(() => registry.updateValue(pid, key, () => value))
            expect(result).toBe(old === undefined ? 'ERR_BADARG' : 'nothing thrown')
            if (old !== undefined) model[at] = { key, pid, value }
          } else {
            const taken = model.some((entry) => entry.key === key && (keys === 'unique' || entry.pid === pid))
            expect(codeOf(() => registry.register(pid, key, value))).toBe(taken ? 'ERR_BADARG' : 'nothing thrown')
            if (!taken) model.push({ key, pid, value })
          }
          for (const each of ['a', 'b', 'c']) {
            expect(registry.lookup(each)).toEqual(model.filter((entry) => entry.key === each))
          }
          for (const each of processes) {
            expect(registry.keys(each)).toEqual(model.filter((entry) => entry.pid === each).map((entry) => entry.key))
          }
          expect(registry.size).toBe(model.length)
        }
        await kill(node, ...processes)
        expect(registry.size).toBe(0)
      }),
      { numRuns: 100 },
    )
  },
)
