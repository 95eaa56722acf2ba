import {
  CapacityError,
  createNode,
  createTable,
  OptionError,
  openTable,
  type Pid,
  ProcessError,
  type Table,
  TableError,
  TableTransfer,
} from 'espalier'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { kill, Signal, spawnCollector, spawnIdle } from '../processes.ts'

const node = createNode({ name: 'tables' })
const codeOf = (act: () => unknown): unknown => {
  try {
    act()
  } catch (error) {
    const known = [CapacityError, OptionError, ProcessError, TableError].some((type) => error instanceof type)
    if (known) return (error as TableError).code
    throw error
  }
  return 'nothing thrown'
}

describe('entries', () => {
  test('are set, replaced, taken and deleted', () => {
    const table = createTable<string, number>(node, spawnIdle(node))
    table.insert('a', 1)
    expect([table.insertNew('a', 2), table.insertNew('b', 2)]).toEqual([false, true])
    table.insert('a', 3)
    expect([table.get('a'), table.get('b'), table.get('c')]).toEqual([3, 2, undefined])
    expect([table.has('a'), table.has('c'), table.size]).toEqual([true, false, 2])
    expect([table.take('a'), table.take('a')]).toEqual([3, undefined])
    expect([table.delete('b'), table.delete('b'), table.size]).toEqual([true, false, 0])
  })

  test('are copies: what is done to a value afterwards changes nothing', () => {
    const table = createTable<string, { list: number[] }>(node, spawnIdle(node))
    const value = { list: [1] }
    table.insert('a', value)
    value.list.push(2)
    table.get('a')?.list.push(3)
    expect(table.get('a')).toEqual({ list: [1] })
  })

  test('hold what structured clone can carry, each with its type', () => {
    const table = createTable<number>(node, spawnIdle(node))
    const values = [
      undefined,
      null,
      { a: undefined, b: [1.5, 'é\u{1f600}'] },
      new Map([[{ x: 1 }, new Set([1n])]]),
      new Date(5),
      new Uint8Array([1, 2, 3]),
      new Float64Array([0.1]),
      2n ** 100n,
    ]
    for (const [i, value] of values.entries()) table.insert(i, value)
    const read = values.map((_, i) => table.get(i))
    expect(read).toEqual(values)
    expect(table.has(0)).toBe(true)
    // A later write to the memory of an entry does not reach what has been read.
    for (const i of values.keys()) table.insert(i, new Uint8Array(64).fill(255))
    expect(read).toEqual(values)
  })

  test('are told apart by whole keys', () => {
    const table = createTable<string | number | readonly (string | number)[], string>(node, spawnIdle(node))
    const keys = [1, '1', [1], ['1'], '[1]', '', 'a', 'a\0', 'ä', '\ud800', '\udbff']
    for (const key of keys) table.insert(key, JSON.stringify(key))
    expect(keys.map((key) => table.get(key))).toEqual(keys.map((key) => JSON.stringify(key)))
    expect(new Set([...table.scan()].map(([key]) => JSON.stringify(key)))).toEqual(
      new Set(keys.map((key) => JSON.stringify(key))),
    )
  })

  test('are found by a scan that looks at key and value', () => {
    const table = createTable<string, number>(node, spawnIdle(node))
    for (let i = 0; i < 100; i++) table.insert(`k${i}`, i)
    expect([...table.scan((key, value) => value > 97 || key === 'k3')].sort()).toEqual([
      ['k3', 3],
      ['k98', 98],
      ['k99', 99],
    ])
  })

  test('can be counters', () => {
    const table = createTable<string, number>(node, spawnIdle(node))
    expect(codeOf(() => table.updateCounter('n'))).toBe('ERR_BADARG')
    expect([table.updateCounter('n', 5, 10), table.updateCounter('n'), table.updateCounter('n', -6)]).toEqual([
      15, 16, 10,
    ])
    expect(codeOf(() => table.updateCounter('n', Number.MAX_SAFE_INTEGER))).toBe('ERR_OPTION')
    expect(table.get('n')).toBe(10)
  })
})

describe('bounds', () => {
  test('a full table refuses by name, keeps what it has, and takes again once there is room', () => {
    const table = createTable<string, string>(node, spawnIdle(node), { name: 'small', maxEntries: 2, maxBytes: 4096 })
    table.insert('a', 'x')
    table.insert('b', 'x')
    expect(() => table.insert('c', 'x')).toThrow('table small: full (maxEntries is 2)')
    expect(() => table.insert('a', 'x'.repeat(5000))).toThrow('table small: full (maxBytes is 4096)')
    expect([table.get('a'), table.size]).toEqual(['x', 2])
    table.delete('b')
    table.insert('c', 'y')
    expect(table.get('c')).toBe('y')
  })

  test('room is used again: any number of replacements fits where a few fit', () => {
    const table = createTable<string, string>(node, spawnIdle(node), { maxEntries: 4, maxBytes: 1024 })
    for (let i = 0; i < 10_000; i++) table.insert(`k${i % 4}`, 'x'.repeat(i % 90))
    expect(table.size).toBe(4)
  })

  test.each([
    ['maxEntries', 0],
    ['maxEntries', 2 ** 25],
    ['maxBytes', 63],
    ['maxBytes', 1.5],
  ])('%s: %s is refused by name', (field, value) => {
    expect(() => createTable(node, spawnIdle(node), { [field]: value })).toThrow(new RegExp(`^${field}: expected`))
  })
})

describe('ownership', () => {
  test('a table goes with its owner, for readers too', async () => {
    const owner = spawnIdle(node)
    const table = createTable<string, number>(node, owner)
    const reader = openTable(table.handle)
    table.insert('a', 1)
    expect(reader.get('a')).toBe(1)
    await kill(node, owner)
    for (const act of [
      () => reader.get('a'),
      () => reader.size,
      () => [...reader.scan()],
      () => table.insert('a', 2),
    ]) {
      expect(codeOf(act)).toBe('ERR_TABLE_DELETED')
    }
  })

  test('the heir is given the table with its entries, and is the only one to write it', async () => {
    const [owner, heir] = [spawnIdle(node), spawnCollector(node)]
    const table = createTable<string, number>(node, owner, { heir: { pid: heir.pid, data: 'yours' } })
    table.insert('a', 1)
    await kill(node, owner)
    const [transfer] = heir.messages as TableTransfer<string, number>[]
    expect(transfer).toBeInstanceOf(TableTransfer)
    expect([transfer?.from, transfer?.data, transfer?.table.owner]).toEqual([owner, 'yours', heir.pid])
    expect(codeOf(() => table.insert('a', 2))).toBe('ERR_TABLE_NOT_OWNER')
    transfer?.table.insert('b', 2)
    expect([table.get('a'), table.get('b')]).toEqual([1, 2])
    await kill(node, heir.pid)
    expect(codeOf(() => table.get('a'))).toBe('ERR_TABLE_DELETED')
  })

  test('a table given away comes back to the heir, and its old owner may end', async () => {
    const [first, second] = [spawnCollector(node), spawnCollector(node)]
    const table = createTable<string, number>(node, first.pid, { heir: { pid: first.pid } })
    table.insert('a', 1)
    table.giveAway(second.pid, { why: 'test' })
    expect(codeOf(() => table.delete('a'))).toBe('ERR_TABLE_NOT_OWNER')
    await kill(node, second.pid)
    const [back] = first.messages as TableTransfer<string, number>[]
    expect([back?.from, back?.table.get('a')]).toEqual([second.pid, 1])
    back?.table.setHeir(undefined)
    const third = spawnCollector(node)
    back?.table.giveAway(third.pid)
    await kill(node, first.pid)
    expect(table.get('a')).toBe(1)
    const [kept] = third.messages as TableTransfer<string, number>[]
    kept?.table.drop()
    expect(codeOf(() => table.get('a'))).toBe('ERR_TABLE_DELETED')
  })

  test('nobody is given a table who has ended; an heir that has ended inherits nothing', async () => {
    const [owner, gone] = [spawnIdle(node), spawnIdle(node)]
    const table = createTable(node, owner, { heir: { pid: gone } })
    await kill(node, gone)
    expect(codeOf(() => table.giveAway(gone))).toBe('ERR_NOPROC')
    table.insert('still', 'ours')
    expect(codeOf(() => createTable(node, gone))).toBe('ERR_NOPROC')
    await kill(node, owner)
    expect(codeOf(() => table.get('still'))).toBe('ERR_TABLE_DELETED')
  })

  test('a handler that was killed writes nothing more, whoever has the table now: the attempt is counted', async () => {
    const heir = spawnCollector(node)
    const [ready, gate, tried] = [new Signal(), new Signal(), new Signal()]
    let table: Table<string, number> | undefined
    const zombie: Pid = node.spawn(async (self) => {
      table = createTable<string, number>(node, self.pid, { heir: { pid: heir.pid } })
      table.insert('a', 1)
      ready.give()
      await gate.given
      try {
        table.insert('a', 2)
      } finally {
        tried.give()
      }
    })
    await ready.given
    await kill(node, zombie)
    const before = node.counters.fenced
    gate.give()
    await tried.given
    expect(table?.get('a')).toBe(1)
    expect(node.counters.fenced).toBe(before + 1)
  })
})

test('only the handle of a table can be opened', () => {
  const handle = { name: 'x', buffer: new SharedArrayBuffer(64) }
  expect(codeOf(() => openTable(handle))).toBe('ERR_OPTION')
})

test('model-based: a table of few buckets and little room is a Map', async () => {
  const operation = fc.record({
    kind: fc.constantFrom('insert', 'insert', 'insert', 'insertNew', 'delete', 'take'),
    key: fc.integer({ min: 0, max: 11 }),
    size: fc.nat(300),
  })
  const owner = spawnIdle(node)
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      // One bucket for up to 8 entries: chains are as long as they can be.
      const table = createTable<number, string>(node, owner, { maxEntries: 8, maxBytes: 2048 })
      const model = new Map<number, string>()
      let n = 0
      for (const { kind, key, size } of operations) {
        const value = `${n++}:`.padEnd(size, 'x')
        if (kind === 'delete') expect(table.delete(key)).toBe(model.delete(key))
        else if (kind === 'take') {
          expect(table.take(key)).toBe(model.get(key))
          model.delete(key)
        } else {
          const had = model.has(key)
          const code = codeOf(() => {
            if (kind === 'insert') table.insert(key, value)
            else expect(table.insertNew(key, value)).toBe(!had)
          })
          if (code === 'nothing thrown') {
            if (kind === 'insert' || !had) model.set(key, value)
          } else expect(code).toBe('ERR_CAPACITY')
        }
        expect(new Map(table.scan())).toEqual(model)
        expect(table.size).toBe(model.size)
      }
      table.drop()
    }),
    { numRuns: 200 },
  )
})
