// A replica's disk: what survives a power cut, what is said of what did not, and the one transaction of every switch.
import { MemoryDisk } from 'espalier/storage'
import { describe, expect, it } from 'vitest'
import type { Configuration } from '../../../actors/raft/core/configuration.ts'
import type { HardState } from '../../../actors/raft/core/effect.ts'
import { encodeEntry } from '../../../actors/raft/core/entry-codec.ts'
import type { SnapshotDescription } from '../../../actors/raft/core/message.ts'
import { ReplicaStorage, type StorageOptions, WriteFailure } from '../../../actors/raft/replica-storage.ts'
import { crc32c } from '../../../src/storage/crc32c.ts'
import { LogKeys } from '../../../src/storage/log-records.ts'

const founders: Configuration = { members: [{ id: 'n1', incarnation: '', role: 'voter' }] }
const keys = new LogKeys('raft/g')

/** A disk that flushes when it is told to, or by itself. */
class Disk {
  isHeld = false
  readonly held: (() => void)[] = []
  readonly memory = new MemoryDisk({
    schedule: (job, complete) => {
      if (this.isHeld && job.kind === 'write') this.held.push(complete)
      else void Promise.resolve().then(complete)
    },
  })

  async open(options: Partial<StorageOptions> = {}): Promise<ReplicaStorage> {
    const store = await this.memory.open('s')
    return ReplicaStorage.open(store, { group: 'g', founders, newIncarnation: () => 'drawn', ...options })
  }

  reopen(options: Partial<StorageOptions> = {}): Promise<ReplicaStorage> {
    this.memory.cutPower()
    this.isHeld = false
    this.held.length = 0
    return this.open({ founders: undefined, ...options })
  }
}

const entry = (index: number, term = 1, text = `${index}`) =>
  encodeEntry({ index, term, kind: 'command', timeMs: index, payload: new TextEncoder().encode(text) })

const hard = (term: number, commit = 0): HardState => ({ term, votedFor: 'n2', commit, voteFloor: undefined })

const write = (storage: ReplicaStorage, from: number, through: number, term = 1, truncateFrom?: number) =>
  storage.persist({
    truncateFrom,
    entries: Array.from({ length: through - from + 1 }, (_, at) => entry(from + at, term)),
    hardState: hard(term, 0),
  })

/** The same, each entry in a record of its own. */
async function writeEach(storage: ReplicaStorage, from: number, through: number, term = 1): Promise<void> {
  for (let index = from; index <= through; index += 1) await write(storage, index, index, term)
}

const bytes = new TextEncoder().encode('the state of the machine')

function description(index: number, term = 1): SnapshotDescription {
  const last = { index, term }
  return { last, configuration: founders, size: bytes.length, checksum: crc32c(bytes), machine: 'm', version: 1 }
}

async function take(storage: ReplicaStorage, index: number): Promise<SnapshotDescription> {
  const snapshot = description(index)
  const writer = storage.newSnapshot()
  await writer.write(bytes.subarray(0, 10))
  await writer.write(bytes.subarray(10))
  await writer.finish(snapshot)
  return snapshot
}

const indexes = (storage: ReplicaStorage) => storage.recovered.entries.map(({ index }) => index)

describe('a disk', () => {
  it('of a founder has the empty incarnation, and knows its founders again', async () => {
    const disk = new Disk()
    expect((await disk.open()).incarnation).toBe('')
    const again = await disk.reopen()
    expect(again.incarnation).toBe('')
    expect(again.founders).toEqual(founders)
  })

  it('that is empty and no founder’s draws an incarnation, and keeps it', async () => {
    const disk = new Disk()
    expect((await disk.open({ founders: undefined })).incarnation).toBe('drawn')
    const again = await disk.reopen({ founders, newIncarnation: () => 'another' })
    expect(again.incarnation).toBe('drawn')
    expect(again.founders).toBeUndefined()
  })

  it('holds entries and hard state after a power cut', async () => {
    const disk = new Disk()
    const storage = await disk.open()
    await write(storage, 1, 3)
    await write(storage, 2, 2, 4, 2)
    const { recovered } = await disk.reopen()
    expect(recovered.entries).toEqual([entry(1), entry(2, 4)])
    expect(recovered.hardState).toEqual(hard(4))
    expect(recovered.claimed).toBeUndefined()
  })

  it('loses what was not flushed, entries and hard state together', async () => {
    const disk = new Disk()
    const storage = await disk.open()
    await write(storage, 1, 2)
    disk.isHeld = true
    void write(storage, 3, 4, 2)
    await Promise.resolve()
    const { recovered } = await disk.reopen()
    expect(recovered.entries.map(({ index }) => index)).toEqual([1, 2])
    expect(recovered.hardState?.term).toBe(1)
  })

  it('refuses entries that do not follow', async () => {
    const storage = await new Disk().open()
    await write(storage, 1, 2)
    await expect(write(storage, 4, 4)).rejects.toThrow('the index behind the log')
  })
})

describe('damage', () => {
  const flip = (value: Uint8Array) => value.map((byte, at) => (at === value.length - 1 ? byte ^ 1 : byte))

  it('at or below the head leaves the sound beginning and a floor of votes, written at once', async () => {
    const disk = new Disk()
    const storage = await disk.open()
    await writeEach(storage, 1, 5, 3)
    disk.memory.damage('s', keys.entry(4), flip)
    const damaged = await disk.reopen()
    expect(indexes(damaged)).toEqual([1, 2, 3])
    expect(damaged.recovered.claimed).toEqual({ index: 5, term: 3 })
    expect(damaged.recovered.hardState?.voteFloor).toEqual({ index: 5, term: 3 })
    await write(damaged, 4, 4, 3)
    const again = await disk.reopen()
    expect(indexes(again)).toEqual([1, 2, 3, 4])
    expect(again.recovered.claimed).toBeUndefined()
  })

  it('of the last entry still knows its term', async () => {
    const disk = new Disk()
    await writeEach(await disk.open(), 1, 2, 7)
    disk.memory.damage('s', keys.entry(2), () => undefined)
    const { recovered } = await disk.reopen()
    expect(recovered.claimed).toEqual({ index: 2, term: 7 })
    const again = await disk.reopen()
    expect(again.recovered.hardState?.voteFloor).toEqual({ index: 2, term: 7 })
  })

  it('below the snapshot is no loss', async () => {
    const disk = new Disk()
    const storage = await disk.open()
    await writeEach(storage, 1, 5)
    await take(storage, 5)
    disk.memory.damage('s', keys.entry(2), flip)
    const again = await disk.reopen()
    expect(again.recovered.claimed).toBeUndefined()
    expect(again.recovered.snapshot?.last.index).toBe(5)
    await write(again, 6, 6)
    expect(indexes(await disk.reopen())).toEqual([6])
  })

  it('of the snapshot is the loss of everything', async () => {
    const disk = new Disk()
    const storage = await disk.open()
    await write(storage, 1, 5, 2)
    await take(storage, 3)
    await storage.compact(3)
    disk.memory.damage('s', Buffer.from('\x01raft/g\x00c00000001000000000000'), flip)
    const again = await disk.reopen()
    expect(again.recovered).toMatchObject({ snapshot: undefined, entries: [], claimed: { index: 5, term: 2 } })
    await write(again, 1, 1, 2)
    expect(indexes(await disk.reopen())).toEqual([1])
  })

  it('of the head record leaves nothing to go by: the disk does not open', async () => {
    const disk = new Disk()
    await write(await disk.open(), 1, 2)
    disk.memory.damage('s', keys.head, (value) => value.map((byte, at) => (at === 5 ? byte ^ 1 : byte)))
    await expect(disk.reopen()).rejects.toMatchObject({ code: 'ERR_LOG_ROT' })
  })
})

describe('a write that fails', () => {
  it('takes those behind it along, and the log goes on once the core knows', async () => {
    const disk = new Disk()
    const storage = await disk.open()
    await write(storage, 1, 2, 2)
    disk.memory.faults.full = true
    const first = write(storage, 3, 3, 2).catch((error: unknown) => error)
    const second = write(storage, 4, 4, 2).catch((error: unknown) => error)
    expect(await first).toMatchObject({ durable: { index: 2, term: 2 }, isFirst: true, goesOn: true })
    expect(await second).toMatchObject({ isFirst: false })
    disk.memory.faults.full = false
    await expect(write(storage, 5, 5, 2)).rejects.toBeInstanceOf(WriteFailure)
    storage.goOn()
    await write(storage, 3, 3, 3)
    expect((await disk.reopen()).recovered.entries.at(-1)).toEqual(entry(3, 3))
  })
})

describe('a snapshot of one’s own', () => {
  it('stands in for the log, which is compacted behind it', async () => {
    const disk = new Disk()
    const storage = await disk.open()
    await write(storage, 1, 6)
    const snapshot = await take(storage, 4)
    await storage.compact(4)
    expect(await storage.read(4, 10, 1000)).toEqual([])
    expect(await storage.read(5, 10, 1000)).toEqual([entry(5), entry(6)])
    const again = await disk.reopen()
    expect(again.recovered.snapshot).toEqual(snapshot)
    expect(indexes(again)).toEqual([5, 6])
    expect(await again.readSnapshot()).toEqual(bytes)
    expect((await again.chunkAt(snapshot, 12))?.bytes).toEqual(bytes.subarray(12))
    expect((await again.chunkAt(snapshot, 3))?.bytes).toEqual(bytes.subarray(3, 10))
  })

  it('counts for nothing until it is whole, and what is left of it is swept out', async () => {
    const disk = new Disk()
    const storage = await disk.open()
    await write(storage, 1, 2)
    await storage.newSnapshot().write(bytes)
    const again = await disk.reopen()
    expect(again.snapshot).toBeUndefined()
    expect(disk.memory.damage('s', Buffer.from('\x01raft/g\x00c00000001000000000000'), (v) => v)).toBe(false)
  })

  it('is not put in force beyond what the log holds on this disk', async () => {
    const storage = await new Disk().open()
    await write(storage, 1, 2)
    await take(storage, 3)
    expect(storage.snapshot).toBeUndefined()
  })
})

describe('a snapshot that is received', () => {
  it('goes on where it was after a power cut, and takes the log’s place in one step', async () => {
    const disk = new Disk()
    const storage = await disk.open({ founders: undefined })
    await write(storage, 1, 3)
    const snapshot = description(10, 4)
    expect(await storage.receive(snapshot, 0, bytes.subarray(0, 8))).toBe(8)
    const again = await disk.reopen()
    expect(await again.receive({ ...snapshot }, 0, bytes.subarray(0, 8))).toBe(8)
    expect(await again.receive(snapshot, 20, bytes.subarray(20))).toBe(8)
    expect(await again.receive(snapshot, 8, bytes.subarray(8))).toBe(bytes.length)
    expect(await again.received(snapshot)).toEqual(bytes)
    await again.install(snapshot, hard(5, 10), undefined)
    await write(again, 11, 11, 5)
    const { recovered, incarnation } = await disk.reopen()
    expect(recovered.snapshot).toEqual(snapshot)
    expect(recovered.entries).toEqual([entry(11, 5)])
    expect(recovered.hardState?.term).toBe(5)
    expect(incarnation).toBe('drawn')
  })

  it('is in place wholly or not at all when the power goes in mid-install', async () => {
    for (const isFlushed of [false, true]) {
      const disk = new Disk()
      const storage = await disk.open()
      await write(storage, 1, 3)
      const snapshot = description(10, 4)
      await storage.receive(snapshot, 0, bytes)
      await storage.received(snapshot)
      disk.isHeld = true
      void storage.install(snapshot, hard(5, 10), undefined)
      await new Promise((resolve) => setImmediate(resolve))
      if (isFlushed) for (const complete of disk.held.splice(0)) complete()
      const { recovered } = await disk.reopen()
      expect(recovered.snapshot?.last.index).toBe(isFlushed ? 10 : undefined)
      expect(recovered.entries.length).toBe(isFlushed ? 0 : 3)
      expect(recovered.hardState?.term).toBe(isFlushed ? 5 : 1)
    }
  })

  it('keeps the entries behind it if they are there', async () => {
    const disk = new Disk()
    const storage = await disk.open()
    await write(storage, 1, 6)
    const snapshot = description(4)
    await storage.receive(snapshot, 0, bytes)
    await storage.received(snapshot)
    await storage.install(snapshot, hard(1, 4), 5)
    expect(indexes(await disk.reopen())).toEqual([5, 6])
  })

  it('is forgotten if it is damaged', async () => {
    const storage = await new Disk().open()
    const snapshot = description(4)
    await storage.receive(
      snapshot,
      0,
      bytes.map((byte) => byte ^ 1),
    )
    expect(await storage.received(snapshot)).toBeUndefined()
    expect(await storage.receive(snapshot, 0, bytes)).toBe(bytes.length)
    expect(await storage.received(snapshot)).toEqual(bytes)
  })
})
