import { once } from 'node:events'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { createNode, createTable, openTable, type Table, type TableHandle } from 'espalier'
import { describe, expect, test } from 'vitest'
import { spawnIdle } from '../processes.ts'
import { compiledFolder } from '../storage/compiled.ts'

interface Value {
  readonly key: string
  readonly n: number
  readonly fill: readonly number[]
}
type Verdict = { readonly reads: number; readonly complaint: string | undefined }

const valueFor = (key: string, n: number): Value => ({ key, n, fill: new Array<number>(20 + (n % 50)).fill(n) })
const node = createNode({ name: 'threads' })

/** Two keys whose values take turns in the same memory. */
function busyTable(): Table<string, Value> {
  const table = createTable<string, Value>(node, spawnIdle(node), { maxEntries: 2, maxBytes: 4096 })
  for (const key of ['a', 'b']) table.insert(key, valueFor(key, 0))
  return table
}

describe('on one thread: a write between two looks of a reader', () => {
  // Lets the reader's first look at the entry pass, then writes it twice: its block now holds something else.
  const readAround = (broken: boolean) => {
    const table = busyTable()
    const reader = openTable(table.handle)
    const whole = reader.unchanged.bind(reader)
    let looks = 0
    reader.unchanged = (bucket, version) => {
      const answer = broken || whole(bucket, version)
      if (looks++ === 0) for (const n of [7, 8]) for (const key of ['a', 'b']) table.insert(key, valueFor(key, n))
      return answer
    }
    return reader.get('a')
  }

  test('is noticed, and the new value read', () => expect(readAround(false)).toEqual(valueFor('a', 8)))

  test('red: a reader that does not check the version does not', () => {
    let read: unknown
    try {
      read = readAround(true)
    } catch (error) {
      read = error
    }
    expect(read).not.toEqual(valueFor('a', 8))
    expect(read).not.toEqual(valueFor('a', 0))
  })
})

describe('on threads', { timeout: 60_000 }, () => {
  const espalier = () => pathToFileURL(`${compiledFolder('src/tables')}/../index.js`).href

  const startReader = (handle: TableHandle<string, Value>, broken: boolean, changes: number) =>
    new Worker(new URL('./threads/reader.mjs', import.meta.url), {
      workerData: { espalier: espalier(), handle, broken, changes },
    })

  /** Writes until all readers have given their verdict. */
  async function judge(readers: Worker[], table: Table<string, Value>): Promise<Verdict[]> {
    const verdicts: Verdict[] = []
    await Promise.all(readers.map((reader) => once(reader, 'message')))
    for (const reader of readers) reader.on('message', (verdict: Verdict) => verdicts.push(verdict))
    for (let n = 1; verdicts.length < readers.length; n++) {
      for (const key of ['a', 'b']) table.insert(key, valueFor(key, n))
      if (n % 256 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(readers.map((reader) => reader.terminate()))
    return verdicts
  }

  test('readers see whole values only, none older than the last they saw', async () => {
    const table = busyTable()
    const verdicts = await judge(
      [startReader(table.handle, false, 2000), startReader(table.handle, false, 2000)],
      table,
    )
    expect(verdicts.map(({ complaint }) => complaint)).toEqual([undefined, undefined])
  })

  test('red: a reader that does not check the version sees a torn one', async () => {
    const table = busyTable()
    const [verdict] = await judge([startReader(table.handle, true, Number.POSITIVE_INFINITY)], table)
    expect(verdict?.complaint).toEqual(expect.any(String))
  })

  test('a thread that is terminated while it writes leaves a whole table, and nobody waits for it', async () => {
    for (let round = 0; round < 5; round++) {
      const writer = new Worker(new URL('./threads/writer.mjs', import.meta.url), {
        workerData: { espalier: espalier() },
      })
      const [handle] = (await once(writer, 'message')) as [TableHandle<string, Value>]
      const reader = openTable(handle)
      for (let i = 0; i < 500; i++) reader.get('a')
      await writer.terminate()
      for (const key of ['a', 'b']) {
        const value = reader.get(key)
        expect(value).toEqual(valueFor(key, value?.n ?? -1))
      }
      expect([...reader.scan()].map(([key]) => key).sort()).toEqual(['a', 'b'])
    }
  })
})
