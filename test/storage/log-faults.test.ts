// The durable log on a disk that loses power, rots, tears and fills up.

import { type DurableLog, MemoryDisk, openLog, type StoredEntry, type TransactionalStore } from 'espalier/storage'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32c } from '../../src/storage/crc32c.ts'
import { bytes, text } from './bytes.ts'
import { contents } from './log-contract.ts'

const everything = { from: Uint8Array.of(0), to: Uint8Array.of(255) }
const name = 'log'

async function diskWith(entries: readonly string[]): Promise<{ disk: MemoryDisk; store: TransactionalStore }> {
  const disk = new MemoryDisk()
  const store = await disk.open('node')
  const log = await openLog(store, { name })
  for (const entry of entries) await log.append([bytes(entry)])
  return { disk, store }
}

/** The stored records: the head first, then the entries by index. */
async function records(store: TransactionalStore): Promise<StoredEntry[]> {
  return [...(await store.scan(everything)).entries]
}

test('any one byte damaged in any record is noticed, and the entry named', async () => {
  const entries = ['first', 'second', '', 'a longer fourth entry']
  await fc.assert(
    fc.asyncProperty(fc.nat(entries.length), fc.nat(), fc.integer({ min: 1, max: 255 }), async (which, at, flip) => {
      const { disk, store } = await diskWith(entries)
      const record = (await records(store))[which]
      if (record === undefined) throw new Error('no such record')
      disk.damage('node', record.key, (value) => {
        const place = at % value.length
        value[place] = (value[place] ?? 0) ^ flip
        return value
      })
      if (which === 0) {
        await expect(openLog(store, { name })).rejects.toMatchObject({ code: 'ERR_LOG_ROT', index: undefined })
        return
      }
      const log = await openLog(store, { name })
      expect(log.recovery.kind === 'rot' && log.recovery.indexes[0]).toBe(which)
      await expect(log.read(which)).rejects.toMatchObject({ code: 'ERR_LOG_ROT', index: which })
      if (which > 1) expect((await log.read(1)).map(text)).toEqual(entries.slice(0, which - 1))
    }),
    { numRuns: 150 },
  )
})

test('a missing or cut-off acknowledged entry is rot, not a tail', async () => {
  for (const change of [() => undefined, (value: Uint8Array) => value.slice(0, 2)]) {
    for (const index of [1, 2, 3]) {
      const { disk, store } = await diskWith(['a', 'b', 'c'])
      disk.damage('node', (await records(store))[index]?.key ?? bytes(''), change)
      const log = await openLog(store, { name })
      expect(log.recovery).toMatchObject({ kind: 'rot' })
      expect(log.recovery.kind === 'rot' && log.recovery.indexes.includes(index)).toBe(true)
      expect(log.last.index).toBe(3)
    }
  }
})

test('rot that spares the checksums ends with a truncation before it', async () => {
  const { disk, store } = await diskWith(['a', 'b', 'c'])
  disk.damage('node', (await records(store))[2]?.key ?? bytes(''), (value) => value.fill(0, 12))
  const log = await openLog(store, { name })
  expect(log.recovery).toEqual({ kind: 'rot', indexes: [2] })
  await log.change({ truncateFrom: 2, entries: [bytes('B')] })
  const again = await openLog(store, { name })
  expect(again.recovery).toEqual({ kind: 'ok' })
  expect(await contents(again)).toEqual(['a', 'B'])
})

const cuts = fc.array(
  fc.record({ keep: fc.nat(), append: fc.integer({ min: 0, max: 6 }), through: fc.option(fc.nat(), { freq: 4 }) }),
  { minLength: 1, maxLength: 6 },
)

test('property: whichever record is lost or damaged, in a log cut within records, no read answers what is not there', async () => {
  await fc.assert(
    fc.asyncProperty(cuts, fc.nat(), fc.option(fc.nat()), async (changes, which, bit) => {
      const { disk, store } = await diskWith([])
      const log = await openLog(store, { name })
      const model = new Map<number, string>()
      for (const [at, { keep, append, through }] of changes.entries()) {
        const { firstIndex } = log
        const truncateFrom = firstIndex + (keep % (log.last.index - firstIndex + 2))
        const entries = Array.from({ length: append }, (_, i) => `${at}.${i}`)
        for (const [i, entry] of entries.entries()) model.set(truncateFrom + i, entry)
        await log.change({ truncateFrom, entries: entries.map(bytes) })
        if (through !== null) await log.compact(firstIndex - 1 + (through % (log.last.index - firstIndex + 2)))
      }
      const sound = await openLog(store, { name })
      expect(sound.recovery).toEqual({ kind: 'ok' })
      const stored = (await records(store)).slice(1)
      const struck = stored[which % Math.max(1, stored.length)]
      if (struck === undefined) return
      disk.damage('node', struck.key, (value) => {
        if (bit === null) return undefined
        const place = (bit >>> 3) % value.length
        value[place] = (value[place] ?? 0) ^ (1 << (bit & 7))
        return value
      })
      const damaged = await openLog(store, { name })
      expect([damaged.firstIndex, damaged.last]).toEqual([log.firstIndex, log.last])
      for (let index = log.firstIndex; index <= log.last.index; index += 1) {
        const [entry] = await damaged.read(index, { maxEntries: 1 }).catch(() => [])
        if (entry === undefined) expect(damaged.recovery.kind).toBe('rot')
        else expect(text(entry)).toBe(model.get(index))
      }
    }),
    { numRuns: 400 },
  )
})

test('a log of another format is refused by name, not taken for a damaged one', async () => {
  const { disk, store } = await diskWith(['a'])
  disk.damage('node', (await records(store))[0]?.key ?? bytes(''), (value) => {
    value[0] = 1
    new DataView(value.buffer, value.byteOffset).setUint32(value.length - 4, crc32c(value.subarray(0, -4)), true)
    return value
  })
  await expect(openLog(store, { name })).rejects.toMatchObject({ code: 'ERR_LOG_FORMAT' })
})

test('a lost head is reported as rot, never as an empty log', async () => {
  const { disk, store } = await diskWith(['a'])
  disk.damage('node', (await records(store))[0]?.key ?? bytes(''), () => undefined)
  await expect(openLog(store, { name })).rejects.toMatchObject({ code: 'ERR_LOG_ROT' })
})

/** A disk whose jobs end when `settle` says so: it completes them until the promise has settled. */
function steppedDisk(): { disk: MemoryDisk; settle: <T>(promise: Promise<T>) => Promise<T> } {
  const jobs: (() => void)[] = []
  const disk = new MemoryDisk({ schedule: (_job, complete) => void jobs.push(complete) })
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    let settled = false
    const end = promise.finally(() => {
      settled = true
    })
    while (!settled) {
      for (const complete of jobs.splice(0)) complete()
      await new Promise((resolve) => setImmediate(resolve))
    }
    return end
  }
  return { disk, settle }
}

test('entries a torn batch has left beyond the head are a tail, and are dropped', async () => {
  const { disk, settle } = steppedDisk()
  const open = (): Promise<DurableLog> => settle(disk.open('node').then((store) => openLog(store, { name })))
  const log = await open()
  await settle(log.append([bytes('a')]))
  void log.append([bytes('b'), bytes('c')])
  // The batch: an expectation, a record of entries 2 and 3, the head. The record is cut off in entry 3.
  disk.cutPower({ tear: { operations: 1, bytes: 4 + 8 + 1 + 3 } })
  const recovered = await open()
  expect(recovered.recovery).toEqual({ kind: 'tail-dropped', entries: 2 })
  expect(await settle(contents(recovered))).toEqual(['a'])
  disk.cutPower()
  expect((await open()).recovery).toEqual({ kind: 'ok' })
})

/** Appends, truncates and sets metadata, cuts the power, and answers what is wrong with what is left. */
async function cutAmidChanges(plan: CutPlan, acknowledgeAtPut: boolean): Promise<string | undefined> {
  const jobs: (() => void)[] = []
  const disk = new MemoryDisk({ schedule: (_job, complete) => void jobs.push(complete) })
  disk.faults.acknowledgeAtPut = acknowledgeAtPut
  const drain = async (limit = Number.POSITIVE_INFINITY): Promise<void> => {
    for (let count = 0; count < limit; count += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      const complete = jobs.shift()
      if (complete === undefined) return
      complete()
    }
  }
  const opening = disk.open('node').then((store) => openLog(store, { name }))
  await drain()
  const log = await opening
  const states: string[] = [stateOf(log, [])]
  let acknowledged = 0
  let model: string[] = []
  for (const [at, { keep, append }] of plan.changes.entries()) {
    const kept = keep % (model.length + 1)
    model = [...model.slice(0, kept), ...append]
    const change = { truncateFrom: kept + 1, entries: append.map(bytes), metadata: bytes(`change ${at}`) }
    void log.change(change).then(() => {
      acknowledged = Math.max(acknowledged, at + 1)
    })
    states.push(stateOf(log, model))
    if (at % plan.stride === 0) await drain(plan.completions)
  }
  await new Promise((resolve) => setImmediate(resolve))
  jobs.length = 0
  disk.cutPower({ kept: (_store, unsynced) => plan.kept % (unsynced + 1) })
  const reopening = disk.open('node').then((store) => openLog(store, { name }))
  await drain()
  const recovered = await reopening
  if (recovered.recovery.kind !== 'ok') return `recovery says ${recovered.recovery.kind}`
  const reading = contents(recovered)
  await drain()
  const state = stateOf(recovered, await reading)
  const found = states.indexOf(state)
  if (found < 0) return `a state that never was: ${state}`
  return found < acknowledged
    ? `change ${acknowledged} was acknowledged, change ${found} is the last one there`
    : undefined
}

interface CutPlan {
  readonly changes: readonly { readonly keep: number; readonly append: readonly string[] }[]
  readonly stride: number
  readonly completions: number
  readonly kept: number
}

const plans = fc.record({
  changes: fc.array(fc.record({ keep: fc.nat(), append: fc.array(fc.string(), { maxLength: 3 }) }), { maxLength: 8 }),
  stride: fc.integer({ min: 1, max: 3 }),
  completions: fc.nat(2),
  kept: fc.nat(),
})

function stateOf(log: DurableLog, entries: readonly (string | undefined)[]): string {
  return JSON.stringify([text(log.metadata), entries])
}

test('durability and atomicity: a power cut leaves the state after some change, not before the last acknowledged one', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      expect(await cutAmidChanges(plan, false)).toBeUndefined()
    }),
    { numRuns: 150 },
  )
})

test('the same check finds a disk that acknowledges before it syncs', async () => {
  const found = await fc.check(
    fc.asyncProperty(plans, async (plan) => {
      expect(await cutAmidChanges(plan, true)).toBeUndefined()
    }),
    { seed: 1, numRuns: 150 },
  )
  expect(found.failed).toBe(true)
})

test('after a full disk all changes behind the refused one fail, and the log goes on from what is durable', async () => {
  const disk = new MemoryDisk()
  const log = await openLog(await disk.open('node'), { name })
  await log.append([bytes('a')])
  disk.faults.full = true
  const refused = ['b', 'c', 'd'].map((entry) => log.append([bytes(entry)]))
  disk.faults.full = false
  for (const append of refused) await expect(append).rejects.toMatchObject({ code: 'ERR_STORAGE_FULL' })
  expect((await log.append([bytes('e')])).index).toBe(2)
  expect(await contents(log)).toEqual(['a', 'e'])
})

test('a refused change fails its successors even if they would fit', async () => {
  const disk = new MemoryDisk({ maxBytes: 2000 })
  const store = await disk.open('node')
  const log = await openLog(store, { name })
  const outcomes = await Promise.allSettled([
    log.append([bytes('a')]),
    log.append([new Uint8Array(3000)]),
    log.append([bytes('c')]),
  ])
  expect(outcomes).toMatchObject([
    { status: 'fulfilled' },
    { reason: { code: 'ERR_STORAGE_MAP_FULL' } },
    { reason: { code: 'ERR_STORAGE_MAP_FULL' } },
  ])
  expect((await log.append([bytes('b')])).index).toBe(2)
  expect(await contents(await openLog(store, { name }))).toEqual(['a', 'b'])
})
