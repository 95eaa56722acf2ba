// What every store behind the transactional port must do, run over LMDB and over the disk in memory.

import type { TransactionalStore, WriteBatch } from 'espalier/storage'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytes, text } from './bytes.ts'

export interface StoreUnderTest {
  readonly store: TransactionalStore
  /** Opens the same contents again, after the handle was closed. */
  reopen(): Promise<TransactionalStore>
  remove(): Promise<void>
}

export interface Subject {
  readonly name: string
  /** A new, empty store. `maxBytes` bounds it. */
  create(options?: { maxBytes?: number; maxQueuedBytes?: number; maxQueuedBatches?: number }): Promise<StoreUnderTest>
  newBatch(): WriteBatch
}

const everything = { from: Uint8Array.of(0), to: Uint8Array.of(255, 255) }

export function describeStore(subject: Subject): void {
  const { newBatch } = subject
  describe(`a transactional store: ${subject.name}`, () => {
    let subjects: StoreUnderTest[] = []
    let store: TransactionalStore
    const create = async (options: Parameters<Subject['create']>[0] = {}): Promise<StoreUnderTest> => {
      const made = await subject.create(options)
      subjects.push(made)
      return made
    }
    const all = async (from: TransactionalStore = store): Promise<Record<string, string>> => {
      const { entries } = await from.scan(everything)
      return Object.fromEntries(entries.map((entry) => [text(entry.key), text(entry.value)]))
    }

    beforeEach(async () => {
      store = (await create()).store
    })
    afterEach(async () => {
      for (const made of subjects) await made.remove()
      subjects = []
    })

    test('a batch of puts, deletes and range deletes takes effect in its order', async () => {
      await store.write(newBatch().put(bytes('a'), bytes('1')).put(bytes('b'), bytes('2')).put(bytes('c'), bytes('3')))
      await store.write(
        newBatch()
          .delete(bytes('a'))
          .deleteRange(bytes('b'), bytes('d'))
          .put(bytes('c'), bytes('4'))
          .delete(bytes('x')),
      )
      expect(await all()).toEqual({ c: '4' })
    })

    test('a read sees every batch written before it, acknowledged or not', async () => {
      const written = store.write(newBatch().put(bytes('a'), bytes('1')))
      expect(text(await store.get(bytes('a')))).toBe('1')
      await written
    })

    test('what was written is there when the store is opened again', async () => {
      const made = await create()
      await made.store.write(newBatch().put(bytes('a'), bytes('1')))
      await made.store.close()
      const again = await made.reopen()
      expect(await all(again)).toEqual({ a: '1' })
      await again.close()
    })

    test('empty values and keys of zero bytes and of 0xff are kept', async () => {
      await store.write(newBatch().put(Uint8Array.of(0), bytes('')).put(Uint8Array.of(255, 0), bytes('x')))
      expect(await store.get(Uint8Array.of(0))).toEqual(new Uint8Array())
      const { entries } = await store.scan(everything)
      expect(entries.map((entry) => [...entry.key])).toEqual([[0], [255, 0]])
    })

    test('a key not there reads as undefined', async () => {
      expect(await store.get(bytes('nothing'))).toBeUndefined()
    })

    test('a turn may write more than one transaction holds, in batches small and large', async () => {
      const sizes = [10, 3_000_000, 20_000, 10, 2_000_000, 9000, 4_500_000, 10]
      const written = sizes.map((size, i) =>
        store.write(newBatch().put(Uint8Array.of(i), new Uint8Array(size).fill(i))),
      )
      expect((await store.get(Uint8Array.of(7)))?.length).toBe(10)
      await Promise.all(written)
      for (const [i, size] of sizes.entries()) {
        expect(Buffer.compare((await store.get(Uint8Array.of(i))) ?? bytes(''), Buffer.alloc(size, i))).toBe(0)
      }
    })

    test('batches of every size, many of them under way, are kept as they were written', async () => {
      const sizeOf = (round: number, i: number): number =>
        [10, 9000, 40_000, 130_000, 300, 17_000][(round + i) % 6] ?? 0
      const rounds = 12
      for (let round = 0; round < rounds; round += 1) {
        const written = Array.from({ length: 6 }, (_, i) => {
          return store.write(
            newBatch().put(Uint8Array.of(round, i), new Uint8Array(sizeOf(round, i)).fill(round * 6 + i)),
          )
        })
        if (round % 3 > 0) await Promise.race(written)
      }
      for (let at = 0; at < rounds * 6; at += 1) {
        const [round, i] = [Math.floor(at / 6), at % 6]
        const value = await store.get(Uint8Array.of(round, i))
        expect(Buffer.compare(value ?? bytes(''), Buffer.alloc(sizeOf(round, i), at))).toBe(0)
      }
    })

    test('the caller may change its arrays once write has returned', async () => {
      const key = bytes('k')
      const value = bytes('before')
      const written = store.write(newBatch().put(key, value))
      value.fill(0)
      key.fill(0)
      await written
      expect(await all()).toEqual({ k: 'before' })
    })

    test('a batch whose expectation fails changes nothing, and its neighbours are not touched', async () => {
      await store.write(newBatch().put(bytes('head'), bytes('1')))
      const outcomes = await Promise.allSettled([
        store.write(newBatch().expect(bytes('head'), bytes('1')).put(bytes('head'), bytes('2'))),
        store.write(
          newBatch().expect(bytes('head'), bytes('1')).put(bytes('head'), bytes('x')).put(bytes('y'), bytes('y')),
        ),
        store.write(newBatch().expect(bytes('new'), undefined).put(bytes('new'), bytes('1'))),
        store.write(newBatch().expect(bytes('new'), undefined).put(bytes('new'), bytes('2'))),
      ])
      expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
      expect(outcomes[1]).toMatchObject({ reason: { code: 'ERR_STORAGE_CONFLICT', outcome: 'none' } })
      expect(await all()).toEqual({ head: '2', new: '1' })
    })

    test('an expectation after a write is refused', () => {
      expect(() => newBatch().put(bytes('a'), bytes('a')).expect(bytes('a'), bytes('a'))).toThrow('before all writes')
    })

    test('a batch can be written once', async () => {
      const batch = newBatch().put(bytes('a'), bytes('1'))
      await store.write(batch)
      await expect(store.write(batch)).rejects.toMatchObject({ code: 'ERR_OPTION' })
    })

    test('a page is bounded by entries and bytes, and says what is left', async () => {
      const batch = newBatch()
      for (let i = 0; i < 10; i += 1) batch.put(bytes(`k${i}`), new Uint8Array(100))
      await store.write(batch)
      const byCount = await store.scan({ ...everything, maxEntries: 4 })
      expect(byCount.entries.map((entry) => text(entry.key))).toEqual(['k0', 'k1', 'k2', 'k3'])
      const bySize = await store.scan({ ...everything, maxBytes: 250 })
      expect(bySize.entries).toHaveLength(2)
      expect((await store.scan({ ...everything, maxBytes: 1 })).entries).toHaveLength(1)
      const backwards = await store.scan({ ...everything, reverse: true, maxEntries: 9 })
      expect(text(backwards.entries[0]?.key)).toBe('k9')
      if (backwards.rest === undefined) throw new Error('a rest was expected')
      const last = await store.scan(backwards.rest)
      expect(last.entries.map((entry) => text(entry.key))).toEqual(['k0'])
      expect(last.rest).toBeUndefined()
    })

    test('more than the queue may hold is refused at once, and later batches pass', async () => {
      const { store: small } = await create({ maxQueuedBatches: 2 })
      const writes = ['a', 'b', 'c'].map((key) => small.write(newBatch().put(bytes(key), bytes('1'))))
      expect(await Promise.allSettled(writes)).toMatchObject([
        { status: 'fulfilled' },
        { status: 'fulfilled' },
        { status: 'rejected', reason: { code: 'ERR_STORAGE_OVERLOADED', outcome: 'none' } },
      ])
      await small.write(newBatch().put(bytes('d'), bytes('1')))
      expect(Object.keys(await all(small))).toEqual(['a', 'b', 'd'])
    })

    test('a batch that never fits the queue is a wrong option', async () => {
      const { store: small } = await create({ maxQueuedBytes: 100 })
      const write = small.write(newBatch().put(bytes('a'), new Uint8Array(200)))
      await expect(write).rejects.toMatchObject({ code: 'ERR_OPTION' })
    })

    test('a full store refuses what would not fit, alone, and accepts it again after a delete', async () => {
      const { store: small } = await create({ maxBytes: 400_000 })
      await small.write(newBatch().put(bytes('big'), new Uint8Array(300_000)))
      const [tooMuch, fits] = await Promise.allSettled([
        small.write(newBatch().put(bytes('more'), new Uint8Array(300_000))),
        small.write(newBatch().put(bytes('little'), bytes('1'))),
      ])
      expect(tooMuch).toMatchObject({ reason: { code: 'ERR_STORAGE_MAP_FULL', outcome: 'none' } })
      expect(fits).toMatchObject({ status: 'fulfilled' })
      await small.write(newBatch().delete(bytes('big')))
      await small.write(newBatch().put(bytes('more'), new Uint8Array(300_000)))
      expect(Object.keys(await all(small))).toEqual(['little', 'more'])
    })

    test('a second handle is refused while the first is open', async () => {
      const made = await create()
      await expect(made.reopen()).rejects.toMatchObject({ code: 'ERR_STORAGE_LOCKED' })
      await made.store.write(newBatch().put(bytes('a'), bytes('1')))
    })

    test('close waits for the batches before it, and everything after it is refused', async () => {
      const made = await create()
      const written = made.store.write(newBatch().put(bytes('a'), bytes('1')))
      await Promise.all([made.store.close(), made.store.close()])
      await written
      const late = { code: 'ERR_STORAGE_CLOSED' }
      await expect(made.store.write(newBatch().put(bytes('b'), bytes('1')))).rejects.toMatchObject(late)
      await expect(made.store.get(bytes('a'))).rejects.toMatchObject(late)
      const again = await made.reopen()
      expect(await all(again)).toEqual({ a: '1' })
      await again.close()
    })

    test('keys and ranges are checked', async () => {
      expect(() => newBatch().put(new Uint8Array(), bytes('1'))).toThrow('key: expected 1 to 1024 bytes')
      expect(() => newBatch().delete(new Uint8Array(1025))).toThrow('1 to 1024 bytes')
      await expect(store.scan({ ...everything, maxEntries: 0 })).rejects.toMatchObject({ field: 'maxEntries' })
      await store.write(newBatch().put(new Uint8Array(1024).fill(7), bytes('longest')))
      expect(text(await store.get(new Uint8Array(1024).fill(7)))).toBe('longest')
    })

    test('model equivalence: any sequence of batches reads as it does from a sorted map', async () => {
      const key = fc.uint8Array({ minLength: 1, maxLength: 3 })
      const operation = fc.oneof(
        fc.record({ kind: fc.constant('put' as const), key, value: fc.uint8Array({ maxLength: 40 }) }),
        fc.record({ kind: fc.constant('delete' as const), key }),
        fc.record({ kind: fc.constant('deleteRange' as const), key, to: key }),
      )
      const batches = fc.array(fc.array(operation, { minLength: 1, maxLength: 6 }), { maxLength: 10 })
      await fc.assert(
        fc.asyncProperty(batches, key, key, fc.boolean(), async (sequence, from, to, reverse) => {
          await store.write(newBatch().deleteRange(everything.from, Uint8Array.of(255, 255, 255, 255)))
          const model = new Map<string, string>()
          for (const operations of sequence) {
            const batch = newBatch()
            for (const step of operations) {
              const at = hex(step.key)
              if (step.kind === 'put') {
                batch.put(step.key, step.value)
                model.set(at, hex(step.value))
              } else if (step.kind === 'delete') {
                batch.delete(step.key)
                model.delete(at)
              } else {
                batch.deleteRange(step.key, step.to)
                for (const held of [...model.keys()]) if (held >= at && held < hex(step.to)) model.delete(held)
              }
            }
            await store.write(batch)
          }
          const expected = [...model].filter(([at]) => at >= hex(from) && at < hex(to)).sort()
          if (reverse) expected.reverse()
          const { entries } = await store.scan({ from, to, reverse })
          expect(entries.map((entry) => [hex(entry.key), hex(entry.value)])).toEqual(expected)
        }),
        { numRuns: 60 },
      )
    })
  })
}

const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex')
