// The small files of a simulated node, on its simulated disk: as slow as that is, full when it is full, and after a
// power cut what was flushed.

import type { Files } from '../kernel/ports/index.ts'
import { StorageError } from '../storage/errors.ts'
import { KeyValueStore } from '../storage/key-value-store.ts'
import type { SimulatedDisk } from './simulated-disk.ts'

/** The name of their store on the disk. */
const storeName = 'files'

export class SimulatedFiles implements Files {
  readonly #disk: SimulatedDisk
  #store: Promise<KeyValueStore> | undefined

  /** @internal For one life of a node. */
  constructor(disk: SimulatedDisk) {
    this.#disk = disk
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    return (await this.#open()).get(path)
  }

  async replace(path: string, bytes: Uint8Array): Promise<void> {
    await (await this.#open()).put(path, bytes)
  }

  async create(path: string, bytes: Uint8Array): Promise<boolean> {
    const store = await this.#open()
    try {
      await store.update((changes) => {
        changes.expect(path, undefined)
        changes.put(path, bytes)
      })
      return true
    } catch (error) {
      if (error instanceof StorageError && error.code === 'ERR_STORAGE_CONFLICT') return false
      throw error
    }
  }

  /** Folders are there. */
  async makeFolder(): Promise<void> {}

  #open(): Promise<KeyValueStore> {
    this.#store ??= this.#disk.memory.open(storeName).then((store) => new KeyValueStore(store, storeName))
    return this.#store
  }
}
