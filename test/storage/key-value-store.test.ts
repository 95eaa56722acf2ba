import { KeyValueStore, MemoryDisk } from 'espalier/storage'
import { describe, expect, test } from 'vitest'
import { bytes, text } from './bytes.ts'
import { compiledStorage } from './compiled.ts'
import { lmdbStores, memoryStores } from './stores.ts'

const compiled = await compiledStorage()
const subjects = [
  { subject: memoryStores, Store: KeyValueStore },
  { subject: await lmdbStores(), Store: compiled.KeyValueStore },
]

describe.each(subjects)('key-value stores over $subject.name', ({ subject, Store }) => {
  const withStores = async (use: (a: KeyValueStore, b: KeyValueStore) => Promise<void>): Promise<void> => {
    const made = await subject.create()
    try {
      await use(new Store(made.store, 'receipts'), new Store(made.store, 'receipts2'))
    } finally {
      await made.remove()
    }
  }
  const keys = async (store: KeyValueStore, range = {}): Promise<(string | undefined)[]> => {
    const found: (string | undefined)[] = []
    for await (const entry of store.scan(range)) found.push(text(entry.key))
    return found
  }

  test('two names share an environment and see nothing of each other', () =>
    withStores(async (a, b) => {
      await Promise.all([a.put('key', bytes('in a')), b.put('key', bytes('in b')), b.put('other', bytes('x'))])
      expect(text(await a.get('key'))).toBe('in a')
      expect(await keys(a)).toEqual(['key'])
      await b.delete('key')
      expect(await keys(a)).toEqual(['key'])
      expect(await keys(b)).toEqual(['other'])
    }))

  test('a scan takes a prefix, a place to go on from, a direction and a limit', () =>
    withStores(async (store) => {
      await store.update((changes) => {
        for (const key of ['a/1', 'a/2', 'a/3', 'b/1', '']) changes.put(key, bytes(key))
      })
      expect(await keys(store)).toEqual(['', 'a/1', 'a/2', 'a/3', 'b/1'])
      expect(await keys(store, { prefix: 'a/' })).toEqual(['a/1', 'a/2', 'a/3'])
      expect(await keys(store, { prefix: 'a/', after: 'a/1' })).toEqual(['a/2', 'a/3'])
      expect(await keys(store, { prefix: 'a/', after: 'a/3', reverse: true, limit: 1 })).toEqual(['a/2'])
      expect(await keys(store, { prefix: 'b/', after: 'a/3', reverse: true })).toEqual([])
      expect(await keys(store, { limit: 0 })).toEqual([])
    }))

  test('an update is one step and may depend on a value', () =>
    withStores(async (store) => {
      await store.put('head', bytes('1'))
      const update = store.update((changes) => {
        changes.expect('head', bytes('0'))
        changes.put('head', bytes('2'))
        changes.put('more', bytes('2'))
      })
      await expect(update).rejects.toMatchObject({ code: 'ERR_STORAGE_CONFLICT' })
      expect(await keys(store)).toEqual(['head'])
      await store.update(() => {})
    }))
})

test('a text is stored as its UTF-8 bytes', async () => {
  const store = new KeyValueStore(await new MemoryDisk().open('a'), 'a')
  const texts = ['', 'plain', 'größer', '日本', '\u{1f333}', '\u007f\u0080', 'x'.repeat(100_000)]
  await store.update((changes) => {
    for (const [index, value] of texts.entries()) changes.put(`${index}`, value)
  })
  for (const [index, value] of texts.entries()) expect(await store.get(`${index}`)).toEqual(bytes(value))
})

test('a wrong name or key is named', async () => {
  const disk = await new MemoryDisk().open('a')
  expect(() => new KeyValueStore(disk, 'a b')).toThrow('name: expected 1 to 64 of')
  await expect(new KeyValueStore(disk, 'a').put('x'.repeat(2000), bytes(''))).rejects.toMatchObject({ field: 'key' })
})
