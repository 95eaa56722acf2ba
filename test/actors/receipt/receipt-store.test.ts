import { beforeEach, describe, expect, test } from 'vitest'
import { type KeyRing, parseKeyRing } from '../../../actors/receipt/key-ring.ts'
import {
  findReceipt,
  listReceipts,
  openReceiptStore,
  ReceiptsDamagedError,
  receiptStoreName,
  verifyReceipts,
} from '../../../actors/receipt/receipt-store.ts'
import { KeyValueStore, MemoryDisk } from '../../../src/storage/index.ts'
import { MemoryFiles, sampleFlow } from './samples.ts'

const headPath = 'receipts.head'
const ring = parseKeyRing('11'.repeat(32), 'test')
const rotated: KeyRing = [...parseKeyRing('22'.repeat(32), 'test'), ...ring]

let disk: MemoryDisk
let files: MemoryFiles
let records: KeyValueStore

beforeEach(async () => {
  disk = new MemoryDisk()
  files = new MemoryFiles()
  records = new KeyValueStore(await disk.open('data'), receiptStoreName)
})

const open = (keys = ring) => openReceiptStore({ records, files, headPath, keys })
const verify = (keys = ring) => verifyReceipts(records, files.held.get(headPath)?.bytes, keys)
const key = (sequence: number) => String(sequence).padStart(16, '0')
const fill = async (count: number) => {
  const store = await open()
  for (let at = 1; at <= count; at += 1) await store.append(sampleFlow(`flow-${at}`))
}

describe('the store', () => {
  test('begins with a head that counts nothing, before the first receipt', async () => {
    const store = await open()
    expect(store.head.sequence).toBe(0)
    expect(files.held.has(headPath)).toBe(true)
    expect(await verify()).toMatchObject({ kind: 'intact', count: 0 })
  })

  test('chains receipts over restarts and rotations', async () => {
    await fill(2)
    const store = await open(rotated)
    const sealed = await store.append(sampleFlow('flow-3'))
    expect(sealed.receipt).toMatchObject({ sequence: 3, keyId: rotated[0].id, flow: { flowId: 'flow-3' } })
    expect(sealed.id).toMatch(/^3-[0-9a-f]{12}$/)
    expect(store.head).toEqual(sealed.end)
    expect(await verify(rotated)).toEqual({ kind: 'intact', count: 3, digest: sealed.end.digest, beyondHead: 0 })
    expect(await verify(ring)).toMatchObject({ kind: 'broken', sequence: 3, fault: 'unknown_key' })
  })

  test('appends that are asked for at once take effect one after the other', async () => {
    const store = await open()
    const sealed = await Promise.all(Array.from({ length: 10 }, (_, at) => store.append(sampleFlow(`flow-${at}`))))
    expect(sealed.map((each) => each.receipt.sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(await verify()).toMatchObject({ kind: 'intact', count: 10, beyondHead: 0 })
  })

  test('lists and finds what it holds', async () => {
    await fill(3)
    const listed = []
    for await (const each of listReceipts(records, ring, { reverse: true, limit: 2 })) listed.push(each)
    expect(listed.map(({ sequence, receipt }) => [sequence, receipt?.flow.flowId])).toEqual([
      [3, 'flow-3'],
      [2, 'flow-2'],
    ])
    const id = listed[1]?.id ?? ''
    expect(await findReceipt(records, ring, id)).toEqual(listed[1])
    expect(await findReceipt(records, ring, '2')).toEqual(listed[1])
    expect(await findReceipt(records, ring, '4')).toBeUndefined()
    expect(await findReceipt(records, ring, '2-000000000000')).toBeUndefined()
    expect(await findReceipt(records, ring, '../../x')).toBeUndefined()
  })

  test('lists a damaged receipt without its content', async () => {
    await fill(1)
    await records.put(key(1), new Uint8Array([1, 2, 3]))
    expect(await findReceipt(records, ring, '1')).toMatchObject({ sequence: 1, receipt: undefined })
  })

  test('refuses a report that is not sound, and goes on', async () => {
    const store = await open()
    await expect(store.append({ ...sampleFlow(), durationMs: Number.NaN })).rejects.toThrow('NaN')
    const tasks = sampleFlow().tasks.flatMap((task) =>
      Array.from({ length: 256 }, () => ({ ...task, id: 'x'.repeat(200) })),
    )
    const long = tasks.map((task) => ({
      ...task,
      attempts: task.attempts.map((each) => ({ ...each, reason: 'y'.repeat(4000) })),
    }))
    await expect(store.append({ ...sampleFlow(), tasks: long })).rejects.toThrow('a report of at most 1048576 bytes')
    expect((await store.append(sampleFlow())).receipt.sequence).toBe(1)
  })
})

describe('a crash', () => {
  test('between receipt and head leaves an intact chain, and the next start catches the head up', async () => {
    const store = await open()
    await store.append(sampleFlow('flow-1'))
    files.failNextReplace = true
    await expect(store.append(sampleFlow('flow-2'))).rejects.toThrow('the disk refused')
    expect(await verify()).toMatchObject({ kind: 'intact', count: 2, beyondHead: 1 })
    expect((await open()).head.sequence).toBe(2)
    expect(await verify()).toMatchObject({ kind: 'intact', count: 2, beyondHead: 0 })
  })

  test('of the head’s file alone is made good before the next receipt', async () => {
    const store = await open()
    files.failNextReplace = true
    await expect(store.append(sampleFlow('flow-1'))).rejects.toThrow('the disk refused')
    await store.append(sampleFlow('flow-2'))
    expect(await verify()).toMatchObject({ kind: 'intact', count: 2, beyondHead: 0 })
  })

  test('a power cut loses no receipt that was acknowledged', async () => {
    await fill(3)
    disk.cutPower()
    records = new KeyValueStore(await disk.open('data'), receiptStoreName)
    expect(await verify()).toMatchObject({ kind: 'intact', count: 3 })
  })

  test('red: with a disk that acknowledges before it flushes, the power cut is found as a cut tail', async () => {
    // Reads complete; no flush ever does.
    disk = new MemoryDisk({ schedule: (job, complete) => void (job.kind === 'read' && queueMicrotask(complete)) })
    disk.faults.acknowledgeAtPut = true
    records = new KeyValueStore(await disk.open('data'), receiptStoreName)
    const store = await open()
    await store.append(sampleFlow('flow-1'))
    disk.cutPower()
    records = new KeyValueStore(await disk.open('data'), receiptStoreName)
    const verdict = await verify()
    expect(verdict).toMatchObject({ kind: 'broken', fault: 'cut_tail' })
  })

  test('a full disk refuses, and the chain goes on when there is room', async () => {
    await fill(1)
    const store = await open()
    disk.faults.full = true
    await expect(store.append(sampleFlow())).rejects.toMatchObject({ code: 'ERR_STORAGE_FULL' })
    disk.faults.full = false
    await store.append(sampleFlow())
    expect(await verify()).toMatchObject({ kind: 'intact', count: 2 })
  })
})

describe('red: opening for appending refuses', () => {
  const refusal = async (keys = ring) => {
    const error = await open(keys).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (!(error instanceof ReceiptsDamagedError)) throw error
    return error.message
  }

  test('a cut tail', async () => {
    await fill(3)
    await records.delete(key(3))
    expect(await refusal()).toContain('the last receipt, 2, is neither the one that the head names nor the next')
  })

  test('an emptied store', async () => {
    await fill(1)
    await records.delete(key(1))
    expect(await refusal()).toContain('the head counts 1 receipts, the store holds none')
  })

  test('a missing head', async () => {
    await fill(1)
    files.held.delete(headPath)
    expect(await refusal()).toContain('there are receipts, but no head')
  })

  test('an altered end', async () => {
    await fill(2)
    await records.put(key(2), (await records.get(key(1))) ?? new Uint8Array())
    expect(await refusal()).toContain('receipt 1 stands at number 2')
    await records.put(key(2), new Uint8Array([123]))
    expect(await refusal()).toContain('its bytes are no canonical JSON')
  })

  test('a missing key', async () => {
    await fill(1)
    expect(await refusal(parseKeyRing('33'.repeat(32), 'test'))).toContain('unknown key')
  })

  test('to write over a record that another wrote', async () => {
    const store = await open()
    await records.put(key(1), new Uint8Array([1]))
    await expect(store.append(sampleFlow())).rejects.toMatchObject({ code: 'ERR_STORAGE_CONFLICT' })
  })
})
