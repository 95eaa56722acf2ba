// What a durable log must do over every store.

import type { DurableLog, openLog, TransactionalStore } from 'espalier/storage'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytes, text } from './bytes.ts'
import type { StoreUnderTest, Subject } from './store-contract.ts'

export async function contents(log: DurableLog): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = []
  for (let at = log.firstIndex; at <= log.last.index; ) {
    const entries = await log.read(at)
    found.push(...entries.map(text))
    at += entries.length
  }
  return found
}

export function describeLog(subject: Subject, open: typeof openLog): void {
  describe(`a durable log: ${subject.name}`, () => {
    let made: StoreUnderTest
    let store: TransactionalStore
    beforeEach(async () => {
      made = await subject.create()
      store = made.store
    })
    afterEach(() => made.remove())

    const entries = (...values: string[]): Uint8Array[] => values.map(bytes)
    const openAgain = (name = 'log'): Promise<DurableLog> => open(store, { name })

    test('entries get consecutive indexes from 1, and are there when the log is opened again', async () => {
      const log = await openAgain()
      expect([log.firstIndex, log.last.index, log.recovery.kind]).toEqual([1, 0, 'ok'])
      expect((await log.append(entries('a', 'b'))).index).toBe(2)
      expect((await log.append(entries('', 'd'))).index).toBe(4)
      const again = await openAgain()
      expect(await contents(again)).toEqual(['a', 'b', '', 'd'])
      expect(again.last).toEqual(log.last)
      expect(again.recovery).toEqual({ kind: 'ok' })
    })

    test('appends under way at once keep their order and are visible before they are durable', async () => {
      const log = await openAgain()
      const appends = ['a', 'b', 'c'].map((value) => log.append(entries(value)))
      expect([log.last.index, log.durable.index]).toEqual([3, 0])
      expect(await contents(log)).toEqual(['a', 'b', 'c'])
      expect((await Promise.all(appends)).map(({ index }) => index)).toEqual([1, 2, 3])
      expect(log.durable).toEqual(log.last)
    })

    test('truncating, appending and setting the metadata are one step', async () => {
      const log = await openAgain()
      await log.append(entries('a', 'b', 'c'))
      await log.change({ truncateFrom: 2, entries: entries('B'), metadata: bytes('term 2') })
      const again = await openAgain()
      expect(await contents(again)).toEqual(['a', 'B'])
      expect(text(again.metadata)).toBe('term 2')
      await again.append(entries('C'))
      expect(text((await openAgain()).metadata)).toBe('term 2')
      await again.change({ truncateFrom: 1 })
      expect((await openAgain()).last).toEqual({ index: 0, checksum: 0 })
    })

    test('a read under way when its entries are truncated sees the log as it is now', async () => {
      const log = await openAgain()
      await log.append(entries('a', 'b'))
      const read = log.read(2)
      const change = log.change({ truncateFrom: 2, entries: entries('B') })
      expect(['b', 'B']).toContain((await read).map(text).join())
      await change
    })

    test('a compacted prefix is gone, indexes go on, and reading it is refused', async () => {
      const log = await openAgain()
      await log.append(entries(...Array.from({ length: 20 }, (_, i) => `entry ${i + 1}`)))
      await log.compact(15, bytes('snapshot 15'))
      expect([log.firstIndex, log.last.index]).toEqual([16, 20])
      await expect(log.read(15)).rejects.toMatchObject({ code: 'ERR_LOG_COMPACTED', index: 15 })
      const again = await openAgain()
      expect((await contents(again))[0]).toBe('entry 16')
      expect(again.checksumAt(15)).toBe(log.checksumAt(15))
      expect(again.checksumAt(14)).toBeUndefined()
      await again.compact(20)
      expect([again.firstIndex, again.last.index]).toEqual([21, 20])
      expect((await again.append(entries('next'))).index).toBe(21)
      expect(await contents(await openAgain())).toEqual(['next'])
    })

    test('a reset log starts behind a snapshot from elsewhere', async () => {
      const log = await openAgain()
      await log.append(entries('a', 'b', 'c'))
      await log.reset({ index: 100, checksum: 7 }, bytes('snapshot'))
      expect((await log.append(entries('next'))).index).toBe(101)
      const again = await openAgain()
      expect([again.firstIndex, ...(await contents(again))]).toEqual([101, 'next'])
      expect([again.checksumAt(100), text(again.metadata)]).toEqual([7, 'snapshot'])
    })

    test('logs of one store see nothing of each other', async () => {
      const [a, b] = [await openAgain('a'), await openAgain('a2')]
      await Promise.all([a.append(entries('in a')), b.append(entries('in b')), a.append(entries('in a too'))])
      await b.reset({ index: 0, checksum: 0 })
      expect(await contents(await openAgain('a'))).toEqual(['in a', 'in a too'])
      expect(await contents(await openAgain('a2'))).toEqual([])
    })

    test('of two handles of one log the staler one cannot write, now or later', async () => {
      const [old, current] = [await openAgain(), await openAgain()]
      await current.append(entries('mine'))
      await expect(old.append(entries('theirs'))).rejects.toMatchObject({ code: 'ERR_STORAGE_CONFLICT' })
      await expect(old.append(entries('theirs'))).rejects.toMatchObject({ code: 'ERR_STORAGE_CONFLICT' })
      expect(await contents(await openAgain())).toEqual(['mine'])
    })

    test('two logs with the same checksum at an index hold the same entries; order and place count', async () => {
      const [a, b, c] = [await openAgain('a'), await openAgain('b'), await openAgain('c')]
      await a.append(entries('x', 'y'))
      await b.append(entries('x'))
      await b.append(entries('y'))
      await c.append(entries('y', 'x'))
      expect(a.last).toEqual(b.last)
      expect(a.last.checksum).not.toBe(c.last.checksum)
    })

    test('a read is bounded and goes on where it stopped', async () => {
      const log = await openAgain()
      await log.append(Array.from({ length: 10 }, () => new Uint8Array(100)))
      expect(await log.read(1, { maxEntries: 4 })).toHaveLength(4)
      expect((await log.read(5, { maxBytes: 350 })).length).toBeGreaterThan(0)
      expect((await log.read(5, { maxBytes: 350 })).length).toBeLessThan(4)
      expect(await log.read(10)).toHaveLength(1)
      expect(await log.read(11)).toEqual([])
    })

    test('entries of any size go into few records, and are read from any of them on', async () => {
      const log = await openAgain()
      const sizes = [0, 1, 300, 600, 600, 2000, 70_000, 100, 65_000, 40_000, 40_000, 8]
      const values = sizes.map((size, i) => new Uint8Array(size).fill(i))
      await log.append(values)
      await log.append(values.slice(0, 5))
      const all = [...values, ...values.slice(0, 5)]
      for (const one of [log, await openAgain()]) {
        for (const from of all.keys()) {
          const read: Uint8Array[] = []
          while (from + read.length < all.length) read.push(...(await one.read(from + 1 + read.length)))
          expect(read.map((entry) => [entry.length, entry.at(-1)])).toEqual(
            all.slice(from).map((entry) => [entry.length, entry.at(-1)]),
          )
        }
      }
    })

    test('wrong options are named and change nothing', async () => {
      const log = await open(store, { name: 'small', maxEntryBytes: 10, maxMetadataBytes: 4 })
      await log.append(entries('a'))
      await expect(log.append([new Uint8Array(11)])).rejects.toMatchObject({ field: 'entries' })
      await expect(log.change({ metadata: bytes('too long') })).rejects.toMatchObject({ field: 'metadata' })
      for (const truncateFrom of [0, 3, 1.5]) {
        await expect(log.change({ truncateFrom })).rejects.toMatchObject({ field: 'truncateFrom' })
      }
      await expect(log.compact(2)).rejects.toMatchObject({ field: 'through' })
      await expect(open(store, { name: 'a b' })).rejects.toMatchObject({ field: 'name' })
      expect(await contents(log)).toEqual(['a'])
    })

    test('model equivalence: any sequence of changes reads as it does from an array', async () => {
      const step = fc.oneof(
        { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), values: fc.array(fc.string()) }) },
        fc.record({ kind: fc.constant('truncate' as const), at: fc.nat(), values: fc.array(fc.string()) }),
        fc.record({ kind: fc.constant('compact' as const), at: fc.nat() }),
        fc.record({ kind: fc.constant('reset' as const), at: fc.nat(1000) }),
        fc.record({ kind: fc.constant('reopen' as const) }),
      )
      let run = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          run += 1
          let log = await openAgain(`model-${run}`)
          let first = 1
          let model: string[] = []
          const changes: Promise<unknown>[] = []
          for (const now of steps) {
            if (now.kind === 'append') {
              changes.push(log.append(entries(...now.values)))
              model.push(...now.values)
            } else if (now.kind === 'truncate') {
              const kept = now.at % (model.length + 1)
              changes.push(log.change({ truncateFrom: first + kept, entries: entries(...now.values) }))
              model = [...model.slice(0, kept), ...now.values]
            } else if (now.kind === 'compact') {
              const dropped = now.at % (model.length + 1)
              changes.push(log.compact(first + dropped - 1))
              model = model.slice(dropped)
              first += dropped
            } else if (now.kind === 'reset') {
              await Promise.all(changes)
              changes.push(log.reset({ index: now.at, checksum: 1 }))
              await Promise.all(changes)
              model = []
              first = now.at + 1
            } else {
              await Promise.all(changes)
              log = await openAgain(`model-${run}`)
              expect(log.recovery).toEqual({ kind: 'ok' })
            }
            expect([log.firstIndex, log.last.index]).toEqual([first, first + model.length - 1])
          }
          expect(await contents(log)).toEqual(model)
          await Promise.all(changes)
          expect(log.durable).toEqual(log.last)
        }),
        { numRuns: 60 },
      )
    })
  })
}
