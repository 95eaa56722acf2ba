import { type DiskJob, MemoryDisk, WriteBatch } from 'espalier/storage'
import { expect, test } from 'vitest'
import { bytes, text } from './bytes.ts'

const put = (key: string, value: string): WriteBatch => new WriteBatch().put(bytes(key), bytes(value))

/** A disk whose jobs end when the test says so. */
function steppedDisk(): { disk: MemoryDisk; jobs: { job: DiskJob; complete: () => void }[] } {
  const jobs: { job: DiskJob; complete: () => void }[] = []
  const disk = new MemoryDisk({ schedule: (job, complete) => void jobs.push({ job, complete }) })
  return { disk, jobs }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('batches that wait for a flush share the next one', async () => {
  const { disk, jobs } = steppedDisk()
  const store = await disk.open('a')
  const writes = ['1', '2', '3'].map((key) => store.write(put(key, 'x')))
  expect(jobs.map(({ job }) => job.bytes)).toEqual([11])
  jobs[0]?.complete()
  expect(jobs.map(({ job }) => job.bytes)).toEqual([11, 22])
  jobs[1]?.complete()
  await Promise.all(writes)
})

test('a power cut loses what was not synced and keeps what was acknowledged', async () => {
  const { disk, jobs } = steppedDisk()
  const store = await disk.open('a')
  const first = store.write(put('first', '1'))
  jobs[0]?.complete()
  await first
  let settled = false
  void store.write(put('second', '2')).finally(() => {
    settled = true
  })
  disk.cutPower()
  jobs[1]?.complete()
  await turn()
  expect(settled).toBe(false)
  await expect(store.get(bytes('first'))).rejects.toMatchObject({ code: 'ERR_STORAGE_CLOSED' })

  const again = await disk.open('a')
  const read = Promise.all([again.get(bytes('first')), again.get(bytes('second'))])
  for (let at = 2; at < 4; at += 1) jobs[at]?.complete()
  expect((await read).map(text)).toEqual(['1', undefined])
})

test('a power cut may keep some of the un-synced batches, oldest first, and tear the next', async () => {
  const { disk, jobs } = steppedDisk()
  const store = await disk.open('a')
  void store.write(put('zero', '0'))
  void store.write(put('one', '1'))
  void store.write(put('two', '22').put(bytes('three'), bytes('3333')))
  jobs[0]?.complete()
  disk.cutPower({ kept: (_name, unsynced) => unsynced - 1, tear: { operations: 1, bytes: 2 } })
  const again = await disk.open('a')
  const page = again.scan({ from: bytes('a'), to: bytes('{') })
  jobs.at(-1)?.complete()
  const { entries } = await page
  expect(entries.map((entry) => `${text(entry.key)}=${text(entry.value)}`)).toEqual([
    'one=1',
    'three=33',
    'two=22',
    'zero=0',
  ])
})

test('a torn batch damages what it brings, and nothing that was synced before', async () => {
  const { disk, jobs } = steppedDisk()
  const store = await disk.open('a')
  void store.write(put('one', '1111'))
  jobs[0]?.complete()
  void store.write(put('one', '2222'))
  disk.cutPower({ tear: { operations: 0, bytes: 2 } })
  const read = (await disk.open('a')).get(bytes('one'))
  jobs.at(-1)?.complete()
  expect(text((await read) ?? bytes('nothing'))).toBe('1111')
})

test('with acknowledgeAtPut an acknowledged batch is lost by a power cut', async () => {
  const { disk, jobs } = steppedDisk()
  disk.faults.acknowledgeAtPut = true
  const store = await disk.open('a')
  await store.write(put('key', '1'))
  disk.cutPower()
  const read = (await disk.open('a')).get(bytes('key'))
  jobs.at(-1)?.complete()
  expect(await read).toBeUndefined()
})

test('a full or read-only disk refuses with its code and recovers', async () => {
  const disk = new MemoryDisk()
  const store = await disk.open('a')
  disk.faults.full = true
  await expect(store.write(put('key', '1'))).rejects.toMatchObject({ code: 'ERR_STORAGE_FULL', outcome: 'none' })
  disk.faults.full = false
  disk.faults.readOnly = true
  await expect(store.write(put('key', '1'))).rejects.toMatchObject({ code: 'ERR_STORAGE_READ_ONLY' })
  disk.faults.readOnly = false
  await store.write(put('key', '2'))
  expect(text(await store.get(bytes('key')))).toBe('2')
})

test('damage changes a value behind the store', async () => {
  const disk = new MemoryDisk()
  const store = await disk.open('a')
  await store.write(put('key', 'sound'))
  expect(disk.damage('a', bytes('key'), (value) => value.slice(0, 2))).toBe(true)
  expect(disk.damage('a', bytes('other'), () => undefined)).toBe(false)
  expect(text(await store.get(bytes('key')))).toBe('so')
})
