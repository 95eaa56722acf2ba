import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openKeyRing } from '../../actors/receipt/key-ring.ts'
import { keysVariable, openReceiptStore, receiptPaths, receiptStoreName } from '../../actors/receipt/receipt-store.ts'
import { type Verification, verifyInChild } from '../../actors/receipt/verifier.ts'
import { createSystemChildren, systemClock, systemFiles, systemSecrets } from '../../src/system/index.ts'
import { sampleFlow } from '../actors/receipt/samples.ts'
import { compiledFolder, compiledStorage } from '../storage/compiled.ts'

const children = createSystemChildren()
let root: string
/** Eight receipts, never touched. */
let original: string
let copies = 0
/** More of them, for a long look: DAMAGE_OFFSETS=200. */
const offsets = Number(process.env.DAMAGE_OFFSETS ?? 12)

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'espalier-verify-'))
  original = join(root, 'original')
  await write(original, 8)
})
afterAll(() => {
  rmSync(root, { recursive: true })
})

/** Writes receipts as a run does; the storage thread runs compiled code. */
async function write(folder: string, count: number): Promise<void> {
  await systemFiles.makeFolder(folder)
  const { openLmdb, KeyValueStore } = await compiledStorage()
  const paths = receiptPaths(folder)
  const keys = await openKeyRing({ files: systemFiles, secrets: systemSecrets, path: paths.keys })
  const store = await openLmdb({ path: paths.store })
  const records = new KeyValueStore(store, receiptStoreName)
  const receipts = await openReceiptStore({ records, files: systemFiles, headPath: paths.head, keys })
  for (let at = 1; at <= count; at += 1) await receipts.append(sampleFlow(`flow-${at}`))
  await store.close()
}

function copy(): string {
  copies += 1
  const folder = join(root, `copy-${copies}`)
  cpSync(original, folder, { recursive: true })
  return folder
}

function verify(folder: string): Promise<Verification> {
  const program = join(compiledFolder('cli'), 'verify-receipts.js')
  return verifyInChild({ children, clock: systemClock, argv: [process.execPath, program, folder] })
}

const dataFile = (folder: string) => {
  const { store } = receiptPaths(folder)
  const largest = readdirSync(store)
    .map((name) => join(store, name))
    .filter((path) => statSync(path).isFile())
    .sort((a, b) => statSync(b).size - statSync(a).size)
  return largest[0] ?? ''
}

test('a store as it was written is intact', async () => {
  expect(await verify(original)).toMatchObject({ kind: 'intact', count: 8, beyondHead: 0 })
})

test('an empty folder is an intact store of nothing', async () => {
  expect(await verify(root)).toMatchObject({ kind: 'intact', count: 0 })
})

test('keys may come from the environment', async () => {
  const folder = copy()
  const keys = readFileSync(receiptPaths(folder).keys, 'utf8').replace(/^#.*$/gm, '').trim()
  rmSync(receiptPaths(folder).keys)
  expect(await verify(folder)).toMatchObject({ kind: 'unreadable', detail: expect.stringContaining('no keys') })
  process.env[keysVariable] = keys
  try {
    expect(await verify(folder)).toMatchObject({ kind: 'intact', count: 8 })
  } finally {
    delete process.env[keysVariable]
  }
})

test('red: a byte changed inside a stored receipt is named', async () => {
  const folder = copy()
  const file = dataFile(folder)
  const bytes = readFileSync(file)
  // LMDB copies what it writes: older pages hold the same bytes.
  let found = 0
  for (let at = bytes.indexOf('"flow-5"'); at >= 0; at = bytes.indexOf('"flow-5"', at)) {
    bytes[at + 6] = 0x58
    found += 1
  }
  expect(found).toBeGreaterThan(0)
  writeFileSync(file, bytes)
  expect(await verify(folder)).toEqual({
    kind: 'broken',
    sequence: 5,
    fault: 'altered',
    detail: 'its signature does not fit its content',
  })
})

/** Changes the records through the storage room, as who holds the machine but not the key could. */
async function tamper(folder: string, change: (records: Map<number, Uint8Array>) => void): Promise<void> {
  const { openLmdb, KeyValueStore } = await compiledStorage()
  const store = await openLmdb({ path: receiptPaths(folder).store })
  const stored = new KeyValueStore(store, receiptStoreName)
  const records = new Map<number, Uint8Array>()
  for await (const { key, value } of stored.scan()) records.set(Number(new TextDecoder().decode(key)), value)
  const before = [...records.keys()]
  change(records)
  await stored.update((changes) => {
    for (const number of before) changes.delete(String(number).padStart(16, '0'))
    for (const [number, value] of records) changes.put(String(number).padStart(16, '0'), value)
  })
  await store.close()
}
const at = (records: Map<number, Uint8Array>, number: number) => records.get(number) ?? new Uint8Array()

test.each([
  ['removed', 4, (records) => void records.delete(4)],
  ['removed', 1, (records) => void records.delete(1)],
  [
    'reordered',
    3,
    (records) => {
      const [third, sixth] = [at(records, 3), at(records, 6)]
      records.set(3, sixth).set(6, third)
    },
  ],
  ['cut_tail', 8, (records) => void records.delete(8)],
  [
    'cut_tail',
    6,
    (records) => {
      for (const number of [6, 7, 8]) records.delete(number)
    },
  ],
  [
    'altered',
    5,
    (records) =>
      void records.set(
        5,
        at(records, 5).map((byte, index) => (index === 99 ? byte ^ 1 : byte)),
      ),
  ],
] satisfies [string, number, (records: Map<number, Uint8Array>) => void][])(
  'red: a receipt is %s: number %i is named',
  async (fault, sequence, change) => {
    const folder = copy()
    await tamper(folder, change)
    expect(await verify(folder)).toMatchObject({ kind: 'broken', fault, sequence })
  },
)

test('writing the same records again changes nothing', async () => {
  const folder = copy()
  await tamper(folder, () => {})
  expect(await verify(folder)).toEqual(await verify(original))
})

test('red: an older store under the newer head is a cut tail', async () => {
  const folder = join(root, 'older')
  await write(folder, 2)
  const old = copyOf(folder, 'older-copy')
  await write(folder, 3)
  copyFileSync(receiptPaths(folder).head, receiptPaths(old).head)
  expect(await verify(old)).toMatchObject({ kind: 'broken', sequence: 3, fault: 'cut_tail' })
})

test('red: a store that is gone under a head that counts', async () => {
  const folder = copy()
  rmSync(receiptPaths(folder).store, { recursive: true })
  expect(await verify(folder)).toMatchObject({ kind: 'broken', sequence: 1, fault: 'cut_tail' })
})

test('red: a store that is no database cannot be read', async () => {
  const folder = copy()
  writeFileSync(dataFile(folder), 'not a database'.repeat(1000))
  expect(await verify(folder)).toMatchObject({ kind: 'unreadable' })
})

test('bytes changed anywhere: intact only if no receipt changed, else a receipt is named or the store unreadable', async () => {
  const whole = await verify(original)
  const { size } = statSync(dataFile(original))
  for (let step = 0; step < offsets; step += 1) {
    const folder = copy()
    const bytes = readFileSync(dataFile(folder))
    // The golden ratio spreads any number of offsets evenly. Every second one goes to the head of its page, where a
    // change can kill the reader.
    const spread = Math.floor(((step * 0.6180339887498949) % 1) * size)
    const at = step % 2 === 0 ? spread : spread - (spread % 4096) + (step % 32)
    bytes[at] = (bytes[at] ?? 0) ^ (1 + ((step * 37) % 255))
    writeFileSync(dataFile(folder), bytes)
    const verdict = await verify(folder)
    if (verdict.kind === 'intact') expect(verdict).toEqual(whole)
    rmSync(folder, { recursive: true })
  }
}, 600_000)

function copyOf(folder: string, name: string): string {
  const target = join(root, name)
  cpSync(folder, target, { recursive: true })
  return target
}
