import type { Ref } from 'espalier'
import { beforeEach, describe, expect, test } from 'vitest'
import { parseKeyRing } from '../../../actors/receipt/key-ring.ts'
import { ReceiptServer } from '../../../actors/receipt/receipt-server.ts'
import { KeyValueStore, MemoryDisk, type TransactionalStore } from '../../../src/storage/index.ts'
import { Stage } from '../stage.ts'
import { MemoryFiles, sampleFlow } from './samples.ts'

const keys = parseKeyRing('11'.repeat(32), 'test')
const headPath = 'receipts.head'

let stage: Stage
let disk: MemoryDisk
let files: MemoryFiles
let store: TransactionalStore
let server: Ref<typeof ReceiptServer>

beforeEach(async () => {
  stage = new Stage()
  disk = new MemoryDisk()
  files = new MemoryFiles()
  store = await disk.open('data')
  server = await start()
})

const start = () => stage.run(stage.node.start(ReceiptServer, { store, files, headPath, keys }))
const begin = (flowId: string, startedAtMs = 1) =>
  stage.run(server.call('begin', { flowId, input: 'lint', startedAtMs }))
const append = (flowId: string, outcome: 'succeeded' | 'failed' | 'stopped') =>
  stage.run(server.call('append', { ...sampleFlow(flowId), outcome }))
const unfinished = () => stage.run(server.call('unfinished'))

describe('the journal', () => {
  test('holds a flow from its begin to its receipt', async () => {
    await begin('flow-1')
    expect(await unfinished()).toEqual([{ flowId: 'flow-1', input: 'lint', startedAtMs: 1 }])
    await append('flow-1', 'failed')
    expect(await unfinished()).toEqual([])
  })

  test('holds a stopped flow with its receipt, until its loss has been told', async () => {
    await begin('flow-1')
    const stored = await append('flow-1', 'stopped')
    expect(await unfinished()).toMatchObject([{ flowId: 'flow-1', receipt: stored.id }])
    expect(await stage.run(server.call('forget', ['flow-1', 'unknown']))).toBe(2)
    expect(await unfinished()).toEqual([])
  })

  test('names the oldest first', async () => {
    await begin('young', 3)
    await begin('old', 1)
    expect((await unfinished()).map(({ flowId }) => flowId)).toEqual(['old', 'young'])
  })

  test('is durable before the flow hears of it: a power cut right after keeps the entry', async () => {
    await begin('flow-1')
    disk.cutPower()
    store = await disk.open('data')
    server = await start()
    expect(await unfinished()).toMatchObject([{ flowId: 'flow-1' }])
  })

  test('red: on a disk that acknowledges before it flushes, the power cut takes it', async () => {
    disk = new MemoryDisk({ schedule: (job, complete) => job.kind === 'read' && complete() })
    disk.faults.acknowledgeAtPut = true
    store = await disk.open('data')
    server = await start()
    await begin('flow-1')
    disk.cutPower()
    store = await disk.open('data')
    server = await start()
    expect(await unfinished()).toEqual([])
  })

  test('tells of a flow whose entry was damaged, and does not die of it', async () => {
    await new KeyValueStore(store, 'flows').put('flow-9', new TextEncoder().encode('{"flowId":'))
    expect(await unfinished()).toEqual([
      { flowId: 'flow-9', input: '(its entry in the journal is damaged)', startedAtMs: 0 },
    ])
    expect(stage.crashes).toEqual([])
  })
})

describe('receipts', () => {
  test('are chained over a restart of the server', async () => {
    expect(await append('flow-1', 'succeeded')).toMatchObject({ id: expect.stringMatching(/^1-/), count: 1 })
    stage.node.sendExit(server, 'kill')
    await stage.world.settle()
    server = await start()
    expect(await append('flow-2', 'succeeded')).toMatchObject({ id: expect.stringMatching(/^2-/), count: 2 })
  })

  test('the server does not start on damage, and says what is wrong', async () => {
    await append('flow-1', 'succeeded')
    files.held.delete(headPath)
    await expect(start()).rejects.toThrow(/ERR_RECEIPTS_DAMAGED/)
  })

  test('a disk that refuses ends the server: its caller hears why, and nothing counts that is not stored', async () => {
    disk.faults.full = true
    await expect(append('flow-1', 'succeeded')).rejects.toThrow('no space left')
    await stage.world.settle()
    expect(stage.node.processes()).not.toContain(server)
    disk.faults.full = false
    server = await start()
    expect(await append('flow-1', 'succeeded')).toMatchObject({ count: 1 })
  })
})
