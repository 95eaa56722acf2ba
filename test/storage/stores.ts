// The two stores behind the port, for the contract suites.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryDisk, WriteBatch } from 'espalier/storage'
import { compiledStorage } from './compiled.ts'
import type { Subject } from './store-contract.ts'

export const memoryStores: Subject = {
  name: 'in memory',
  newBatch: () => new WriteBatch(),
  create: async ({ maxBytes, ...limits } = {}) => {
    const disk = new MemoryDisk(maxBytes === undefined ? {} : { maxBytes })
    const store = await disk.open('node', limits)
    return { store, reopen: () => disk.open('node', limits), remove: () => store.close() }
  },
}

/** LMDB as the built package has it. */
export async function lmdbStores(): Promise<Subject> {
  const storage = await compiledStorage()
  return {
    name: 'LMDB',
    newBatch: () => new storage.WriteBatch(),
    create: async (options = {}) => {
      const path = await mkdtemp(join(tmpdir(), 'espalier-storage-'))
      const store = await storage.openLmdb({ ...options, path })
      return {
        store,
        reopen: () => storage.openLmdb({ ...options, path }),
        remove: async () => {
          await store.close()
          await rm(path, { recursive: true })
        },
      }
    },
  }
}
